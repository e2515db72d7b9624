"""The finer test: whether two tiny pictures show the same, cropped, relit or re-encoded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlops_assets.media.looks import window_average

Grid = NDArray[np.float32]
"""(24, 24) gray levels."""

_CELLS = 24
_STEP = 0.0125
_COARSE, _FINEST = (0, 2, 4), 5
_NOISE_LEVELS = 4.0

Window = tuple[int, int, int, int]
"""Steps of 1.25 % cut off at the top, bottom, left and right."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How one of two pictures lies in the other.

    Args:
        is_first_whole: whether the second is a part of the first, or the other way round.
        window: what the whole has at its borders that the part lacks.
    """

    is_first_whole: bool
    window: Window


def fit(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Fit:
    """How two pictures fit best, by correlation, if up to 6 % was cut off each border of one.

    Args:
        first: (32, 32), uint8.
        second: (32, 32), uint8.
    """
    one, other = first.astype(np.float32), second.astype(np.float32)
    inside, around = _best_window(one, other), _best_window(other, one)
    if around[0] > inside[0]:
        return Fit(False, _refined(other, one, around[1]))
    return Fit(True, _refined(one, other, inside[1]))


def unlikeness(
    first: NDArray[np.uint8], second: NDArray[np.uint8], fitted: Fit | None = None
) -> float:
    """How different two pictures are where they differ most, once what may differ is undone.

    One is cut as the other was. Then it is given the other's tones by matching ranks, which undoes
    brightness, contrast and gamma, and the mean difference of 3x3 of 24x24 cells is taken where it
    is largest. An object in one that is not in the other stands out, however alike the rest is.

    Where more than one look is given, neighbours in time, a value between those of the neighbours
    is no difference: what moves is allowed to be where it was or will be.

    Args:
        first: (n, 32, 32), uint8; the look itself first, then its neighbours.
        second: (m, 32, 32), uint8, likewise.
        fitted: how they fit, where that is known.

    Returns:
        The difference in standard deviations of the picture, >= 0; below 0.6 they show the same.
    """
    how = fitted or fit(first[0], second[0])
    whole, part = (first, second) if how.is_first_whole else (second, first)
    wholes = _cut(whole.astype(np.float32), how.window)
    parts = _cut(part.astype(np.float32), (0, 0, 0, 0))
    return min(_worst_place(parts, wholes), _worst_place(wholes, parts))


def _best_window(whole: Grid, part: Grid) -> tuple[float, Window]:
    """Where in `whole` the picture `part` fits best, roughly, and its correlation."""
    sides = [(low, high) for low in _COARSE for high in _COARSE]
    return _searched(whole, part, sides, sides)


def _refined(whole: Grid, part: Grid, window: Window) -> Window:
    ranges = [range(max(0, side - 1), min(_FINEST, side + 1) + 1) for side in window]
    rows = [(low, high) for low in ranges[0] for high in ranges[1]]
    columns = [(low, high) for low in ranges[2] for high in ranges[3]]
    return _searched(whole, part, rows, columns)[1]


def _searched(
    whole: Grid, part: Grid, rows: list[tuple[int, int]], columns: list[tuple[int, int]]
) -> tuple[float, Window]:
    down = np.concatenate([_averages(*one) for one in rows])
    across = np.concatenate([_averages(*one) for one in columns])
    cells = (down @ whole @ across.T).reshape(len(rows), _CELLS, len(columns), _CELLS)
    tried = cells.transpose(0, 2, 1, 3).reshape(-1, _CELLS**2)
    wanted = (_averages(0, 0) @ part @ _averages(0, 0).T).ravel()
    tried = tried - tried.mean(axis=1, keepdims=True)
    wanted = wanted - wanted.mean()
    power = np.sqrt(np.einsum("ij,ij->i", tried, tried) * (wanted @ wanted))
    correlation = tried @ wanted / np.maximum(power, 1e-6)
    best = int(correlation.argmax())
    row, column = divmod(best, len(columns))
    return float(correlation[best]), (*rows[row], *columns[column])


@lru_cache(maxsize=64)
def _averages(low: int, high: int) -> NDArray[np.float32]:
    averages = window_average(low * _STEP, 1 - high * _STEP, _CELLS)
    return averages.astype(np.float32)


def _cut(looks: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    top, bottom, left, right = window
    cells = _averages(top, bottom) @ looks @ _averages(left, right).T
    return np.asarray(cells, dtype=np.float32)


def _worst_place(given: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Largest difference once `given` has the tones of `wanted`."""
    import cv2

    tones = np.sort(given[0], axis=None), np.sort(wanted[0], axis=None)
    mapped = np.interp(given, *tones)
    above = mapped.min(axis=0) - wanted.max(axis=0)
    below = wanted.min(axis=0) - mapped.max(axis=0)
    apart = np.maximum(above, 0) - np.maximum(below, 0)
    spread = np.sqrt(wanted[0].var() + _NOISE_LEVELS**2)
    return float(np.abs(cv2.blur(apart, (3, 3))).max() / spread)
