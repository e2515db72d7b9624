"""The `opencv-vr` backend: the variational method as OpenCV has it, in a pyramid of our own.

Coarse to fine: flow is found on a small copy of the pictures, enlarged, and improved on the next
larger one. On each level `cv2.VariationalRefinement` weighs constant brightness and gradients
against a smooth flow, as the `variational` method does but for details. On two small levels, other
guesses compete with the flow from above: what is small and moves far is lost higher up.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.fields import Backend, Preset, is_still
from mlops_assets.flow.solvers.opencv_guesses import CensusGuess, Guess, SearchGuess, better_of
from mlops_assets.flow.solvers.opencv_levels import (
    Field,
    Levels,
    Picture,
    enlarged,
    level_near,
    picture_levels,
)

_ALPHA, _GAMMA, _DELTA, _OMEGA, _EPSILON = 20.0, 10.0, 5.0, 1.9, 0.05
_LARGEST_GUESS_PIXELS = 2**16  # a strip may have no small level
_LARGEST_KEPT_PIXELS = 2**20


@dataclass(frozen=True)
class Effort:
    """Work on one level.

    Attributes:
        warps: how often the second picture is warped anew.
        updates: how often per warp the weights are computed anew.
        sweeps: of relaxation, per update.
    """

    warps: int
    updates: int
    sweeps: int


@dataclass(frozen=True)
class Schedule:
    """One preset.

    Attributes:
        efforts: on the finest level solved, the next smaller one ...; the last on all the rest.
        guesses: which compete, in this order.
        ratio: size of a level over that of the next larger one.
        finest_level: 0 solves at full size; 1 leaves the last enlargement to interpolation.
    """

    efforts: tuple[Effort, ...]
    guesses: tuple[Guess, ...]
    ratio: float = 0.5
    finest_level: int = 0


PRESETS: dict[Preset, Schedule] = {
    "fast": Schedule(
        (Effort(3, 1, 4), Effort(4, 1, 6)),
        (SearchGuess(64, patches="ultrafast", finest_scale=2),),
        finest_level=1,
    ),
    "balanced": Schedule(
        (Effort(1, 1, 5), Effort(4, 1, 5), Effort(5, 1, 6)),
        (CensusGuess(64), SearchGuess(128, patches="ultrafast")),
    ),
    "quality": Schedule(
        (Effort(5, 1, 6),),
        (CensusGuess(64), CensusGuess(96), SearchGuess(128, patches="medium")),
        ratio=0.7,
    ),
}


def solve_vr(
    frames: NDArray[np.uint8], pairs: NDArray[np.intp], preset: Preset
) -> NDArray[np.float32]:
    """Flow by a pyramid of OpenCV's `VariationalRefinement`, on the threads OpenCV is set to use.

    `fast` stops at half size. `quality` shrinks by 0.7 from level to level and warps more often:
    one warp more does more good than more work per warp.

    Args:
        frames: gray (N, H, W), contiguous, sides >= 8.
        pairs: (B, 2) indices into the frames.
        preset: effort.

    Returns:
        (B, 2, H, W) planar (dx, dy), pixels per pair, finite.

    Reference: Brox et al. 2004, doi:10.1007/978-3-540-24673-2_3.
    """
    schedule = PRESETS[preset]

    @lru_cache(maxsize=4)  # neighbours in a clip share a frame
    def levels_of(index: int) -> Levels:
        return picture_levels(frames[index], ratio=schedule.ratio)

    steps = _steps(schedule, [level.shape for level in levels_of(pairs[0, 0])])
    flow = np.zeros((len(pairs), 2, *frames.shape[1:]), dtype=np.float32)
    for index, (first, second) in enumerate(pairs):
        if is_still(frames[first], frames[second]):
            continue
        flow[index] = _descend(levels_of(first), levels_of(second), steps)
    return flow


def _descend(first: Levels, second: Levels, steps: Sequence[_Step]) -> Field:
    """(2, H, W) at full size, from no motion at the smallest."""
    flow = np.zeros((2, *first[-1].shape), dtype=np.float32)
    for step in steps:
        pictures, relax = (first[step.level], second[step.level]), step.relaxation
        flow = enlarged(flow, pictures[0].shape)
        if step.guesses:
            flow = relax(flow, *pictures, warps=1)
        for guess in step.guesses:
            other = relax(guess.flow(first, second, step.level), *pictures, warps=1)
            flow = better_of(flow, other, *pictures)
        flow = relax(flow, *pictures, warps=step.warps)
    return enlarged(flow, first[0].shape)


class _Relaxation:
    """Fits flow to the pictures of one level."""

    def __init__(self, effort: Effort) -> None:
        import cv2

        self.solver = cv2.VariationalRefinement.create()
        self.solver.setAlpha(_ALPHA)
        self.solver.setGamma(_GAMMA)
        self.solver.setDelta(_DELTA)
        self.solver.setOmega(_OMEGA)
        self.solver.setEpsilon(_EPSILON)
        self.solver.setFixedPointIterations(effort.updates)
        self.solver.setSorIterations(effort.sweeps)

    def __call__(self, flow: Field, first: Picture, second: Picture, *, warps: int) -> Field:
        """Better flow (2, h, w); what is given may be overwritten."""
        import cv2

        other = np.empty_like(flow)
        for _ in range(warps):
            self.solver.calcUV(first, second, flow[0], flow[1])
            for component in range(2):
                cv2.medianBlur(flow[component], 3, other[component])
            flow, other = other, flow
        return flow


@dataclass(frozen=True)
class _Step:
    """What is done on a level."""

    level: int
    relaxation: _Relaxation
    warps: int
    guesses: tuple[Guess, ...]


class _Kept(threading.local):
    """What this thread did last."""

    made_for: tuple[object, ...] = ()
    steps: tuple[_Step, ...] = ()


_kept = _Kept()


def _steps(schedule: Schedule, sizes: list[tuple[int, ...]]) -> tuple[_Step, ...]:
    """The steps of the last call, if it was alike and the pictures are up to a megapixel.

    OpenCV's buffers, 40 to 250 bytes per pixel by preset, take as long to make as a warp to work.
    """
    made_for = schedule, sizes[0]
    if _kept.made_for == made_for:
        return _kept.steps
    made = tuple(_new_steps(schedule, sizes))
    if math.prod(sizes[0]) <= _LARGEST_KEPT_PIXELS:
        _kept.made_for, _kept.steps = made_for, made
    return made


def _new_steps(schedule: Schedule, sizes: list[tuple[int, ...]]) -> Iterator[_Step]:
    finest = min(schedule.finest_level, len(sizes) - 1)
    guesses: dict[int, tuple[Guess, ...]] = {}
    for guess in schedule.guesses:
        level = max(finest, level_near(guess.side_px, sizes))
        if math.prod(sizes[level]) <= _LARGEST_GUESS_PIXELS:
            guesses[level] = (*guesses.get(level, ()), guess)
    for level in range(len(sizes) - 1, finest - 1, -1):
        effort = schedule.efforts[min(level - finest, len(schedule.efforts) - 1)]
        yield _Step(level, _Relaxation(effort), effort.warps, guesses.get(level, ()))


OPENCV_VR = Backend(name="opencv-vr", method="vr", version="1", solve=solve_vr)
