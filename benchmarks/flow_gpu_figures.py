"""What the parts of the GPU benchmark come to: figures with their targets."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.measuring import Spread
from benchmarks.results import Figure

REFERENCE_TARGET_PX = 1e-3
HD = [720, 1280]
PAIR_TARGETS_MS = {"fast": None, "balanced": 1.0, "quality": 2.5}
"""Goals with frames on the device at 1280 x 720; the milestone of `balanced` is 2 ms."""
END_TO_END_TARGET_MS = 2.0
EPE_TARGETS_PX = {"cupy balanced": 0.26, "cupy quality": 0.225}
LARGE_MOTION_TARGET = 0.8

Parts = Mapping[str, Mapping[str, Any]]


def figures(parts: Parts) -> list[Figure]:
    """Every figure of the parts that ran.

    Args:
        parts: by name; one that was skipped or failed says so and gives no figure.
    """
    makers = {
        "device": _device,
        "correctness": _correctness,
        "speed": _speed,
        "kernels": _kernels,
        "tiling": _tiling,
        "end_to_end": _end_to_end,
        "cucim": _cucim,
        "dis": _dis,
        "accuracy": _accuracy,
        "asset": _asset,
    }
    ran = {name: part for name, part in parts.items() if not {"skipped", "failed"} & {*part}}
    return [
        figure for name, make in makers.items() if name in ran for figure in make(ran[name], ran)
    ]


def _device(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    yield Figure("copy within the device", part["copy_bytes_per_s"] / 1e9, "GB/s")
    spilled = max(one["spilled_bytes"] for one in part["kernels"].values())
    yield Figure("bytes a kernel spills, at most", spilled, "bytes", 0)


def _correctness(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    rows, target = part["rows"], REFERENCE_TARGET_PX
    told = {
        "to_reference_px": ("kernels to reference", target),
        "reference_there_px": ("reference there to reference here", target),
        "batched_to_single_px": ("batched to single", 0.0),
        "graph_to_launches_px": ("graph to launches", 0.0),
        "frames_there_px": ("frames there to frames here", 0.0),
    }
    for column, (name, most) in told.items():
        yield Figure(f"{name}, largest difference", max(row[column] for row in rows), "px", most)


def _speed(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    for row in part["rows"]:
        if row["as_graph"]:
            height, width = row["size"]
            name = f"{row['preset']}, {width} x {height}, {row['pairs']} at a time"
            is_judged = row["size"] == HD and row["pairs"] == 32
            target = PAIR_TARGETS_MS[row["preset"]] if is_judged else None
            yield Figure.of(name, Spread.of(row["ms_a_pair"]), "ms a pair", target)


def _kernels(part: Mapping[str, Any], parts: Parts) -> Iterator[Figure]:
    rate = parts.get("device", {}).get("copy_bytes_per_s")
    for preset, found in part.items():
        if rate:
            share = found["all"]["gb_per_s"] * 1e9 / rate
            yield Figure(f"{preset}: needed bytes a second over a copy's", share, "x copy")


def _tiling(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    for preset, found in part.items():
        best = min(found, key=lambda way: statistics.median(found[way]))
        yield Figure.of(
            f"{preset}, 8 at a time, fastest tiling: {best}", Spread.of(found[best]), "ms a pair"
        )


def _end_to_end(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    for row in part["rows"]:
        stored = "half" if row["scale_log2"] else "full"
        target = END_TO_END_TARGET_MS if row["preset"] == "balanced" else None
        runs = Spread.of([1e3 / one for one in row["pairs_per_s"]])
        yield Figure.of(
            f"{row['preset']}, host to compressed {stored} resolution and statistics",
            runs,
            "ms a pair",
            target,
        )


def _cucim(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    for row in part["rows"]:
        height, width = row["size"]
        name = f"cuCIM {row['method']}, {width} x {height}"
        yield Figure.of(name, Spread.of(row["ms_a_pair"]), "ms a pair")


def _dis(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    for row in part["rows"]:
        yield Figure(
            f"OpenCV DIS medium, processes: {row['processes']}", row["ms_a_pair"], "ms a pair"
        )


def _accuracy(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    for group in dict.fromkeys(row["group"] for row in part["rows"]):
        rows = [row["epe_px"] for row in part["rows"] if row["group"] == group]
        for method in rows[0]:
            mean = statistics.fmean(row[method] for row in rows)
            target = EPE_TARGETS_PX.get(method) if group == "real" else None
            yield Figure(f"EPE {group}: {method}", mean, "px", target)
        medium = statistics.fmean(row.get("OpenCV DIS medium", 0.0) for row in rows)
        if group == "large" and medium:
            mean = statistics.fmean(row["cupy quality"] for row in rows)
            name = "EPE large: cupy quality over DIS medium"
            yield Figure(name, mean / medium, "x", LARGE_MOTION_TARGET)


def _asset(part: Mapping[str, Any], _: Parts) -> Iterator[Figure]:
    others = part["rows"] - part["backends"].get("cupy", 0)
    yield Figure("rows of optical_flows that another backend solved", others, "rows", 0)
