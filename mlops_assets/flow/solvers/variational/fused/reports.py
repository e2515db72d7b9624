"""From frames in host memory to what is kept of each pair: packed flow and statistics.

The flow itself stays on the device: at 1280 x 720 a pair is 1.8 MB in and 3.7 MB out, or 0.9 MB at
half resolution, instead of 7.4 MB and a second pass over every pixel on the host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.describing.statistics import FlowStatistics
from mlops_assets.flow.fields import Array
from mlops_assets.flow.solvers.variational.fused.batches import MOST_PAIRS, BatchSolver, Work
from mlops_assets.flow.solvers.variational.fused.measures import (
    LIMITS,
    MEASURES,
    RANKED,
    CameraGrid,
    Measures,
    measure,
)
from mlops_assets.flow.solvers.variational.fused.packing import ScaleLog2, pack, packed_bytes
from mlops_assets.flow.solvers.variational.fused.program import Memory, Program, Recorder
from mlops_assets.flow.solvers.variational.fused.solve import record_flow
from mlops_assets.flow.solvers.variational.fused.steps import Size
from mlops_assets.flow.solvers.variational.fused.summaries import limits_of, statistics_of
from mlops_assets.flow.solvers.variational.schedule import Schedule


@dataclass(frozen=True)
class Reporting:
    """What is reported of each pair.

    Attributes:
        is_checked: solve each pair backward too, for the round trip.
        step: pixels per unit of the packed integers.
        scale_log2: pack at 0 full, 1 half resolution.
    """

    is_checked: bool = False
    step: float = 1 / 32
    scale_log2: ScaleLog2 = 1

    @property
    def unit(self) -> int:
        """Fields solved a pair."""
        return 2 if self.is_checked else 1


@dataclass(frozen=True, eq=False)
class Reports:
    """What is kept of some pairs, on the host.

    Attributes:
        packed: uint8 (B, bytes): of each pair what `encode_flow` compresses.
        measures: what the device added up.
        size: (height, width) of the fields.
        intervals_s: (B,) seconds between the pictures of each pair.
        reporting: what was asked for.
    """

    packed: NDArray[np.uint8]
    measures: Measures
    size: Size
    intervals_s: Sequence[float]
    reporting: Reporting

    def statistics(self, place: int) -> FlowStatistics:
        """The statistics of one pair; two milliseconds, nearly all of them the camera's motion."""
        return statistics_of(
            self.measures,
            place,
            size=self.size,
            interval_s=self.intervals_s[place],
            is_checked=self.reporting.is_checked,
        )


def report(
    solver: BatchSolver,
    frames: NDArray[np.uint8],
    pairs: NDArray[np.intp],
    schedule: Schedule,
    *,
    intervals_s: Sequence[float],
    reporting: Reporting | None = None,
) -> Iterator[Reports]:
    """Solve, describe and pack pairs, a batch at a time.

    Args:
        solver: where.
        frames: uint8 (N, H, W), contiguous.
        pairs: (B, 2) indices into the frames; B may be 0.
        schedule: the preset.
        intervals_s: (B,) seconds between the pictures of each pair, > 0.
        reporting: what is wanted; forward flow at half resolution when None.

    Yields:
        Some pairs after the other, in order. A batch may be used up while the next one is solved
        by another thread.

    Raises:
        DeviceMemoryExhausted: not even one pair fits.
    """
    wanted = reporting or Reporting()
    at_once = MOST_PAIRS // wanted.unit
    for start in range(0, len(pairs), at_once):
        part = slice(start, start + at_once)
        yield _report(solver, frames, pairs[part], schedule, intervals_s[part], wanted)


def write_report_program(
    memory: Memory, *, frames: int, pairs: int, size: Size, schedule: Schedule, reporting: Reporting
) -> Program:
    """Everything a batch of reports takes, ready to run.

    Args:
        memory: where the arrays lie.
        frames: how many pictures, >= 1.
        pairs: how many pairs of them are solved, a multiple of the reporting's unit.
        size: (height, width) of the pictures.
        schedule: the preset.
        reporting: what is reported.

    Returns:
        The program; its input is `limits`, its outputs are `packed` and the members of `Measures`.
    """
    recorder, unit = Recorder(memory), reporting.unit
    pictures = memory.empty((frames, *size), np.uint8)
    indices = memory.empty((pairs, 2), np.int32)
    limits = memory.empty((pairs // unit, LIMITS), np.float32)
    flow = record_flow(recorder, pictures, indices, schedule)
    measured = measure(recorder, (pictures, indices), flow, limits, unit=unit)
    packed = pack(recorder, flow, unit=unit, step=reporting.step, scale_log2=reporting.scale_log2)
    outputs = {"packed": packed, **_members(measured)}
    return Program(pictures, indices, {"limits": limits}, outputs, tuple(recorder.launches))


def _report(
    solver: BatchSolver,
    frames: NDArray[np.uint8],
    pairs: NDArray[np.intp],
    schedule: Schedule,
    intervals_s: Sequence[float],
    reporting: Reporting,
) -> Reports:
    _, height, width = frames.shape
    size, count = (height, width), len(pairs)
    make = solver.device.host_array
    packed = make((count, packed_bytes(height, width, reporting.scale_log2)), np.uint8)
    measured = Measures(
        totals=make((count, MEASURES), np.float64),
        ranked=make((count, RANKED, 2), np.uint32),
        grid=make((count, 2, *CameraGrid(size).shape), np.float32),
    )
    both_ways = np.stack([pairs, pairs[:, ::-1]], axis=1)[:, : reporting.unit]
    work = Work(
        partial(write_report_program, size=size, schedule=schedule, reporting=reporting),
        ("report", size, schedule, reporting),
        frames,
        both_ways,
        inputs={"limits": np.stack([limits_of(size, one) for one in intervals_s])},
        outputs={"packed": packed, **_members(measured)},
    )
    solver.do(work)
    return Reports(packed, measured, size, intervals_s, reporting)


def _members(measured: Measures) -> dict[str, Array]:
    return {one.name: getattr(measured, one.name) for one in fields(measured)}
