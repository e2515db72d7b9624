"""Where each small square of the first picture reappears, however far: the start of large motion.

Whole numbers until the last line, so that every program finds the same matches. Cells are sums of
pixels; a cell is described by which of its 24 neighbours are brighter and which darker than it
(census transform, Zabih and Woodfill 1994, doi:10.1007/BFb0028345, with a dead zone), which light
and contrast hardly change; the displacement wins whose descriptions differ least over a window.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.arrays import Array, array_module
from mlops_assets.flow.solvers.variational.schedule import Matching

Size = tuple[int, int]

_REACH = 2  # a description looks at 5 x 5 cells
_OUTSIDE = 12  # cost of a cell that would leave the picture, of at most 48
_RANK_BITS = 12  # a key is a cost and, below it, the rank of its displacement
_NEVER = 2**30


class Matches(NamedTuple):
    """One displacement per cell, float32 (B, h, w) each.

    `u`, `v` in cells, right and down; `confidence` 0..1.
    """

    u: Array
    v: Array
    confidence: Array


def matches(first: Array, second: Array, matching: Matching) -> Matches:
    """Match the cells of each first picture in its second.

    A match is believed when the search back from where it leads returns to it, and by how much
    worse the best of all other displacements is.

    Args:
        first: uint8 (B, H, W), gray.
        second: the same.
        matching: sizes and thresholds.
    """
    xp = array_module(first)
    cell_px = matching.cell_px(*first.shape[1:])
    described = [
        _describe(cells(pictures, cell_px), matching, cell_px) for pictures in (first, second)
    ]
    found = [_match(one, other, matching) for one, other in zip(*described, strict=True)]
    return Matches(*(xp.stack(part) for part in zip(*found, strict=True)))


def cells(pictures: Array, cell_px: int) -> Array:
    """Sums over squares; a picture's last pixels repeat to fill the last square.

    Args:
        pictures: uint8 (B, H, W).
        cell_px: side of a square.

    Returns:
        int32 (B, ceil(H / cell_px), ceil(W / cell_px)).
    """
    xp = array_module(pictures)
    batch, height, width = pictures.shape
    rows, columns = -(-height // cell_px), -(-width // cell_px)
    missing = ((0, 0), (0, rows * cell_px - height), (0, columns * cell_px - width))
    full = xp.pad(pictures.astype("int32"), missing, mode="edge")
    return full.reshape(batch, rows, cell_px, columns, cell_px).sum(axis=(2, 4), dtype="int32")


def spread(found: Matches, size: Size, full: Size, matching: Matching) -> Matches:
    """The match of the cell under each pixel of a level, in pixels of that level.

    Args:
        found: per cell.
        size: (height, width) of the level.
        full: (height, width) of the pictures.
        matching: what they were matched by.
    """
    xp = array_module(found.u)
    cell_px = matching.cell_px(*full)
    rows, columns = (
        (2 * xp.arange(length) + 1) * pixels // (2 * length * cell_px)
        for length, pixels in zip(size, full, strict=True)
    )
    u, v, confidence = (part[:, rows][:, :, columns] for part in found)
    per_column = xp.float32(cell_px * size[1] / full[1])
    per_row = xp.float32(cell_px * size[0] / full[0])
    return Matches(u * per_column, v * per_row, confidence)


def _describe(sums: Array, matching: Matching, cell_px: int) -> Array:
    """int64 (B, h, w): a bit for each brighter neighbour and one for each darker."""
    xp = array_module(sums)
    height, width = sums.shape[1:]
    dead_zone = int(matching.threshold * cell_px**2)
    padded = xp.pad(sums, ((0, 0), (_REACH, _REACH), (_REACH, _REACH)), mode="edge")
    bits = xp.zeros(sums.shape, dtype="int64")
    for row in range(2 * _REACH + 1):
        for column in range(2 * _REACH + 1):
            difference = padded[:, row : row + height, column : column + width] - sums
            bits = (bits << 2) | ((difference > dead_zone) + 2 * (difference < -dead_zone))
    return bits


def _match(first: Array, second: Array, matching: Matching) -> Matches:
    """Matches of one pair of descriptions, int64 (h, w) each."""
    xp = array_module(first)
    radius = matching.radius_cells
    ranks = _ranks(radius)
    keys = _keys(first, second, matching.window_cells, ranks)
    best = keys.min(axis=(0, 1))
    down, right = _displacement(best, ranks, xp)
    next_best = _lowest_apart(keys, down, right, radius)
    lead = ((next_best >> _RANK_BITS) - (best >> _RANK_BITS)).astype("float32")
    scale = xp.maximum(best >> _RANK_BITS, 1).astype("float32") * xp.float32(matching.uniqueness)
    confidence = xp.clip(lead / scale, 0, 1) * _is_confirmed(keys, ranks, down, right)
    return Matches(right.astype("float32"), down.astype("float32"), confidence)


@functools.cache
def _ranks(radius: int) -> NDArray[np.int32]:
    """(D, D) order of displacements, rows down and columns right: of equal costs the shortest."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    order = np.argsort((rows**2 + columns**2).ravel(), kind="stable")
    ranks = np.empty(order.size, dtype=np.int32)
    ranks[order] = np.arange(order.size, dtype=np.int32)
    return ranks.reshape(rows.shape)


