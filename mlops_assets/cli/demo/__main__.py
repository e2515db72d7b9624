"""`make demo`: start the platform on a fresh home, land media, tell the story, check it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console

from mlops_assets.cli.demo import own_media, story
from mlops_assets.cli.demo.watching import Watcher
from mlops_assets.cli.serving import environment_for, serve
from mlops_assets.errors import MlopsError
from mlops_assets.lake import Lake
from mlops_assets.settings import settings

LIMIT_S = 420.0


def main() -> int:
    """Tell the story; 0 when it is as it should be, 1 when something differs, 2 when it broke."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--media", type=Path, help="your own files; first folder = source")
    media = parser.parse_args().media
    console = Console()
    started = time.monotonic()
    home = settings().home.absolute() / ("own-media" if media else "demo")
    try:
        differences = _run(console, home, media)
    except MlopsError as err:
        console.print(f"[red]{type(err).__name__}[/]: {err}", highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    return _conclude(console, home, differences, time.monotonic() - started)


def _run(console: Console, home: Path, media: Path | None) -> list[str]:
    shutil.rmtree(home, ignore_errors=True)
    chosen = own_media.SETTINGS if media else story.SETTINGS
    if media:
        own_media.tell_cost(console, media)
    console.print(f"Starting Dagster on a fresh home, {home} ...", highlight=False)
    with serve(home, environment_for(home, **chosen)) as served:
        console.print(f"Watch it work at [bold]{served.dagster_url}[/]", highlight=False)
        steps = own_media.STEPS if media else story.STEPS
        limit_s = own_media.LIMIT_S if media else LIMIT_S
        lake = Lake.at(str(home / "lake"))
        with Watcher(served, lake, steps, limit_s) as watcher:
            told = (
                own_media.tell_story(watcher, media, home)
                if media
                else story.tell_story(watcher, home)
            )
            return told + _unasked(watcher)


def _unasked(watcher: Watcher) -> list[str]:
    """Runs that no sensor, schedule or condition asked for, and runs that failed."""
    runs = watcher.runs()
    by_origin: dict[str, int] = {}
    for run in runs:
        by_origin[run.origin or "nobody"] = by_origin.get(run.origin or "nobody", 0) + 1
    said = ", ".join(f"{origin} {count}" for origin, count in sorted(by_origin.items()))
    watcher.say(f"\n{len(runs)} runs, all asked for by the platform itself: {said}.")
    unasked = [f"run {run.run_id} was asked for by nobody" for run in runs if not run.origin]
    failed = [f"run {run.run_id} ended {run.status}" for run in runs if run.status != "SUCCESS"]
    return unasked + failed


def _conclude(console: Console, home: Path, differences: list[str], seconds: float) -> int:
    for difference in differences:
        console.print(f"[red]differs[/] {difference}", highlight=False, soft_wrap=True)
    verdict = f"{len(differences)} differences" if differences else "Everything is as it should be"
    console.print(f"\n{verdict}, after {seconds:.0f} s. Three things to try next:", highlight=False)
    mlops = (
        f"MLOPS_HOME={os.path.relpath(home)} {os.path.relpath(Path(sys.executable).parent)}/mlops"
    )
    tries = {
        "make dev": "the platform and MLflow, as it stands",
        f"{mlops} status": "what there is, per source and day",
        f"{mlops} set frames rate_hz=2": "with make dev running: recompute what follows",
    }
    if home.name == "demo":
        tries.pop(f"{mlops} status")
        tries[f"{mlops} trace models scene/1"] = "from a model to files and seconds"
    for command, what in tries.items():
        console.print(f"  {command}\n      {what}", highlight=False, soft_wrap=True)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
