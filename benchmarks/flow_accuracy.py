"""How far optical flow is from the truth, ours and others', and what it costs on one thread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.flow_methods import (
    ALONE,
    DIS_MEDIUM,
    KINDS,
    REAL_PAIRS,
    Method,
    NamedPair,
    methods,
    real_pairs,
    rendered_pairs,
    scikit_image_version,
)
from benchmarks.measuring import Options, Spread
from benchmarks.processes import in_fresh_process
from benchmarks.results import Figure, Result
from mlops_assets.flow.evaluation import (
    disturbed_errors,
    flow_errors,
    rank_checks,
    score_pair,
    solve_both_ways,
)

METHOD = """Every method solves the same gray pairs in one process, turn about, OpenCV with one
thread: pairs with measured truth (four of Middlebury, from a folder beside the project) and
rendered scenes whose flow is a formula (three of each kind, drawn for this alone). End-point error
is the mean over the known pixels of a pair, occluded ones too, then over pairs. CPU seconds are of
the process; a method above half a second a pair runs once, the others five times after a warm-up; a
ratio is to OpenCV's DIS medium on the same pairs. Robustness: the real pairs and the scenes with
small motion, disturbed.
Calibration: Spearman's rank correlation of what the forward-backward check says and true error,
over pairs, over a grid of 4 x 4 tiles a pair, and over the pixels of a pair (mean over pairs)."""

ERROR_TARGETS_PX = {
    "reference balanced": 0.26,
    "reference quality": 0.225,
    "opencv-vr balanced": 0.32,
    "opencv-vr quality": 0.26,
}
LARGE_MOTION_TARGET = 0.8
CALIBRATED = 0.5
RANKED = (
    ("share that fails, over pairs", "all", "fail_over_pairs"),
    ("mean miss, over tiles of real pairs", "real", "miss_over_tiles"),
)
"""What checks rest on: of a pair the share that fails, of a part of it the mean miss."""
STUDIED = ("reference quality", "opencv-vr balanced", "opencv-vr quality", "opencv-dis balanced")
"""Methods of ours whose calibration is measured, and whose robustness is, beside TV-L1's."""
_OTHERS_DISTURBED = ("scikit-image TV-L1",)
_DISTURBED = ("real", "small")
_SLOW_S = 0.5
RAW = {
    "opencv-dis balanced": DIS_MEDIUM,
    "opencv-vr balanced": f"opencv-vr balanced{ALONE}",
}
RAW_TARGET = 1 / 0.9


def run(options: Options) -> Result:
    """Measure it."""
    found = in_fresh_process(
        measure, quick=options.quick, times=options.times, seed=options.seed, folder=str(REAL_PAIRS)
    )
    return Result("flow_accuracy", METHOD, tuple(_figures(found)), found)


def measure(quick: bool, times: int, seed: int, folder: str) -> dict[str, Any]:
    """Everything, as JSON values; best in a process of its own, as OpenCV's threads are limited."""
    import cv2

    cv2.setNumThreads(1)
    size, count, kinds = ((96, 80), 1, KINDS[:2]) if quick else (None, 3, KINDS)
    pairs = [] if quick else real_pairs(Path(folder))
    pairs += [one for kind in kinds for one in rendered_pairs(kind, count, size)]
    every = methods()
    if quick:
        every = [one for one in every if one.preset in ("", "fast") and "TV-L1" not in one.name]
    ours = [one for one in every if one.name in STUDIED or (quick and one.backend)]
    others = [one for one in every if one.name in _OTHERS_DISTURBED]
    return {
        "scikit_image": scikit_image_version(),
        "accuracy": [row for pair in pairs for row in _on_pair(every, pair, times)],
        "robustness": [
            _disturbed(method, pair, seed)
            for pair in pairs
            if pair.group in _DISTURBED
            for method in (*ours, *others)
        ],
        "calibration": [_calibrated(method, pairs) for method in ours],
    }


def _on_pair(every: Sequence[Method], named: NamedPair, times: int) -> Iterator[dict[str, Any]]:
    """Errors of each method on a pair, and its CPU seconds; they take turns."""
    flows: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {method.name: [] for method in every}
    for _ in range(times + 1):
        for method in every:
            taken = seconds[method.name]
            if not taken or taken[0] <= _SLOW_S:
                began = time.process_time()
                flows[method.name] = method.solve(named.pair.frames)
                taken.append(time.process_time() - began)
    for name, flow in flows.items():
        warm = seconds[name][1:] or seconds[name]
        yield {"method": name, **_errors(named, flow), "cpu_s": [round(one, 5) for one in warm]}