def _displacement(keys: Array, ranks: NDArray[np.int32], xp: ModuleType) -> tuple[Array, Array]:
    """Cells down and cells right of the displacement in a key."""
    side = len(ranks)
    place = xp.asarray(np.argsort(ranks, axis=None))[keys & (2**_RANK_BITS - 1)]
    return place // side - side // 2, place % side - side // 2


def _keys(first: Array, second: Array, window: int, ranks: NDArray[np.int32]) -> Array:
    """int32 (D, D, h, w): cost of each displacement, and in the low bits its rank."""
    xp = array_module(first)
    side, (height, width) = len(ranks), first.shape
    radius = side // 2
    sides = ((radius, radius), (radius, radius))
    padded, is_inside = xp.pad(second, sides), xp.pad(xp.ones(first.shape, dtype=bool), sides)
    columns = xp.arange(side)[:, None] + xp.arange(width)
    keys = xp.empty((side, side, height, width), dtype="int32")
    for row in range(side):
        there = padded[row : row + height][:, columns].transpose(1, 0, 2)
        is_there = is_inside[row : row + height][:, columns].transpose(1, 0, 2)
        cost = xp.where(is_there, xp.bitwise_count(there ^ first).astype("int32"), _OUTSIDE)
        total = _window_sum(_window_sum(cost, window, axis=1), window, axis=2)
        keys[row] = (total << _RANK_BITS) + xp.asarray(ranks[row])[:, None, None]
    return keys


def _window_sum(costs: Array, window: int, *, axis: int) -> Array:
    """Sum over 2 window + 1 cells along an axis; beyond a border its cell repeats."""
    xp = array_module(costs)
    index = xp.arange(costs.shape[axis])
    total = xp.zeros_like(costs)
    for offset in range(-window, window + 1):
        total += xp.take(costs, xp.clip(index + offset, 0, len(index) - 1), axis=axis)
    return total


def _lowest_apart(keys: Array, down: Array, right: Array, radius: int) -> Array:
    """The lowest key of all displacements more than one cell away from a given one."""
    xp = array_module(keys)
    is_column_apart = xp.abs(xp.arange(-radius, radius + 1)[:, None, None] - right) > 1
    lowest = xp.full(down.shape, _NEVER, dtype="int32")
    for row, of_row in enumerate(keys, start=-radius):
        is_apart = is_column_apart | (xp.abs(row - down) > 1)
        lowest = xp.minimum(lowest, xp.where(is_apart, of_row, _NEVER).min(axis=0))
    return lowest


def _is_confirmed(keys: Array, ranks: NDArray[np.int32], down: Array, right: Array) -> Array:
    """Whether the best way back from where a match leads returns to within one cell."""
    xp = array_module(keys)
    height, width = down.shape
    radius = len(ranks) // 2
    back = xp.full((height + 2 * radius, width + 2 * radius), _NEVER, dtype="int32")
    for row, of_row in enumerate(keys):
        for column, of_both in enumerate(of_row):
            reached = back[row : row + height, column : column + width]
            xp.minimum(reached, of_both, out=reached)
    rows, columns = xp.arange(height)[:, None] + down, xp.arange(width) + right
    is_inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    led_down, led_right = _displacement(back[rows + radius, columns + radius], ranks, xp)
    return is_inside & (xp.abs(led_down - down) <= 1) & (xp.abs(led_right - right) <= 1)
