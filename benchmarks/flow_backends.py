"""What `dense_flow` costs over the OpenCV calls it makes, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Options, Spread
from benchmarks.processes import in_fresh_process
from benchmarks.results import Figure, Result

METHOD = """Five gray frames of a rendered scene (4 pairs), in a fresh process, OpenCV on one
thread. `dense_flow` and the same OpenCV calls, written straight for each pair, take turns; CPU
seconds, median of the ratios. Raw `opencv-dis` is a solver and its `calc`. Raw `opencv-vr` is the
pyramid, every warp of `VariationalRefinement` and the inverse search with the parameters of our
presets, flow interleaved as OpenCV returns it; our census guess, the choice between guesses and
medians are not in it. Throughput is the inverse: 1.11 is nine tenths of the raw calls'."""

SIZES = {"640x360": (640, 360), "1280x720": (1280, 720)}
MOST = 1 / 0.9
Frames = NDArray[np.uint8]


def run(options: Options) -> Result:
    """Measure it."""
    sizes = {"160x90": (160, 90)} if options.quick else SIZES
    found = {
        name: in_fresh_process(measure, size=list(size), times=options.times, seed=options.seed)
        for name, size in sizes.items()
    }
    figures = []
    for size, sides in found.items():
        for side, taken in sides.items():
            ours, raw = (Spread.of(taken[one]) for one in ("ours", "raw"))
            name = f"{side}, {size}"
            figures.append(Figure.of(name, ours.over(raw), "x raw calls, CPU", MOST))
            figures.append(Figure(f"{name}: one pair", round(ours.median / 4 * 1000, 2), "ms, CPU"))
    return Result("flow_backends", METHOD, tuple(figures), found)


def measure(size: list[int], times: int, seed: int) -> dict[str, dict[str, list[float]]]:
    """CPU seconds of four pairs, ours and raw, by backend and preset."""
    import cv2

    from mlops_assets.flow import Preset, dense_flow

    cv2.setNumThreads(1)
    frames = _frames(size, seed)
    raw_of: dict[Any, Callable[[Frames, Any], object]] = {
        "opencv-vr": raw_vr,
        "opencv-dis": raw_dis,
    }
    found = {}
    for backend, raw in raw_of.items():
        for preset in get_args(Preset):
            sides = {
                "ours": lambda b=backend, p=preset: dense_flow(frames, preset=p, backend=b),
                "raw": lambda r=raw, p=preset: r(frames, p),
            }
            found[f"{backend} {preset}"] = _cpu_seconds(sides, times)
    return found


def _frames(size: list[int], seed: int) -> Frames:
    from mlops_assets.samples import motion_scene, render_motion

    pair = render_motion(motion_scene("small", seed=seed, size=(size[0], size[1])))
    return np.stack([pair.first, pair.second, pair.first, pair.second, pair.first])


def _cpu_seconds(sides: dict[str, Callable[[], object]], times: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(times + 1):
        for name, call in sides.items():
            before = time.process_time()
            call()
            if turn:  # the first warms up
                taken[name].append(time.process_time() - before)
    return taken


def raw_dis(frames: Frames, preset: str) -> list[Any]:
    """OpenCV's inverse search, as its documentation has it."""
    import cv2

    patches, finest_scale = {"fast": (1, 2), "balanced": (2, 1), "quality": (2, 0)}[preset]
    solver: Any = cv2.DISOpticalFlow.create(patches)
    solver.setFinestScale(finest_scale)
    return [solver.calc(one, other, None) for one, other in pairwise(frames)]


def raw_vr(frames: Frames, preset: str) -> list[Any]:
    """OpenCV's refinement in a pyramid, with the parameters of our presets."""
    from mlops_assets.flow.solvers.opencv_levels import picture_levels
    from mlops_assets.flow.solvers.opencv_vr import PRESETS

    schedule: Any = PRESETS[preset]  # pyright: ignore[reportArgumentType]
    flows = []
    for first, second in pairwise(frames):
        levels = [picture_levels(one, ratio=schedule.ratio) for one in (first, second)]
        flows.append(_raw_descent(levels[0], levels[1], schedule))
    return flows


def _raw_descent(first: list[Any], second: list[Any], schedule: Any) -> Any:

    from mlops_assets.flow.solvers.opencv_guesses import SearchGuess
    from mlops_assets.flow.solvers.opencv_levels import level_near

    sizes = [level.shape for level in first]
    searches = [one for one in schedule.guesses if isinstance(one, SearchGuess)]
    flow: Any = np.zeros((*sizes[-1], 2), dtype=np.float32)
    for level in range(len(sizes) - 1, schedule.finest_level - 1, -1):
        flow = _raw_enlarged(flow, sizes[level])
        effort = schedule.efforts[min(level - schedule.finest_level, len(schedule.efforts) - 1)]
        here = [one for one in schedule.guesses if level_near(one.side_px, sizes) == level]
        solver = _raw_solver(effort)
        for _ in range(effort.warps + (1 + len(here) if here else 0)):
            flow = solver.calc(first[level], second[level], flow)
        for guess in searches:
            if guess in here:
                _raw_search(first, second, guess, level_near(256, sizes))
    return _raw_enlarged(flow, sizes[0])


def _raw_solver(effort: Any) -> Any:
    import cv2

    solver = cv2.VariationalRefinement.create()
    solver.setAlpha(20)
    solver.setGamma(10)
    solver.setDelta(5)
    solver.setOmega(1.9)
    solver.setEpsilon(0.05)
    solver.setFixedPointIterations(effort.updates)
    solver.setSorIterations(effort.sweeps)
    return solver


def _raw_search(first: list[Any], second: list[Any], guess: Any, level: int) -> Any:
    import cv2

    search: Any = cv2.DISOpticalFlow.create({"ultrafast": 0, "fast": 1, "medium": 2}[guess.patches])
    search.setFinestScale(guess.finest_scale)
    return search.calc(first[level].astype(np.uint8), second[level].astype(np.uint8), None)


def _raw_enlarged(flow: Any, size: tuple[int, int]) -> Any:
    import cv2

    if flow.shape[:2] == size:
        return flow
    growth = np.array([size[1] / flow.shape[1], size[0] / flow.shape[0]], dtype=np.float32)
    return cv2.resize(flow, size[::-1]) * growth
