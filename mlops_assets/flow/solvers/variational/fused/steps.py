"""Each step of the method as kernel launches; what a step does stands in its namesake `.cu` file.

Flow is float32 (B, 2, h, w); a buffer may be larger than the level that uses it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from mlops_assets.flow.fields import Array
from mlops_assets.flow.solvers.variational.fused.program import Recorder
from mlops_assets.flow.solvers.variational.fused.sources import (
    PIXEL_BLOCK,
    RELAX_BLOCK,
    RELAX_TILE,
    SYSTEM_BLOCK,
    SYSTEM_TILE,
)
from mlops_assets.flow.solvers.variational.schedule import (
    Energy,
    Schedule,
    gaussian_taps,
    reduction_sigma_px,
)

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Level:
    """One size of the pictures, and the pairs of them to solve.

    Attributes:
        recorder: gets the launches.
        pictures: float32 (N, h, w), every frame.
        pairs: int32 (B, 2), indices into the frames.
    """

    recorder: Recorder
    pictures: Array
    pairs: Array

    @property
    def size(self) -> Size:
        """(h, w)."""
        return self.pictures.shape[1:]

    @property
    def covered(self) -> tuple[int, int, int]:
        """(B, h, w)."""
        return len(self.pairs), *self.size


def pyramid(
    recorder: Recorder, frames: Array, sizes: list[Size], schedule: Schedule
) -> list[Array]:
    """Every level of every frame.

    Args:
        recorder: gets the launches.
        frames: uint8 (N, H, W).
        sizes: (height, width) per level, full size first.
        schedule: gives the blurs.

    Returns:
        float32 (N, h, w) per level.
    """
    count = len(frames)
    half_blurred, blurred = recorder.floats(*frames.shape), recorder.floats(*frames.shape)
    levels = [recorder.floats(count, *size) for size in sizes]

    def blur(down: str, source: Array, target: Array, taps: Array, size: Size) -> None:
        shared = (taps, len(taps) - 1, *size)
        recorder.launch(down, (count, *size), PIXEL_BLOCK, source, half_blurred, *shared)
        recorder.launch("blur_across", (count, *size), PIXEL_BLOCK, half_blurred, target, *shared)

    blur("blur_down_bytes", frames, levels[0], _taps(recorder, schedule.presmooth_px), sizes[0])
    taps = _taps(recorder, reduction_sigma_px(schedule.ratio))
    for index, (size, smaller) in enumerate(itertools.pairwise(sizes)):
        blur("blur_down", levels[index], blurred, taps, size)
        _resize(recorder, (blurred, levels[index + 1]), count, (size, smaller))
    return levels


def clear(level: Level, flow: Array) -> None:
    """Flow 0."""
    pairs, height, width = level.covered
    covered = 2 * pairs, height, width
    level.recorder.launch("clear", covered, PIXEL_BLOCK, flow, height, width)


def enlarge(level: Level, flows: tuple[Array, Array], old: Size) -> None:
    """Flow at the size of a level: interpolated, and longer by as much as the picture grows.

    Args:
        level: the new size, and the pairs.
        flows: from, to; two different buffers.
        old: (height, width) before.
    """
    scales = level.size[1] / old[1], level.size[0] / old[0]
    _resize(level.recorder, flows, 2 * len(level.pairs), (old, level.size), scales)


def warp(level: Level, flow: Array, warped: Array) -> None:
    """The second pictures, looked up where the flow points."""
    level.recorder.launch(
        *("warp", level.covered, PIXEL_BLOCK),
        *(level.pictures, level.pairs, flow, warped, *level.size),
    )


def system(
    level: Level, warped: Array, flows: tuple[Array, Array], energy: Array, equations: Array
) -> None:
    """The linear equations of one update.

    Args:
        level: the pictures.
        warped: the second ones, looked up at the first of the flows.
        flows: where the pictures were warped, and the flow now.
        energy: of `energy_values`.
        equations: float32 (B, 7, h, w), gets a11, a12, a22, b1, b2 and the ties to the right and
            the lower neighbour.
    """
    level.recorder.launch(
        *("system_equations", level.covered, SYSTEM_BLOCK),
        *(level.pictures, level.pairs, warped, *flows, equations, *level.size, energy),
        tile=(SYSTEM_TILE, SYSTEM_TILE),
    )


def relax(
    level: Level, equations: Array, flows: tuple[Array, Array], sweeps: int, relaxation: float
) -> None:
    """Red-black sweeps, from one buffer into another.

    Args:
        level: the size and the pairs.
        equations: of `system`.
        flows: before, after; two different buffers.
        sweeps: how many, fewer than a quarter of the tile's side.
        relaxation: over-relaxation factor.
    """
    inner = RELAX_TILE - 4 * sweeps
    level.recorder.launch(
        *("relax", level.covered, RELAX_BLOCK),
        *(equations, *flows, *level.size, sweeps, relaxation),
        tile=(inner, inner),
    )


def median(level: Level, flows: tuple[Array, Array]) -> None:
    """3 x 3 median of each component, from one buffer into another."""
    pairs, height, width = level.covered
    covered = 2 * pairs, height, width
    level.recorder.launch("median", covered, PIXEL_BLOCK, *flows, height, width)


def energy_values(recorder: Recorder, energy: Energy) -> Array:
    """What `Energy` in `system.cu` holds, in its order."""
    values = (
        0.5 * energy.smoothness,
        energy.gradient,
        energy.brightness,
        energy.data_width**2,
        energy.flow_width_px**2,
        energy.gradient_floor**2,
        1 / energy.edge_contrast**2,
        1 / energy.outlier_contrast**2,
    )
    return recorder.memory.copy_of(np.array(values, dtype=np.float32))


def _taps(recorder: Recorder, sigma_px: float) -> Array:
    return recorder.memory.copy_of(np.array(gaussian_taps(sigma_px), dtype=np.float32))


def _resize(
    recorder: Recorder,
    planes: tuple[Array, Array],
    count: int,
    sizes: tuple[Size, Size],
    scales: tuple[float, float] = (1.0, 1.0),
) -> None:
    """Interpolate planes between pixel centres, from one size to another; even and odd scaled."""
    old, new = sizes
    steps = old[0] / new[0], old[1] / new[1]
    recorder.launch(*("resize", (count, *new), PIXEL_BLOCK), *planes, *old, *new, *steps, *scales)