def _errors(named: NamedPair, flow: NDArray[np.float32]) -> dict[str, Any]:
    whole = flow_errors(flow, named.pair.truth)
    hidden = named.pair.occluded
    visible = None if hidden is None else flow_errors(flow, named.pair.truth, where=~hidden)
    found = {**(asdict(whole) if whole else {}), "visible_epe_px": visible and visible.epe_px}
    return {"group": named.group, "pair": named.name, **_rounded(found)}


def _disturbed(method: Method, named: NamedPair, seed: int) -> dict[str, Any]:
    plain = flow_errors(method.solve(named.pair.frames), named.pair.truth)
    rng = np.random.default_rng([seed, *named.name.encode()])
    errors = disturbed_errors(named.pair, method.solve, rng=rng, dropped=named.twice)
    told = {"undisturbed": plain.epe_px if plain else None, **errors}
    where = {"method": method.name, "group": named.group, "pair": named.name}
    return {**where, "epe_px": _rounded(told)}


def _calibrated(method: Method, pairs: Sequence[NamedPair]) -> dict[str, Any]:
    """How the forward-backward check ranks errors of real pairs, of rendered ones, and of all."""
    told = {}
    for named in pairs:
        solved = solve_both_ways(named.pair.frames, method.solve, clock=time.process_time)
        told[named] = score_pair(named.pair, solved).calibration
    samples = {
        "real": [one for named, one in told.items() if named.group == "real"],
        "rendered": [one for named, one in told.items() if named.group != "real"],
        "all": list(told.values()),
    }
    return {
        "method": method.name,
        "ranks": {n: _rounded(asdict(rank_checks(some))) for n, some in samples.items() if some},
        "tiles": [
            _rounded(asdict(tile))
            for one in samples["real"] or samples["all"]
            for tile in one.tiles
        ],
    }


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Six digits are enough to keep."""
    return {n: float(f"{v:.6g}") if isinstance(v, float) else v for n, v in row.items()}


def mean_of(rows: Sequence[dict[str, Any]], column: str, **where: str) -> float | None:
    """The mean of a column over the rows that have these values; None when there is none."""
    chosen = [row for row in rows if all(row[name] == value for name, value in where.items())]
    values = [row[column] for row in chosen if row.get(column) is not None]
    return sum(values) / len(values) if values else None


def cpu_over(rows: Sequence[dict[str, Any]], method: str, other: str, group: str) -> Spread | None:
    """CPU seconds of a method as a multiple of another's: the medians, pair by pair."""

    def medians(name: str) -> list[float]:
        mine = [row for row in rows if row["method"] == name and row["group"] == group]
        return [statistics.median(row["cpu_s"]) for row in mine]

    mine, others = medians(method), medians(other)
    return Spread.of(mine).over(Spread.of(others)) if mine and others else None


def _figures(found: dict[str, Any]) -> Iterator[Figure]:
    rows = found["accuracy"]
    names = list(dict.fromkeys(row["method"] for row in rows))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    for name in names:
        error = mean_of(rows, "epe_px", method=name, group=groups[0])
        if error is not None and not name.endswith(ALONE):
            yield Figure(f"{name}: EPE, {groups[0]}", error, "px", ERROR_TARGETS_PX.get(name))
    for name in (one for one in names if one.endswith(" quality")):
        mine, medium = (
            mean_of(rows, "epe_px", method=m, group="large") for m in (name, DIS_MEDIUM)
        )
        if mine is not None and medium:
            target = LARGE_MOTION_TARGET if name != "opencv-dis quality" else None
            yield Figure(f"{name}: EPE, up to 60 px", mine / medium, "x DIS medium", target)
    for ours, raw in RAW.items():
        over = cpu_over(rows, ours, raw, groups[0])
        if over is not None:
            yield Figure.of(f"{ours}: CPU through our function", over, f"x {raw}", RAW_TARGET)
    for row in found["calibration"]:
        for what, sample, column in RANKED:
            ranks = row["ranks"].get(sample, row["ranks"]["all"])
            missing = max(0.0, CALIBRATED - (ranks[column] or 0.0))
            yield Figure(f"{row['method']}: {what}, short of rank {CALIBRATED}", missing, "", 0.0)
