"""What the device adds up of each pair's flow: `statistics.cu`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlops_assets.flow.describing.histograms import BINS, MAGNITUDE_EDGES
from mlops_assets.flow.fields import Array
from mlops_assets.flow.solvers.variational.fused.program import Recorder
from mlops_assets.flow.solvers.variational.fused.sources import (
    DIGIT_BLOCK,
    DIGIT_PIXELS,
    MEASURE_BLOCK,
    MEASURE_TILE,
    PIXEL_BLOCK,
)
from mlops_assets.flow.solvers.variational.fused.steps import Size

SUMS = (
    *("max_px", "sum_px", "static", "still", "moving", "moving_px", "moving_dx", "moving_dy"),
    *("divergence", "curl", "photo", "photo_pixels", "census_differing", "census_relations"),
    *("returning", "round_trips", "round_trip_px"),
)
"""The members of `Measure` in `statistics.cu` before its two histograms, in its order."""

MEASURES = len(SUMS) + 2 * BINS
LIMITS = 4 + len(MAGNITUDE_EDGES)
PERCENTILES = (0.50, 0.95)
RANKED = 2 * len(PERCENTILES)

_DIGIT_VALUES = 2048
_DIGIT_ROUNDS = 3
_GRID_STRIDE_PX = 8


@dataclass(frozen=True)
class CameraGrid:
    """The points at which `describing.camera` reads a field.

    Attributes:
        size: (height, width) of the field.
    """

    size: Size

    @property
    def stride_px(self) -> int:
        """From point to point; the first lies half of it from the border."""
        return max(1, min(_GRID_STRIDE_PX, min(self.size) // _GRID_STRIDE_PX))

    @property
    def shape(self) -> Size:
        """Points (down, across)."""
        height, width = (
            len(range(self.stride_px // 2, length, self.stride_px)) for length in self.size
        )
        return height, width


@dataclass(frozen=True, eq=False)
class Measures:
    """What is there of each pair after the launches.

    Attributes:
        totals: float64 (B, MEASURES).
        ranked: uint32 (B, RANKED, 2): first the bits of the float32 magnitude just below and just
            above each percentile.
        grid: float32 (B, 2, rows, columns), the vectors on the camera's grid.
    """

    totals: Array
    ranked: Array
    grid: Array


def measure(
    recorder: Recorder, pictures: tuple[Array, Array], flow: Array, limits: Array, *, unit: int
) -> Measures:
    """Add up what statistics need.

    Args:
        recorder: gets arrays and launches.
        pictures: uint8 frames (N, H, W), int32 pairs (B * unit, 2).
        flow: float32 (B * unit, 2, H, W), finite. Every `unit`-th field is described.
        limits: float32 (B, LIMITS), the members of `Limits` in `statistics.cu`.
        unit: 2 where the field after each one is the same pair's backward, else 1.
    """
    fields, _, height, width = flow.shape
    pairs = fields // unit
    return Measures(
        _add_up(recorder, pictures, flow, limits, unit),
        _rank(recorder, flow, unit),
        _sample(recorder, flow, unit, CameraGrid((height, width)), pairs),
    )


def _add_up(
    recorder: Recorder, pictures: tuple[Array, Array], flow: Array, limits: Array, unit: int
) -> Array:
    fields, _, height, width = flow.shape
    pairs = fields // unit
    blocks = math.ceil(height / MEASURE_TILE) * math.ceil(width / MEASURE_TILE)
    records = recorder.memory.empty((pairs, blocks, MEASURES), np.float64)
    totals = recorder.memory.empty((pairs, MEASURES), np.float64)
    recorder.launch(
        *("measure_flow", (pairs, height, width), MEASURE_BLOCK),
        *(flow, *pictures, limits, records, height, width, unit),
        tile=(MEASURE_TILE, MEASURE_TILE),
    )
    recorder.launch("add_records", (pairs, 1, 1), (64, 1), records, totals, blocks)
    return totals


def _rank(recorder: Recorder, flow: Array, unit: int) -> Array:
    fields, _, height, width = flow.shape
    pairs, pixels = fields // unit, height * width
    ranked = recorder.memory.empty((pairs, RANKED, 2), np.uint32)
    counts = recorder.memory.empty((pairs, RANKED, _DIGIT_VALUES), np.int32)
    places = (math.floor(share * (pixels - 1)) for share in PERCENTILES)
    one_a_pair = (pairs, 1, 1), DIGIT_BLOCK
    recorder.launch("start_ranks", *one_a_pair, ranked, counts, *places, pixels)
    for turn in range(_DIGIT_ROUNDS):
        recorder.launch(
            *("count_digits", (pairs, 1, pixels), DIGIT_BLOCK),
            *(flow, ranked, counts, height, width, unit, turn),
            tile=(DIGIT_PIXELS, 1),
        )
        recorder.launch("choose_digits", *one_a_pair, ranked, counts, turn)
    return ranked


def _sample(recorder: Recorder, flow: Array, unit: int, points: CameraGrid, pairs: int) -> Array:
    (height, width), (rows, columns) = points.size, points.shape
    grid = recorder.floats(pairs, 2, rows, columns)
    recorder.launch(
        *("sample_grid", (2 * pairs, rows, columns), PIXEL_BLOCK),
        *(flow, grid, height, width, unit, rows, columns, points.stride_px),
    )
    return grid
