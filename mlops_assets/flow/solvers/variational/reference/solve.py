"""From pictures to flow: levels from coarse to fine, warps, updates, sweeps."""

from __future__ import annotations

from mlops_assets.flow.arrays import Array, array_module
from mlops_assets.flow.fields import Preset
from mlops_assets.flow.solvers.variational.reference.matching import Matches, matches, spread
from mlops_assets.flow.solvers.variational.reference.median import median
from mlops_assets.flow.solvers.variational.reference.pyramid import pyramid, resize
from mlops_assets.flow.solvers.variational.reference.relaxation import relax
from mlops_assets.flow.solvers.variational.reference.system import (
    Flow,
    Pair,
    derivatives,
    pulled,
    system,
)
from mlops_assets.flow.solvers.variational.reference.warp import warp
from mlops_assets.flow.solvers.variational.schedule import PRESETS, Schedule


def solve(frames: Array, pairs: Array, preset: Preset) -> Array:
    """Flow of each pair of pictures.

    Args:
        frames: uint8 (N, H, W), gray, sides >= 8.
        pairs: (B, 2), indices into `frames`.
        preset: effort.

    Returns:
        float32 (B, 2, H, W), planar (dx, dy), pixels per pair, finite; the frames' kind of array.
    """
    return solve_schedule(frames, pairs, PRESETS[preset])


def solve_schedule(frames: Array, pairs: Array, schedule: Schedule) -> Array:
    """`solve` with any schedule."""
    xp = array_module(frames)
    levels = pyramid(frames, schedule)
    first, second = xp.asarray(pairs[:, 0]), xp.asarray(pairs[:, 1])
    full = frames.shape[1:]
    found = matches(frames[first], frames[second], schedule.matching)
    flow = _zero(levels[-1][first])
    for level in reversed(range(min(schedule.finest_level, len(levels) - 1), len(levels))):
        pictures = levels[level]
        size = pictures.shape[1:]
        is_matched = schedule.is_matched(level, full)
        here = spread(found, size, full, schedule.matching) if is_matched else None
        flow = enlarge(flow, size)
        flow = refine((pictures[first], pictures[second]), flow, here, schedule, level)
    return xp.stack(enlarge(flow, full), axis=1)


def refine(
    pictures: tuple[Array, Array], flow: Flow, found: Matches | None, schedule: Schedule, level: int
) -> Flow:
    """Improve the flow on one level.

    Args:
        pictures: first and second, float32 (B, H, W).
        flow: (u, v) to start from.
        found: matches that pull the flow, in pixels of the level; None where they do not.
        schedule: energy and efforts.
        level: 0 is full size.
    """
    effort = schedule.effort(level)
    for _ in range(effort.warps):
        warped, visibility = warp(pictures[1], *flow)
        pair = Pair(pictures[0], derivatives(pictures[0], warped), visibility, flow)
        for _ in range(effort.updates):
            equations = system(pair, flow, schedule.energy)
            if found is not None:
                equations = pulled(equations, flow, found, schedule.matching)
            flow = relax(equations, flow, sweeps=effort.sweeps, relaxation=schedule.relaxation)
        flow = median(flow[0]), median(flow[1])
    return flow


def enlarge(flow: Flow, size: tuple[int, int]) -> Flow:
    """Flow at another size: interpolated, and longer by as much as the picture grows."""
    xp = array_module(flow[0])
    height, width = flow[0].shape[1:]
    if (height, width) == size:
        return flow
    u, v = (resize(component, size) for component in flow)
    return u * xp.float32(size[1] / width), v * xp.float32(size[0] / height)


def _zero(pictures: Array) -> Flow:
    xp = array_module(pictures)
    return xp.zeros_like(pictures), xp.zeros_like(pictures)
