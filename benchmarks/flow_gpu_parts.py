"""The parts of the GPU benchmark: each is called in a process of its own and returns JSON values.

A part that lacks a library raises `ImportError`; the rest goes on without it.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.flow_gpu_traffic import traffic
from mlops_assets.flow.arrays import device_module, pinned_array, to_device, to_host
from mlops_assets.flow.solvers.variational.fused import (
    BatchSolver,
    CupyDevice,
    Reporting,
    report,
    solve,
    sources,
    steps,
)
from mlops_assets.flow.solvers.variational.fused import device as fused_device
from mlops_assets.flow.solvers.variational.fused.program import Launch, Program
from mlops_assets.flow.solvers.variational.reference.solve import solve_schedule
from mlops_assets.flow.solvers.variational.schedule import PRESETS

HD, SMALL = (720, 1280), (360, 640)
TINY = (40, 56)
BATCHES = (1, 8, 32)
ODD_SHAPES = ((33, 47), (41, 64), (57, 39), (131, 150))
COMPRESSORS = 16
_BATCHES_WAITING = 2
Frames = NDArray[np.uint8]


def device(quick: bool) -> dict[str, Any]:
    """What the device is, how fast it copies, and what the kernels take of it."""
    cupy = device_module()
    told = cupy.cuda.runtime.getDeviceProperties(0)
    compiled = CupyDevice().kernels()
    return {
        "name": told["name"].decode(),
        "compute_capability": cupy.cuda.Device(0).compute_capability,
        "multiprocessors": told["multiProcessorCount"],
        "memory_gb": round(told["totalGlobalMem"] / 1e9, 1),
        "l2_mb": round(told.get("l2CacheSize", 0) / 1e6, 1),
        "driver": cupy.cuda.runtime.driverGetVersion(),
        "cuda": cupy.cuda.runtime.runtimeGetVersion(),
        "cupy": cupy.__version__,
        "copy_bytes_per_s": _copy_rate(2**24 if quick else 2**30),
        "host_bytes_per_s": _host_rates(2**22 if quick else 2**28),
        "kernels": {
            name: {"registers": one.num_regs, "spilled_bytes": one.local_size_bytes}
            for name, one in compiled.items()
        },
    }


def correctness(quick: bool) -> dict[str, Any]:
    """Kernels against the reference, batches against single pairs, graphs against launches."""
    recorded, single = BatchSolver(CupyDevice()), BatchSolver(CupyDevice(as_graph=False))
    rows = []
    for height, width in ODD_SHAPES[:1] if quick else (*ODD_SHAPES, SMALL):
        frames, pairs = moving_frames(5, (height, width)), successive(4)
        for preset, schedule in PRESETS.items():
            expected = solve_schedule(frames, pairs, schedule)
            found = single.solve(frames, pairs, schedule)
            again = [recorded.solve(frames, pairs, schedule) for _ in range(3)]
            alone = [single.solve(frames, pairs[place : place + 1], schedule) for place in range(4)]
            there = to_host(single.solve(to_device(frames), pairs, schedule))
            on_device = to_host(solve_schedule(to_device(frames), pairs, schedule))
            rows.append(
                {
                    "size": [height, width],
                    "preset": preset,
                    "largest_px": float(np.abs(expected).max()),
                    "to_reference_px": _apart(found, expected),
                    "reference_there_px": _apart(on_device, expected),
                    "batched_to_single_px": _apart(found, np.concatenate(alone)),
                    "graph_to_launches_px": max(_apart(one, found) for one in again),
                    "frames_there_px": _apart(there, found),
                }
            )
    return {"rows": rows}


def speed(quick: bool) -> dict[str, Any]:
    """Milliseconds a pair, frames on the device, by size, preset, batch and way of launching."""
    rows = []
    for size in (TINY,) if quick else (HD, SMALL):
        frames = to_device(moving_frames(max(BATCHES) + 1, size))
        for preset, schedule in PRESETS.items():
            for pairs in BATCHES:
                for as_graph in (True, False):
                    solver = BatchSolver(CupyDevice(as_graph=as_graph), most_pairs=pairs)
                    between = successive(pairs)

                    call = partial(solver.solve, frames, between, schedule)
                    runs = timed_on_device(call, times=2 if quick else 7)
                    rows.append(
                        {
                            "size": [*size],
                            "preset": preset,
                            "pairs": pairs,
                            "as_graph": as_graph,
                            "ms_a_pair": [round(run / pairs, 5) for run in runs],
                        }
                    )
                    solver.forget()
    return {"rows": rows}


def kernels(quick: bool) -> dict[str, Any]:
    """Where the time of a batch goes, kernel by kernel, and at which rate they move bytes."""
    cupy, size, pairs = device_module(), TINY if quick else HD, 8
    told: dict[str, Any] = {}
    for preset, schedule in PRESETS.items():
        place = CupyDevice(as_graph=False)
        program = solve.write_program(
            place, frames=pairs + 1, pairs=pairs, size=size, schedule=schedule
        )
        place.copy(moving_frames(pairs + 1, size), program.frames)
        place.copy(successive(pairs).astype(np.int32), program.pairs)
        place.launch(program)
        seconds = _by_kernel(cupy, place, program, times=2 if quick else 5)
        moved = traffic(program.launches)
        told[preset] = {
            name: {
                "launches": moved[name].launches,
                "ms_a_pair": round(1e3 * taken / pairs, 5),
                "gb_per_s": round(moved[name].bytes / taken / 1e9, 1),
            }
            for name, taken in sorted(seconds.items(), key=lambda one: -one[1])
        }
        told[preset]["all"] = {
            "launches": len(program.launches),
            "ms_a_pair": round(1e3 * sum(seconds.values()) / pairs, 5),
            "gb_per_s": round(
                sum(one.bytes for one in moved.values()) / sum(seconds.values()) / 1e9, 1
            ),
        }
        del program
    return told


def tiling(quick: bool) -> dict[str, Any]:
    """The same flow with other rows a thread and sweeps a launch: what is fastest here?"""
    size, pairs = TINY if quick else HD, 8
    frames, between = to_device(moving_frames(pairs + 1, size)), successive(pairs)
    told: dict[str, Any] = {"balanced": {}, "quality": {}}
    for rows in (4,) if quick else (2, 4, 8):
        _let_threads_own(rows)
        for most in (2, 3, 4, 5, 6, 8, 10):
            solve.SWEEPS_PER_LAUNCH = most
            for preset, runs in told.items():
                solver = BatchSolver(CupyDevice())
                call = partial(solver.solve, frames, between, PRESETS[preset])
                taken = timed_on_device(call, times=2 if quick else 5)
                runs[f"{rows} rows, {most} sweeps"] = [round(run / pairs, 5) for run in taken]
                solver.forget()
    return told


def end_to_end(quick: bool) -> dict[str, Any]:
    """From frames in host memory to compressed flow and statistics there, two streams at a time."""
    size, count = (TINY, 40) if quick else (HD, 640)
    frames = moving_frames(65 if not quick else 9, size)
    pairs = np.resize(successive(len(frames) - 1), (count, 2))
    rows = []
    for preset in ("fast", "balanced"):
        for scale_log2 in (1, 0):
            runs = [
                _pairs_per_s(frames, pairs, preset, Reporting(scale_log2=scale_log2))
                for _ in range(1 if quick else 3)
            ]
            rows.append({"preset": preset, "scale_log2": scale_log2, "pairs_per_s": runs})
    return {"size": [*size], "pairs": count, "rows": rows, "compressors": COMPRESSORS}


def cucim(quick: bool) -> dict[str, Any]:
    """The methods of cuCIM on the device: milliseconds a pair, frames there already."""
    from cucim.skimage.registration import optical_flow_ilk, optical_flow_tvl1

    rows = []
    for size in (TINY,) if quick else (HD, SMALL):
        first, second = to_device(moving_frames(2, size).astype(np.float32) / 255)
        for name, method in (("TV-L1", optical_flow_tvl1), ("ILK", optical_flow_ilk)):
            runs = timed_on_device(partial(method, first, second), times=3)
            rows.append({"method": name, "size": [*size], "ms_a_pair": runs})
    return {"rows": rows}


def dis(quick: bool) -> dict[str, Any]:
    """OpenCV's DIS medium on the host: one process, and sixteen at a time, one thread each."""
    size, each = (TINY, 2) if quick else (HD, 12)
    rows = []
    for processes in (1, min(16, os.cpu_count() or 1)):
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            seconds = list(pool.map(_dis_s_a_pair, [(size, each)] * processes))
        pairs_per_s = sum(1 / one for one in seconds)  # they run side by side
        rows.append({"processes": processes, "ms_a_pair": 1e3 / pairs_per_s})
    return {"size": [*size], "cores": os.cpu_count(), "rows": rows}


