"""From frames to flow as one program: levels from coarse to fine, warps, updates, sweeps.

The loop of `reference/solve.py`, with launches in place of arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlops_assets.flow.fields import Array
from mlops_assets.flow.solvers.variational.fused import steps
from mlops_assets.flow.solvers.variational.fused.matching import Matches, match, pull
from mlops_assets.flow.solvers.variational.fused.program import Memory, Program, Recorder
from mlops_assets.flow.solvers.variational.fused.steps import Level, Size
from mlops_assets.flow.solvers.variational.schedule import Effort, Schedule, level_sizes

SWEEPS_PER_LAUNCH = 5
"""Sweeps that a tile does on the chip in one go; each costs it two pixels on every side."""


@dataclass(frozen=True, eq=False)
class Buffers:
    """What all levels use in turn, as large as the finest level solved needs.

    Attributes:
        flows: float32 (B, 2, h, w), three: start of a warp, and two to relax to and fro.
        warped: float32 (B, h, w).
        equations: float32 (B, 7, h, w).
        energy: of `steps.energy_values`.
    """

    flows: tuple[Array, Array, Array]
    warped: Array
    equations: Array
    energy: Array

    def free(self, *taken: Array) -> Array:
        """A flow buffer that is none of these."""
        return next(flow for flow in self.flows if all(flow is not one for one in taken))


def write_program(
    memory: Memory, *, frames: int, pairs: int, size: Size, schedule: Schedule
) -> Program:
    """Everything a batch takes, ready to run.

    Args:
        memory: where the arrays lie.
        frames: how many pictures, >= 1.
        pairs: how many pairs of them, >= 1.
        size: (height, width) of the pictures.
        schedule: the preset.

    Returns:
        The program; its output is `flow`, float32 (B, 2, H, W).
    """
    recorder = Recorder(memory)
    pictures = memory.empty((frames, *size), np.uint8)
    indices = memory.empty((pairs, 2), np.int32)
    flow = record_flow(recorder, pictures, indices, schedule)
    return Program(pictures, indices, {}, {"flow": flow}, tuple(recorder.launches))


def record_flow(recorder: Recorder, frames: Array, pairs: Array, schedule: Schedule) -> Array:
    """The launches from frames to flow.

    Args:
        recorder: gets arrays and launches.
        frames: uint8 (N, H, W).
        pairs: int32 (B, 2), indices into the frames.
        schedule: the preset.

    Returns:
        float32 (B, 2, H, W), the flow after the launches.
    """
    _, height, width = frames.shape
    full = height, width
    sizes = level_sizes(height, width, schedule)
    pictures = steps.pyramid(recorder, frames, sizes, schedule)
    levels = [Level(recorder, planes, pairs) for planes in pictures]
    finest = min(schedule.finest_level, len(levels) - 1)
    is_matched = [schedule.is_matched(level, full) for level in range(len(levels))]
    matches = None
    if any(is_matched[finest:]):
        matches = match(recorder, frames, pairs, schedule.matching)
    buffers = _buffers(recorder, len(pairs), sizes[finest], schedule)
    flow = buffers.flows[0]
    steps.clear(levels[-1], flow)
    for index in reversed(range(finest, len(levels))):
        if index + 1 < len(levels):
            larger = buffers.free(flow)
            steps.enlarge(levels[index], (flow, larger), sizes[index + 1])
            flow = larger
        here = matches if is_matched[index] else None
        flow = _refine(levels[index], buffers, flow, here, schedule, schedule.effort(index))
    if finest > 0:
        enlarged = recorder.floats(len(pairs), 2, *full)
        steps.enlarge(levels[0], (flow, enlarged), sizes[finest])
        flow = enlarged
    return flow


def workspace_bytes(write: Callable[[Memory], Program]) -> int:
    """Device memory of a program, to the byte.

    One that solves takes, per pixel: 9 of a frame and 4 on each of its levels; of a pair 56 on the
    finest level solved, and 8 more where that is not full size. The search for large motion adds
    about 1 a pixel, and what its costs take: 2 a cell and displacement of a pair, for as many pairs
    as fit 256 MiB.

    Args:
        write: writes the program into a memory.
    """
    scales = _Scales()
    write(scales)
    return scales.weighed_bytes


class _Scales:
    """Memory that only adds up what it would take."""

    def __init__(self) -> None:
        self.weighed_bytes = 0

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """An array without memory of its own."""
        array = np.broadcast_to(np.zeros((), dtype), shape)
        self.weighed_bytes += array.nbytes
        return array

    def copy_of(self, values: NDArray) -> Array:
        """These values."""
        self.weighed_bytes += values.nbytes
        return values


def _buffers(recorder: Recorder, pairs: int, size: Size, schedule: Schedule) -> Buffers:
    first, second, third = (recorder.floats(pairs, 2, *size) for _ in range(3))
    return Buffers(
        flows=(first, second, third),
        warped=recorder.floats(pairs, *size),
        equations=recorder.floats(pairs, 7, *size),
        energy=steps.energy_values(recorder, schedule.energy),
    )


def _refine(
    level: Level,
    buffers: Buffers,
    flow: Array,
    matches: Matches | None,
    schedule: Schedule,
    effort: Effort,
) -> Array:
    """Improve the flow on one level; returns the buffer that it is in afterwards."""
    equations = buffers.equations
    for _ in range(effort.warps):
        start = flow
        steps.warp(level, start, buffers.warped)
        for _ in range(effort.updates):
            steps.system(level, buffers.warped, (start, flow), buffers.energy, equations)
            if matches is not None:
                pull(level, matches, flow, equations)
            for sweeps in _shares(effort.sweeps):
                relaxed = buffers.free(start, flow)
                steps.relax(level, equations, (flow, relaxed), sweeps, schedule.relaxation)
                flow = relaxed
        smooth = buffers.free(flow)
        steps.median(level, (flow, smooth))
        flow = smooth
    return flow


def _shares(sweeps: int) -> list[int]:
    """Sweeps in as few and as equal launches as a tile allows."""
    launches = math.ceil(sweeps / SWEEPS_PER_LAUNCH)
    return [(sweeps + turn) // launches for turn in range(launches)]
