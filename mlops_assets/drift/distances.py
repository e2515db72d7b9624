"""Distances between two distributions, each known by weighted values or by counts.

Convention: every distance is >= 0, finite, and 0 for equal distributions; a histogram is its
counts (B,).
"""

from __future__ import annotations

import numpy as np


def kolmogorov_smirnov(
    values: np.ndarray, weights: np.ndarray, other: np.ndarray, other_weights: np.ndarray
) -> float:
    """Largest difference of two cumulative distributions.

    Args:
        values: (N,) float64 ascending, not empty.
        weights: (N,) counts, > 0.
        other: (M,) like `values`.
        other_weights: (M,) like `weights`.

    Returns:
        Between 0 and 1. Equals the two-sample statistic when all weights are one.
    """
    points = np.concatenate([values, other])
    gaps = _cumulative(points, values, weights) - _cumulative(points, other, other_weights)
    return float(np.abs(gaps).max())


def wasserstein(
    values: np.ndarray, weights: np.ndarray, other: np.ndarray, other_weights: np.ndarray
) -> float:
    """Area between two cumulative distributions: the mean way each value has to move.

    Args:
        values: (N,) float64 ascending, not empty.
        weights: (N,) counts, > 0.
        other: (M,) like `values`.
        other_weights: (M,) like `weights`.

    Returns:
        In the unit of the values.

    Reference: Ramdas, Garcia, Cuturi 2017, proposition 1, doi:10.3390/e19020047.
    """
    points = np.sort(np.concatenate([values, other]))
    gaps = _cumulative(points, values, weights) - _cumulative(points, other, other_weights)
    return float((np.abs(gaps[:-1]) * np.diff(points)).sum())


def _cumulative(points: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of the weight at or below each point."""
    cumulated = np.concatenate([[0], np.cumsum(weights)])
    return cumulated[np.searchsorted(values, points, side="right")] / cumulated[-1]


def decile_edges(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Bin edges at the deciles of a distribution, with its ends; ties give fewer bins.

    Args:
        values: (N,) float64 ascending, not empty.
        weights: (N,) counts, > 0.

    Returns:
        Ascending edges (E,), 2 <= E <= 11; the first lies just below the smallest value.
    """
    cumulated = np.cumsum(weights)
    inner = np.searchsorted(cumulated, np.arange(1, 11) / 10 * cumulated[-1], side="left")
    below = np.nextafter(values[0], -np.inf)
    return np.unique(np.concatenate([[below], values[np.minimum(inner, len(values) - 1)]]))


def bin_counts(values: np.ndarray, weights: np.ndarray, *, edges: np.ndarray) -> np.ndarray:
    """Weight in each right-closed bin, with one bin below and one above all edges.

    Args:
        values: (N,) float64.
        weights: (N,) counts.
        edges: (E,) ascending.

    Returns:
        (E + 1,) float64, with the sum of the weights.
    """
    index = np.searchsorted(edges, values, side="left")
    return np.bincount(index, weights=weights, minlength=len(edges) + 1)


def population_stability_index(counts: np.ndarray, other_counts: np.ndarray) -> float:
    """Symmetrised relative entropy of two histograms.

    Half a count is added to every bin, so that an empty bin costs a finite amount.

    Args:
        counts: (B,) counts, B >= 1.
        other_counts: (B,) the same bins.

    Returns:
        In nats; rules of thumb call 0.1 a moderate and 0.25 a large change. For two samples of n
        and m of one distribution it is about (B - 1) (1/n + 1/m) by chance alone.

    Reference: Kullback and Leibler 1951, section 2, doi:10.1214/aoms/1177729694 (the divergence J).
    """
    shares, others = _smoothed(counts), _smoothed(other_counts)
    return max(0.0, float(((shares - others) * np.log(shares / others)).sum()))


def _smoothed(counts: np.ndarray) -> np.ndarray:
    return (counts + 0.5) / (counts.sum() + 0.5 * len(counts))


def hellinger(counts: np.ndarray, other_counts: np.ndarray) -> float:
    """Hellinger distance of two histograms.

    Args:
        counts: (B,) counts, not all 0.
        other_counts: (B,) the same bins, not all 0.

    Returns:
        Between 0 and 1 (no common bin).

    Reference: Hellinger 1909, in the form sqrt(1/2 sum (sqrt p - sqrt q)^2).
    """
    roots, others = np.sqrt(counts / counts.sum()), np.sqrt(other_counts / other_counts.sum())
    return min(1.0, float(np.sqrt(np.square(roots - others).sum() / 2)))
