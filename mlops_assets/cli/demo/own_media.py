"""The story of a person's own files: their cost, and what became of every one."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from mlops_assets.cli.demo.watching import Watcher
from mlops_assets.errors import ConfigurationError
from mlops_assets.operations import survey

SETTINGS = {"MLOPS_SETTLE_S": "1", "MLOPS_COOL_DOWN_S": "5"}
STEPS = 32
LIMIT_S = 6 * 3600.0
_COST_MINUTES = 1.0
SHOWN = 40
_STAGES = {"video": "decodings", "image": "decodings", "document": "documents", "labels": "labels"}
_HINT = (
    "To add labels, put a sidecar beside a file (clip.mp4.json with "
    '{"labels": ["cat"]}) or a labels.csv (path,label) into the source\'s folder.'
)


def tell_cost(console: Console, folder: Path) -> None:
    """Show what the folder would cost per table, measured on a few of its files.

    Raises:
        ConfigurationError: there is no such folder, or it holds no file.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"MEDIA={folder} is no folder")
    if not any(True for _ in _listing(folder)):
        raise ConfigurationError(f"MEDIA={folder} holds no file")
    console.print(f"Looking {folder} over, for a minute at most ...", highlight=False)
    found = survey(folder, minutes=_COST_MINUTES)
    for kind in found.kinds:
        console.print(
            f"  {kind.files} {kind.kind}, {kind.size_bytes / 1e6:.1f} MB", highlight=False
        )
    shown = Table("table", "rows", "seconds", "MB", title="Expected cost, one core")
    for cost in found.costs.tables:
        seconds = f"{cost.seconds:.1f}" if cost.seconds else ""
        shown.add_row(cost.table, str(cost.rows), seconds, f"{cost.size_bytes / 1e6:.1f}")
    console.print(shown if found.costs.tables else f"  {found.costs.basis}")


def tell_story(watcher: Watcher, folder: Path, home: Path) -> list[str]:
    """Land the files and account for every one; returns what does not add up."""
    sources = _copy(folder, home / "landing")
    watcher.say(f"\n{sum(sources.values())} files of {len(sources)} sources are landing.")
    expected = list(_expected(folder))
    watcher.until("files become rows", lambda: watcher.is_quiet(len(expected)))
    outcomes = _outcomes(watcher)
    _tell_outcomes(watcher, outcomes)
    _tell_labels(watcher)
    return _missing(expected, outcomes)


def _listing(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(root) / name for name in sorted(names))


def _copy(folder: Path, landing: Path) -> Counter[str]:
    """Copy everything, each file by rename; sidecars first."""
    sources: Counter[str] = Counter()
    for file in sorted(_listing(folder), key=lambda path: path.suffix != ".json"):
        target = landing / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name[-200:]}.part")
        shutil.copy2(file, part)
        part.rename(target)
        sources[file.relative_to(folder).parts[0]] += 1
    return sources


def _expected(folder: Path) -> Iterator[str]:
    """Paths that must have a row: all but sidecars and hidden files."""
    files = {file.relative_to(folder).as_posix() for file in _listing(folder)}
    for path in sorted(files):
        hidden = any(part.startswith(".") for part in path.split("/"))
        is_sidecar = path.endswith(".json") and path.removesuffix(".json") in files
        if not hidden and not is_sidecar:
            yield path


def _outcomes(watcher: Watcher) -> dict[str, str]:
    """What became of each landed file."""
    media = watcher.rows("raw_media")
    made = {
        name: _counts(watcher.rows(name)) for name in ("frames", "optical_flows", "text_chunks")
    }
    skipped = {name: _skips(watcher, name) for name in ("decodings", "documents")}
    return {
        f"{row['source']}/{row['path']}".removeprefix("unsorted/"): _outcome(row, made, skipped)
        for row in media.sort("source", "path").iter_rows(named=True)
    }


def _outcome(
    row: dict[str, Any], made: dict[str, Counter[str]], skipped: dict[str, dict[str, str]]
) -> str:
    if row["status"] != "accepted":
        return f"{row['status']} ({row['reason']})"
    if row["kind"] == "audio":
        return "audio: registered; nothing reads audio yet"
    media_id, stage = row["media_id"], _STAGES.get(row["kind"], "")
    if media_id in skipped.get(stage, {}):
        return f"{row['kind']}: skipped ({skipped[stage][media_id]})"
    counted = {name: counts[media_id] for name, counts in made.items() if counts[media_id]}
    said = ", ".join(f"{count} {name}" for name, count in counted.items())
    return f"{row['kind']}: {said or 'registered'}"


def _counts(rows: pl.DataFrame) -> Counter[str]:
    return Counter() if rows.is_empty() else Counter(rows["media_id"].to_list())


def _skips(watcher: Watcher, table: str) -> dict[str, str]:
    rows = watcher.rows(f"{table}__skipped")
    return {} if rows.is_empty() else dict(rows.select("media_id", "reason").iter_rows())


def _tell_outcomes(watcher: Watcher, outcomes: dict[str, str]) -> None:
    if len(outcomes) <= SHOWN:
        for path, outcome in outcomes.items():
            watcher.say(f"  {path}: {outcome}")
    summed = Counter(_summed(outcome) for outcome in outcomes.values())
    watcher.say(f"\n{len(outcomes)} files accounted for:")
    for outcome, count in sorted(summed.items()):
        watcher.say(f"  {count:6} {outcome}")


def _summed(outcome: str) -> str:
    kind, _, rest = outcome.partition(": ")
    return f"{kind}, with rows" if rest[:1].isdigit() else outcome


def _tell_labels(watcher: Watcher) -> None:
    labels, models = watcher.count("labels"), watcher.count("models")
    if not labels:
        watcher.say(f"\nNo labels, so nothing was trained. {_HINT}")
    elif not models:
        watcher.say(f"\n{labels} labels, too few to train on yet. {_HINT}")
    verdicts = watcher.rows("drift_verdicts")
    if not verdicts.is_empty():
        references = sorted(set(verdicts["reference"]))
        watcher.say(f"The drift reference of each source: {', '.join(references)}.")


def _missing(expected: list[str], outcomes: dict[str, str]) -> list[str]:
    lost = sorted(set(expected) - set(outcomes))
    extra = sorted(set(outcomes) - set(expected))
    return [f"{path}: landed and has no row" for path in lost] + [
        f"{path}: has a row and was not in the folder" for path in extra
    ]
