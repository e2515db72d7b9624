"""The search for large motion as launches: `matching.cu`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlops_assets.errors import InternalError
from mlops_assets.flow.fields import Array
from mlops_assets.flow.solvers.variational.fused.program import Recorder
from mlops_assets.flow.solvers.variational.fused.sources import (
    MATCH_BLOCK,
    MOST_WINDOW_CELLS,
    PIXEL_BLOCK,
    RANK_BITS,
)
from mlops_assets.flow.solvers.variational.fused.steps import Level, Size
from mlops_assets.flow.solvers.variational.schedule import Matching

_COSTS_BYTES = 2**28
"""Costs of all displacements at one time; pairs are searched in groups that fit, at least one."""


@dataclass(frozen=True, eq=False)
class Matches:
    """Where the cells of each first picture are found.

    Attributes:
        values: float32 (B, 3, rows, columns): u and v in cells, confidence 0..1.
        full: (height, width) of the pictures.
        matching: what they were matched by.
    """

    values: Array
    full: Size
    matching: Matching

    @property
    def cell_px(self) -> int:
        """Side of a cell."""
        return self.matching.cell_px(*self.full)


def match(recorder: Recorder, frames: Array, pairs: Array, matching: Matching) -> Matches:
    """Search the cells of each first picture in its second.

    Args:
        recorder: gets arrays and launches.
        frames: uint8 (N, H, W).
        pairs: int32 (B, 2), indices into the frames.
        matching: sizes and thresholds.
    """
    cell_px = matching.cell_px(*frames.shape[1:])
    rows, columns = (-(-length // cell_px) for length in frames.shape[1:])
    descriptions = _describe(recorder, frames, (rows, columns), cell_px, matching)
    values = recorder.floats(len(pairs), 3, rows, columns)
    _search(recorder, descriptions, pairs, values, matching)
    return Matches(values, frames.shape[1:], matching)


def pull(level: Level, matches: Matches, flow: Array, equations: Array) -> None:
    """Add to the equations what pulls the flow to the matches.

    Args:
        level: its size and the pairs.
        matches: of the same pairs.
        flow: now.
        equations: float32 (B, 7, h, w) of `steps.system`, changed in place.
    """
    (height, width), (full_height, full_width) = level.size, matches.full
    cell_px, matching = matches.cell_px, matches.matching
    scales = cell_px * width / full_width, cell_px * height / full_height
    level.recorder.launch(
        *("pull", level.covered, PIXEL_BLOCK),
        *(matches.values, flow, equations, height, width, full_height, full_width),
        *(*matches.values.shape[2:], cell_px, *scales),
        *(matching.weight, matching.width_px**2),
    )


def _describe(
    recorder: Recorder, frames: Array, cells: Size, cell_px: int, matching: Matching
) -> Array:
    """uint64 (N, rows, columns), which neighbours are brighter and which darker."""
    count, height, width = frames.shape
    sums = recorder.memory.empty((count, *cells), np.int32)
    descriptions = recorder.memory.empty((count, *cells), np.uint64)
    dead_zone = int(matching.threshold * cell_px**2)
    covered = count, *cells
    recorder.launch(
        *("sum_cells", covered, PIXEL_BLOCK), *(frames, sums, height, width, *cells, cell_px)
    )
    recorder.launch(
        *("describe_cells", covered, PIXEL_BLOCK), *(sums, descriptions, *cells, dead_zone)
    )
    return descriptions


def _search(
    recorder: Recorder, descriptions: Array, pairs: Array, values: Array, matching: Matching
) -> None:
    """Cost every displacement of every cell, and keep the best."""
    radius, window = matching.radius_cells, matching.window_cells
    side = 2 * radius + 1
    if window > MOST_WINDOW_CELLS or side**2 > 2**RANK_BITS:
        raise InternalError(
            f"window {window}, radius {radius} cells; the kernels take windows up to "
            f"{MOST_WINDOW_CELLS} and {2**RANK_BITS} displacements"
        )
    _, rows, columns = descriptions.shape
    group = min(len(pairs), max(1, _COSTS_BYTES // (2 * side**2 * rows * columns)))
    costs = recorder.memory.empty((group, side**2, rows, columns), np.uint16)
    best, back = (recorder.memory.empty((group, rows, columns), np.int32) for _ in range(2))
    places = _places(radius)
    ranks = recorder.memory.copy_of(np.argsort(places).astype(np.int32))
    places = recorder.memory.copy_of(places)
    for first in range(0, len(pairs), group):
        count = min(group, len(pairs) - first)
        tile_rows = -(-rows // MATCH_BLOCK[1])
        recorder.launch(
            *("match_costs", (count, tile_rows * side, columns), MATCH_BLOCK),
            *(descriptions, pairs, costs, first, rows, columns, radius, window),
            tile=(MATCH_BLOCK[0], 1),
        )
        recorder.launch(
            *("match_keys", (count, rows, columns), MATCH_BLOCK),
            *(costs, ranks, best, back, rows, columns, radius),
            tile=(MATCH_BLOCK[0], 1),
        )
        recorder.launch(
            *("match_confidence", (count, rows, columns), MATCH_BLOCK),
            *(costs, ranks, places, best, back, values, first, rows, columns, radius),
            matching.uniqueness,
            tile=(MATCH_BLOCK[0], 1),
        )


def _places(radius: int) -> np.ndarray:
    """int32 (side * side,), displacements row by row, in the order of their length."""
    down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.argsort((down**2 + right**2).ravel(), kind="stable").astype(np.int32)