def moving_frames(count: int, size: tuple[int, int], *, seed: int = 20_261_121) -> Frames:
    """(count, H, W): detail at several scales that drifts by 3 and 1 px a frame, under noise."""
    import cv2

    rng = np.random.default_rng(seed)
    height, width = size
    wide = (width + 3 * count, height + count)
    scene = np.full(wide[::-1], 128, np.float32)
    for cells, weight in ((6, 50.0), (24, 25.0), (96, 15.0), (384, 8.0)):
        coarse = rng.standard_normal((max(2, cells // 2), cells)).astype(np.float32)
        scene += weight * cv2.resize(coarse, wide, interpolation=cv2.INTER_CUBIC)
    frames = np.stack([scene[i : i + height, 3 * i : 3 * i + width] for i in range(count)])
    frames += rng.normal(0, 2, frames.shape).astype(np.float32)
    return frames.clip(0, 255).astype(np.uint8)


def successive(count: int) -> NDArray[np.intp]:
    """(count, 2): each frame and the next."""
    return np.stack([np.arange(count), np.arange(count) + 1], axis=1)


def timed_on_device(call: Callable[[], object], *, times: int, warm_up: int = 3) -> list[float]:
    """Milliseconds of a call, between two events on the current stream; the device was idle."""
    cuda = device_module().cuda
    runs = []
    for turn in range(warm_up + times):
        began, ended = cuda.Event(), cuda.Event()
        cuda.runtime.deviceSynchronize()
        began.record()
        call()
        ended.record()
        ended.synchronize()
        if turn >= warm_up:
            runs.append(cuda.get_elapsed_time(began, ended))
    return runs


def _let_threads_own(rows: int) -> None:
    """Compile and launch `relax` with so many rows a thread from now on, in this process."""
    steps.RELAX_BLOCK = sources.RELAX_TILE // 2, sources.RELAX_TILE // rows
    others = [one for one in sources.COMPILE_OPTIONS if not one.startswith("-DRELAX_ROWS=")]
    fused_device.COMPILE_OPTIONS = (*others, f"-DRELAX_ROWS={rows}")


def _copy_rate(size_bytes: int) -> float:
    """Bytes read and written a second by a copy within the device."""
    cupy = device_module()
    source, target = cupy.zeros(size_bytes, np.uint8), cupy.zeros(size_bytes, np.uint8)
    runs = timed_on_device(
        lambda: target.data.copy_from_device_async(source.data, size_bytes), times=9
    )
    return 2 * size_bytes / (statistics.median(runs) / 1e3)


def _host_rates(size_bytes: int) -> dict[str, float]:
    """Bytes a second between host and device."""
    there = device_module().zeros(size_bytes, np.uint8)
    plain, pinned = np.zeros(size_bytes, np.uint8), pinned_array((size_bytes,), np.uint8)
    pinned[...] = 0
    ways = {
        "plain_in": lambda: there.set(plain),
        "plain_out": lambda: there.get(out=plain),
        "pinned_in": lambda: there.set(pinned),
        "pinned_out": lambda: there.get(out=pinned),
    }
    return {
        name: size_bytes / (statistics.median(timed_on_device(way, times=5)) / 1e3)
        for name, way in ways.items()
    }


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(one.astype(np.float64) - other).max())


def _by_kernel(cupy: Any, place: CupyDevice, program: Program, times: int) -> dict[str, float]:
    """Seconds of each kernel in one run of a program: the medians of some runs, added up."""
    runs: list[dict[str, float]] = []
    for _ in range(times):
        cupy.cuda.runtime.deviceSynchronize()
        events = [cupy.cuda.Event() for _ in range(len(program.launches) + 1)]
        events[0].record()
        for launch, event in zip(program.launches, events[1:], strict=True):
            place.launch_one(launch)
            event.record()
        events[-1].synchronize()
        spans = [
            cupy.cuda.get_elapsed_time(before, after) / 1e3
            for before, after in itertools.pairwise(events)
        ]
        runs.append(_added_up(program.launches, spans))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _added_up(launches: Iterable[Launch], spans: Iterable[float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for launch, span in zip(launches, spans, strict=True):
        found[launch.kernel] = found.get(launch.kernel, 0.0) + span
    return found


def _pairs_per_s(
    frames: Frames, pairs: NDArray[np.intp], preset: str, reporting: Reporting
) -> float:
    """All pairs once, batches alternating between two streams, results worked on as they come."""
    cuda, at_once = device_module().cuda, 32
    parts = [pairs[start : start + at_once] for start in range(0, len(pairs), at_once)]
    streams = [cuda.Stream(non_blocking=True) for _ in range(2)]
    solvers = [BatchSolver(CupyDevice()) for _ in streams]

    def drive(lane: int, pool: ThreadPoolExecutor, mine: Sequence[NDArray[np.intp]]) -> int:
        waiting: deque[list[Future[Any]]] = deque()
        done = 0
        with streams[lane]:
            for part in mine:
                for reports in report(
                    solvers[lane],
                    frames,
                    part,
                    PRESETS[preset],  # pyright: ignore[reportArgumentType]
                    intervals_s=[0.04] * len(part),
                    reporting=reporting,
                ):
                    waiting.append([pool.submit(_kept, reports, i) for i in range(len(part))])
                    if len(waiting) > _BATCHES_WAITING:
                        done += sum(one.result()[0] > 0 for one in waiting.popleft())
        return done + sum(one.result()[0] > 0 for batch in waiting for one in batch)

    done, taken = 0, 0.0
    with ThreadPoolExecutor(COMPRESSORS) as pool, ThreadPoolExecutor(2) as lanes:
        for both in (parts[:4], parts):  # the first warms up: kernels, graphs, page-locked memory
            began = time.perf_counter()
            turns = [lanes.submit(drive, lane, pool, both[lane::2]) for lane in range(2)]
            done = sum(turn.result() for turn in turns)
            taken = time.perf_counter() - began
    if done != len(pairs):
        raise RuntimeError(f"{done} results for {len(pairs)} pairs")
    return len(pairs) / taken


def _kept(reports: Any, place: int) -> tuple[int, float]:
    """What a table would keep of a pair: the size of its blob, and its statistics."""
    import zstandard

    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    blob = compressor.compress(reports.packed[place].data)
    return len(blob), reports.statistics(place).mean_px


def _dis_s_a_pair(told: tuple[tuple[int, int], int]) -> float:
    """Seconds a pair in this process, one thread, its start and pictures not counted."""
    import cv2

    size, count = told
    cv2.setNumThreads(1)
    first, second = moving_frames(2, size)
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.calc(first, second, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    began = time.perf_counter()
    for _ in range(count):
        method.calc(first, second, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return (time.perf_counter() - began) / count
