"""Compare what the platform made of the samples with their known truth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import polars as pl

from mlops_assets.samples import FileTruth, WaveTruth


def compare_files(rows: pl.DataFrame, waves: list[WaveTruth]) -> Iterator[str]:
    """What differs between `raw_media` and the samples' truth, a line each."""
    truth = {(f.source, f.path): f for wave in waves for f in wave.files}
    found = {(row["source"], row["path"]): row for row in rows.iter_rows(named=True)}
    for key in sorted(truth.keys() ^ found.keys()):
        yield f"{'/'.join(key)}: {'no row' if key in truth else 'nobody rendered it'}"
    for key in sorted(truth.keys() & found.keys()):
        yield from _compare_file(truth[key], found[key])


def _compare_file(file: FileTruth, row: dict[str, Any]) -> Iterator[str]:
    told = {
        "media_id": file.sha256,
        "kind": file.kind if file.status == "accepted" else row["kind"],
        "status": file.status,
        "reason": file.reason or None,
    }
    if file.captured_at_from:
        told["captured_at_from"] = file.captured_at_from
    for name, wanted in told.items():
        if row[name] != wanted:
            yield f"{file.source}/{file.path}: {name} is {row[name]!r}, truth {wanted!r}"


def compare_frames(frames: pl.DataFrame, waves: list[WaveTruth]) -> Iterator[str]:
    """What differs in the number of frames per file, at one sample a second."""
    counts = dict(frames.group_by("media_id").len().iter_rows()) if frames.height else {}
    for file in (f for wave in waves for f in wave.files if f.status == "accepted"):
        wanted = _frames_of(file)
        got = counts.get(file.sha256, 0)
        if wanted is not None and got != wanted and not file.is_damaged:
            yield f"{file.source}/{file.path}: {got} frames, truth {wanted}"


def _frames_of(file: FileTruth) -> int | None:
    if file.kind == "image":
        return 1
    if file.kind != "video" or not file.duration_s:
        return 0 if file.kind in ("document", "labels") else None
    return math.ceil(file.duration_s)


def compare_labels(labels: pl.DataFrame, waves: list[WaveTruth]) -> Iterator[str]:
    """What differs between `labels` and the truth."""
    truth = {(f.source, f.path): f.label for w in waves for f in w.files if f.label}
    rows = labels.select("source", "item_path", "label").iter_rows() if labels.height else []
    found = {(source, path): label for source, path, label in rows}
    for key in sorted(truth.keys() | found.keys()):
        if truth.get(key) != found.get(key):
            yield f"{'/'.join(key)}: label {found.get(key)!r}, truth {truth.get(key)!r}"


def compare_drift(verdicts: pl.DataFrame, wave: WaveTruth, days: set[str]) -> Iterator[str]:
    """Whether exactly the drifted sources are said to drift, in the features that did."""
    told = verdicts.filter((pl.col("severity") == "drift") & pl.col("day").is_in(list(days)))
    drifted = set(told["source"])
    if drifted != set(wave.drifted_sources):
        yield f"drift is said of {sorted(drifted)}, truth {sorted(wave.drifted_sources)}"
    for source in wave.drifted_sources:
        features = set(told.filter(pl.col("source") == source)["feature"])
        for feature, prefix in _FEATURES.items():
            told_of = any(name.startswith(prefix) for name in features)
            if feature in wave.drifted_features and not told_of:
                yield f"{source}: no drift is said of its {feature}"


_FEATURES = {"brightness": "frames.brightness", "motion": "optical_flows."}
"""Where a drifted property of the samples must show."""
