"""Does the forward-backward check know where a flow is wrong? Its ranks beside the true error's.

It says two things of many pixels: which share fails, and how far they miss on average. A decision
may rest on one of them only where its rank correlation with the true error is 0.5 or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.evaluation.following import read_at_targets

_TILES_A_SIDE = 4
_FEWEST = 3
"""Fewest things whose order says anything."""


@dataclass(frozen=True, eq=False)
class RoundTripMap:
    """Where the backward flow fails to undo the forward flow.

    Attributes:
        miss_px: float32 (H, W), distance to the start; NaN where the target is out of the frame.
        fails: bool (H, W), True also where the target is out of the frame.
    """

    miss_px: NDArray[np.float32]
    fails: NDArray[np.bool_]


@dataclass(frozen=True)
class Tile:
    """A part of a pair, or all of it, over the pixels whose truth is known.

    Attributes:
        fail_share: of pixels that fail, 0 to 1.
        miss_px: mean miss of those whose target is in the frame; None when there is none.
        epe_px: mean true error.
    """

    fail_share: float
    miss_px: float | None
    epe_px: float


@dataclass(frozen=True)
class Calibration:
    """How the check and the truth stand to one another within one pair.

    Attributes:
        whole: of the pair.
        tiles: of a 4 x 4 grid, those that have known truth.
        pixels: rank correlation of miss and true error over the pixels whose target is in the
            frame, -1 to 1; None when there are under 3 or one of the two never varies.
    """

    whole: Tile
    tiles: tuple[Tile, ...]
    pixels: float | None


@dataclass(frozen=True)
class Ranks:
    """Rank correlations of what the check says with the true error, -1 to 1; None of too few.

    Attributes:
        pairs: how many.
        tiles: how many, of all pairs together.
        fail_over_pairs: of the share that fails, pair by pair.
        fail_over_tiles: of the share that fails, tile by tile.
        miss_over_pairs: of the mean miss, pair by pair.
        miss_over_tiles: of the mean miss, tile by tile.
        miss_over_pixels: of the miss, pixel by pixel within a pair; mean over pairs.
    """

    pairs: int
    tiles: int
    fail_over_pairs: float | None
    fail_over_tiles: float | None
    miss_over_pairs: float | None
    miss_over_tiles: float | None
    miss_over_pixels: float | None


def round_trip_map(forward: NDArray[np.float32], backward: NDArray[np.float32]) -> RoundTripMap:
    """Follow the forward flow, then the backward flow, for every pixel.

    A pixel fails where |f + b|^2 > 0.01 (|f|^2 + |b|^2) + 0.5, b read at the target of f.

    Args:
        forward: finite (2, H, W), from the first picture to the second.
        backward: finite (2, H, W), from the second to the first.

    Raises:
        ShapeError: the shapes differ.

    Reference: Sundaram et al. 2010, section 4, doi:10.1007/978-3-642-15549-9_32.
    """
    back, _ = read_at_targets(backward, forward)
    miss2 = np.square(forward + back).sum(axis=0)
    allowed2 = 0.01 * (np.square(forward) + np.square(back)).sum(axis=0) + 0.5
    passes = miss2 <= allowed2  # False for NaN
    return RoundTripMap(np.sqrt(miss2), ~passes)


def calibrate(trip: RoundTripMap, error_px: NDArray[np.floating]) -> Calibration:
    """Set misses beside true errors within one pair.

    Args:
        trip: of the pair's flows.
        error_px: (H, W), true end-point errors; NaN where unknown, known somewhere.
    """
    both = np.isfinite(error_px) & np.isfinite(trip.miss_px)
    grid = np.zeros(error_px.shape, dtype=int)
    for axis, size in enumerate(error_px.shape):
        place = np.arange(size) * _TILES_A_SIDE // size
        grid = grid * _TILES_A_SIDE + (place[:, np.newaxis] if axis == 0 else place)
    known = [(grid == tile) & np.isfinite(error_px) for tile in range(_TILES_A_SIDE**2)]
    return Calibration(
        whole=_tile(trip, error_px, np.isfinite(error_px)),
        tiles=tuple(_tile(trip, error_px, where) for where in known if where.any()),
        pixels=rank_correlation(trip.miss_px[both], error_px[both]),
    )


def rank_checks(pairs: Sequence[Calibration]) -> Ranks:
    """Whether the check puts pairs, tiles and pixels into the order of their true errors.

    Args:
        pairs: of one method. May be empty.
    """
    wholes = [pair.whole for pair in pairs]
    tiles = [tile for pair in pairs for tile in pair.tiles]
    within = [pair.pixels for pair in pairs if pair.pixels is not None]
    return Ranks(
        pairs=len(pairs),
        tiles=len(tiles),
        fail_over_pairs=_fail_rank(wholes),
        fail_over_tiles=_fail_rank(tiles),
        miss_over_pairs=_miss_rank(wholes),
        miss_over_tiles=_miss_rank(tiles),
        miss_over_pixels=sum(within) / len(within) if within else None,
    )


def rank_correlation(
    first: Sequence[float] | NDArray[np.floating], second: Sequence[float] | NDArray[np.floating]
) -> float | None:
    """Spearman's rank correlation; equal values share their mean rank.

    Args:
        first: finite numbers.
        second: as many.

    Returns:
        -1 to 1; None when there are under 3, or all of one side are equal.
    """
    if len(first) < _FEWEST:
        return None
    ranks = [_ranks(np.asarray(values)) for values in (first, second)]
    x, y = (each - each.mean() for each in ranks)
    spread = float(np.sqrt(np.dot(x, x) * np.dot(y, y)))
    return float(np.dot(x, y)) / spread if spread > 0 else None


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def _tile(trip: RoundTripMap, error_px: NDArray[np.floating], where: NDArray[np.bool_]) -> Tile:
    miss_px = trip.miss_px[where]
    inside = miss_px[np.isfinite(miss_px)]
    return Tile(
        fail_share=float(trip.fails[where].mean()),
        miss_px=float(inside.mean(dtype=np.float64)) if inside.size else None,
        epe_px=float(error_px[where].mean()),
    )


def _fail_rank(tiles: Sequence[Tile]) -> float | None:
    return rank_correlation([tile.fail_share for tile in tiles], [tile.epe_px for tile in tiles])


def _miss_rank(tiles: Sequence[Tile]) -> float | None:
    inside = [(tile.miss_px, tile.epe_px) for tile in tiles if tile.miss_px is not None]
    return rank_correlation([miss for miss, _ in inside], [error for _, error in inside])
