"""The parts of the GPU benchmark that need data: pairs with truth, and a lake with clips."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.flow_methods import DIS_MEDIUM, NamedPair, methods, real_pairs, rendered_pairs
from mlops_assets.flow import Preset, dense_flow, endpoint_error

Solve = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

QUIET = {"console": {"config": {"log_level": "ERROR"}}}


def accuracy(quick: bool, folder: str) -> dict[str, Any]:
    """End-point errors of our presets, of OpenCV's DIS medium and of cuCIM where it is."""
    pairs = [
        *(one for kind in ("small", "large") for one in rendered_pairs(kind, 1, _size(quick))),
        *([] if quick else real_pairs(Path(folder))),
    ]
    solves = dict(_solves())
    return {
        "folder": Path(folder).name if Path(folder).is_dir() else "none",
        "rows": [
            {"group": one.group, "pair": one.name, "epe_px": _errors(one, solves)} for one in pairs
        ],
    }


def asset(quick: bool) -> dict[str, Any]:
    """`optical_flows` of a small lake of rendered clips, materialised under Dagster."""
    with tempfile.TemporaryDirectory(prefix="mlops-flow-gpu-") as scratch:
        return _materialised(Path(scratch), quick)


def _size(quick: bool) -> tuple[int, int] | None:
    return (96, 80) if quick else None


def _solves() -> Iterator[tuple[str, Solve]]:
    for preset in get_args(Preset):
        yield (
            f"cupy {preset}",
            lambda frames, p=preset: dense_flow(frames, preset=p, backend="cupy").flow[0],
        )
    for method in methods():
        if method.name == DIS_MEDIUM:
            yield method.name, method.solve
    yield from _cucim_solves()


def _cucim_solves() -> Iterator[tuple[str, Solve]]:
    """None where cuCIM is not installed. It gives (row, column)."""
    try:
        from cucim.skimage.registration import optical_flow_ilk, optical_flow_tvl1
    except ImportError:
        return
    from mlops_assets.flow.arrays import to_device, to_host

    for name, method in (("cuCIM TV-L1", optical_flow_tvl1), ("cuCIM ILK", optical_flow_ilk)):

        def solve(frames: NDArray[np.uint8], method=method) -> NDArray[np.float32]:
            first, second = to_device(frames.astype(np.float32) / 255)
            return np.ascontiguousarray(to_host(method(first, second))[::-1], dtype=np.float32)

        yield name, solve


def _errors(named: NamedPair, solves: dict[str, Solve]) -> dict[str, float]:
    return {
        name: endpoint_error(solve(named.pair.frames), named.pair.truth)
        for name, solve in solves.items()
    }


def _materialised(home: Path, quick: bool) -> dict[str, Any]:
    """Land and decode clips, then run the asset in Dagster and read its rows."""
    os.environ["MLOPS_HOME"] = str(home)
    import dagster as dg

    from benchmarks.chains import ingest, land, new_lake
    from benchmarks.clips import SMALL, ClipSize, clips
    from benchmarks.measuring import Options
    from mlops_assets.definitions import defs
    from mlops_assets.tables import table_named

    solved = {"method": "variational", "preset": "fast" if quick else "balanced"}
    lake = new_lake(home, {"optical_flows": solved})
    size = SMALL if quick else ClipSize(640, 360, 4)
    land(home, clips(Options(home / "scratch", home / "clips", quick=quick), 2, size))
    partition = ingest(lake, home, ("raw_media", "decodings"))
    job = defs().get_repository_def().get_job("bring_partition_job")
    storage = home / "dagster"
    storage.mkdir()
    with dg.DagsterInstance.local_temp(str(storage)) as instance:
        instance.add_dynamic_partitions("media", [partition.key])
        done = job.execute_in_process(
            instance=instance,
            partition_key=partition.key,
            run_config={"loggers": QUIET},
            asset_selection=[dg.AssetKey("optical_flows")],
        )
    rows = table_named("optical_flows").rows(lake, partition).collect()
    if not done.success or rows.is_empty():
        raise RuntimeError(f"the run made {rows.height} rows; it succeeded: {done.success}")
    return {
        "rows": rows.height,
        "backends": dict(rows.group_by("backend").len().iter_rows()),
        "methods": rows["method"].unique().to_list(),
        "fallback_reasons": rows["fallback_reason"].drop_nulls().unique().to_list(),
        "mean_px": [round(one, 3) for one in rows["mean_px"].head(8)],
    }
