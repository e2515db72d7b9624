"""Histograms of direction and magnitude that add: over pairs, clips, days and sources.

Every bin is a mean over the pixels of a pair, so a pair counts the same at any resolution; the sum
over n pairs is n times their mean. Nothing is divided by a total before it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError

BINS = 16
MAGNITUDE_EDGES = 2.0 ** np.arange(-11, 4)
"""Inner edges of the magnitude histogram, diagonals per second: each bin doubles the one before."""


def magnitude_shares(magnitude: NDArray[np.float32], *, speed_per_px: float) -> NDArray[np.float64]:
    """How the speeds of one pair's pixels are spread.

    Args:
        magnitude: (N,), pixels, finite; N >= 1.
        speed_per_px: diagonals per second of one pixel.

    Returns:
        (16,) shares of pixels, sum 1: bin 0 is below 2**-11 diagonals per second, bin k from
        2**(k - 12) to 2**(k - 11), bin 15 from 8 up. The sum over n pairs totals n.
    """
    edges_px = (MAGNITUDE_EDGES / speed_per_px).astype(np.float32)
    bins = np.searchsorted(edges_px, magnitude, side="right")
    counts = np.bincount(bins, minlength=BINS)
    return np.asarray(counts / magnitude.size, dtype=np.float64)


def direction_weights(
    dx: NDArray[np.float32], dy: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How much motion goes where.

    Args:
        dx: (N,) to the right.
        dy: (N,) down.
        weight: (N,) what each vector counts, such as its speed.

    Returns:
        (16,) sums of weights; bin k is centred on 22.5 k degrees, clockwise from the right. Divided
        by the number of all known pixels, still ones too, it is a pair's `direction_histogram`:
        diagonals per second, and the sum over pairs weighs each by its motion.
    """
    turns = np.arctan2(dy, dx) * np.float32(BINS / math.tau)
    bins = np.rint(turns).astype(np.int8) % BINS
    sums = np.bincount(bins, weights=weight.astype(np.float64), minlength=BINS)
    return np.asarray(sums, dtype=np.float64)


def merge_histograms(histograms: Iterable[Sequence[float]]) -> NDArray[np.float64]:
    """The histogram of several pairs, or of several merged histograms: their sum.

    In any order and any grouping the result is the same but for rounding.

    Args:
        histograms: 16 bins each, all of one kind. May be none.

    Returns:
        (16,); all 0 of none. Divide by its sum to read it as shares.

    Raises:
        ShapeError: one has another number of bins.
    """
    total = np.zeros(BINS)
    for one in histograms:
        if len(one) != BINS:
            raise ShapeError(f"a histogram has {len(one)} bins; expected {BINS}")
        total += np.asarray(one, dtype=np.float64)
    return total


def direction_entropy(histogram: Sequence[float] | NDArray[np.float64]) -> float | None:
    """How far directions are spread, of a pair's or a merged direction histogram.

    Args:
        histogram: 16 weights >= 0.

    Returns:
        Shannon entropy over its greatest value: 0 for one direction, 1 for all alike; None for no
        motion.
    """
    weights = np.asarray(histogram, dtype=np.float64)
    total = weights.sum()
    if not total > 0:
        return None
    shares = weights[weights > 0] / total
    return max(0.0, float(-(shares * np.log(shares)).sum() / math.log(BINS)))
