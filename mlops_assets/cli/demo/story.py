"""The story of the samples: two waves, a model, drift, a better model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl

from mlops_assets.cli.demo.delivering import deliver
from mlops_assets.cli.demo.truth import (
    compare_drift,
    compare_files,
    compare_frames,
    compare_labels,
)
from mlops_assets.cli.demo.watching import Watcher
from mlops_assets.samples import FILES_PER_SOURCE_AND_WAVE, WaveTruth, render_wave

SETTINGS = {
    "MLOPS_PARTITION_MAX_FILES": str(FILES_PER_SOURCE_AND_WAVE),
    "MLOPS_SETTLE_S": "1",
    "MLOPS_COOL_DOWN_S": "5",
}
"""Each wave fills its partitions exactly, so the next wave opens new ones."""

STEPS = 17 * 3 * 5 + 2 * 2
"""Asset steps: three partitions a wave, scored again after each promotion, and two trainings."""

_SHOWN = (
    "decodings",
    "frames",
    "moments",
    "sightings",
    "screenings",
    "optical_flows",
    "frame_embeddings",
    "documents",
    "text_chunks",
    "chunk_embeddings",
    "labels",
    "predictions",
    "drift_profiles",
    "drift_verdicts",
)


def tell_story(watcher: Watcher, home: Path) -> list[str]:
    """Land both waves and tell what happens; returns what differs from the truth."""
    first = _wave(watcher, home, 1)
    files = len(first.files)
    watcher.until("wave 1: files become rows", lambda: watcher.is_quiet(files))
    _tell_files(watcher, first)
    _tell_quarantine(watcher, home / "quarantine.png")
    watcher.until("the first model is trained", lambda: watcher.count("models") >= 1)
    watcher.until("wave 1 is scored by it", lambda: watcher.is_quiet(files))
    _tell_rows(watcher)
    _tell_model(watcher)
    second = _wave(watcher, home, 2)
    files += len(second.files)
    watcher.until("wave 2: files become rows", lambda: watcher.is_quiet(files))
    _tell_files(watcher, second)
    days = _days(watcher, second)
    verdicts = _first_verdicts(watcher, days)
    differences = list(compare_drift(verdicts, second, days))
    _tell_drift(watcher, verdicts)
    watcher.until("the model is trained again", lambda: watcher.count("models") >= 2)
    watcher.until("all partitions settle", lambda: watcher.is_quiet(files))
    _tell_model(watcher)
    waves = [first, second]
    differences += compare_files(watcher.rows("raw_media"), waves)
    differences += compare_frames(watcher.rows("frames"), waves)
    differences += compare_labels(watcher.rows("labels"), waves)
    return differences + _compare_models(watcher, waves)


def _wave(watcher: Watcher, home: Path, number: int) -> WaveTruth:
    staging = home / "rendered" / f"wave-{number}"
    truth = render_wave(staging, wave=1 if number == 1 else 2)
    deliver(staging, home / "landing")
    watcher.say(
        f"\n[bold]Wave {number}[/] of {len(truth.files)} files lands from {_sources(truth)}."
    )
    return truth


def _sources(truth: WaveTruth) -> str:
    return ", ".join(sorted({file.source for file in truth.files}))


def _tell_files(watcher: Watcher, wave: WaveTruth) -> None:
    hashes = [file.sha256 for file in wave.files]
    rows = watcher.rows("raw_media").filter(pl.col("media_id").is_in(hashes))
    counts = dict(rows.group_by("status").len().iter_rows())
    said = ", ".join(f"{counts.get(s, 0)} {s}" for s in ("accepted", "quarantined", "duplicate"))
    watcher.say(f"  {said}.")
    for row in (
        rows.filter(pl.col("status") != "accepted").sort("source", "path").iter_rows(named=True)
    ):
        watcher.say(
            f"    {row['source']}/{row['path'][:48]}: {row['reason']} - "
            f"{row['message'].split(' (')[0]}"
        )


def _tell_quarantine(watcher: Watcher, picture: Path) -> None:
    """What waits for a person, with a picture to look at and the commands to act by."""
    from mlops_assets import operations as ops

    waiting = ops.quarantined(lake=watcher.lake)
    reasons = waiting.group_by("reason").len().sort("len", "reason", descending=[True, False])
    said = ", ".join(f"{count} {reason}" for reason, count in reasons.iter_rows())
    watcher.say(f"  {waiting.height} wait in quarantine ({said}).")
    sheet = ops.quarantine_sheet(lake=watcher.lake)
    if sheet is not None:
        picture.write_bytes(sheet)
        watcher.say(f"    What they look like: {os.path.relpath(picture)}")
    watcher.say("    mlops quarantine list: what waits, and why")
    watcher.say("    mlops quarantine release MEDIA --reason WHY: use it all the same")


def _tell_rows(watcher: Watcher) -> None:
    counted = [f"{name} {watcher.count(name)}" for name in _SHOWN]
    watcher.say("  Rows: " + ", ".join(counted) + ".")


def _tell_model(watcher: Watcher) -> None:
    row = watcher.rows("models").sort("version").row(-1, named=True)
    asked = watcher.rows("snapshots").filter(pl.col("snapshot_id") == row["snapshot_id"])
    verdict = "promoted to champion" if row["is_promoted"] else "not promoted"
    watcher.say(f"\n[bold]Model {row['model_id']}[/], asked for because: {asked['reason'][0]}.")
    watcher.say(
        f"  {row['train_media']} media to learn from, {row['held_out_media']} held out; accuracy "
        f"{row['accuracy']:.3f} {json.loads(row['slices'])}."
    )
    watcher.say(f"  Gate: [bold]{verdict}[/] - {row['reason']}.")


def _first_verdicts(watcher: Watcher, days: set[str]) -> pl.DataFrame:
    """What was said first: the model that drift asks for may be there before all has settled."""
    said = watcher.history("drift_verdicts").filter(pl.col("day").is_in(list(days)))
    return said.unique(["source", "day", "feature"], keep="first", maintain_order=True)


def _tell_drift(watcher: Watcher, rows: pl.DataFrame) -> None:
    for (source,), part in sorted(rows.group_by("source"), key=lambda item: str(item[0])):
        drifted = part.filter(pl.col("severity") == "drift").sort(
            pl.col("distance") / pl.col("limit"), descending=True
        )
        said = "no drift" if drifted.is_empty() else f"[bold]drift[/] in {drifted.height} features"
        watcher.say(f"  {source}: {said} of {part.height} against {part['reference'][0]}")
        for message in drifted["message"].head(2):
            watcher.say(f"    {message}")


def _days(watcher: Watcher, wave: WaveTruth) -> set[str]:
    hashes = [file.sha256 for file in wave.files]
    return set(watcher.rows("raw_media").filter(pl.col("media_id").is_in(hashes))["day"])


def _compare_models(watcher: Watcher, waves: list[WaveTruth]) -> list[str]:
    rows = watcher.rows("models").sort("version")
    differences = []
    if rows.height != 2:
        differences.append(f"{rows.height} models were trained, truth 2")
    if not rows["is_promoted"][0]:
        differences.append(f"the first model was not promoted: {rows['reason'][0]}")
    causes = watcher.rows("snapshots").sort("asked_at")["cause"].to_list()
    if causes != ["first", "drift"]:
        differences.append(f"trainings were caused by {causes}, truth ['first', 'drift']")
    best = max(wave.best_possible_accuracy for wave in waves)
    for version, accuracy in rows.select("version", "accuracy").iter_rows():
        if not 0.6 <= accuracy <= min(1.0, best + 0.1):
            differences.append(
                f"model {version}: accuracy {accuracy:.3f}; best possible is {best:.3f}"
            )
    return differences
