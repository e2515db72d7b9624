"""Guesses at motion that is too long for a pyramid, and the choice between two fields.

What is small and moves far has vanished where its motion is short enough to be followed. A guess
finds it by comparing pictures over long distances; it is taken pixel by pixel, and only where it
explains the pictures clearly better, so it rarely does harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.solvers.opencv_dis import Patches, inverse_search
from mlops_assets.flow.solvers.opencv_levels import Field, Levels, Picture, enlarged, level_near

_CENSUS_REACH_PX = 10
_CENSUS_STEP_PX = 2
_CENSUS_WINDOW_PX = 9
_CENSUS_LEVELS = 1.0
_CENSUS_OUTSIDE = 0b01_01_01_01_01_01_01_01  # differs from any code in half of 16 bits or so
_SEARCHED_SIDE_PX = 256
_COMPARED_WINDOW_PX = 9
_COMPARED_LEVELS = 30.0
_BETTER_SHARE, _BETTER_LEVELS = 0.9, 1.0


@dataclass(frozen=True)
class CensusGuess:
    """Each pixel goes where its surroundings look most alike, up to 10 px away, in steps of 2.

    Attributes:
        side_px: mean side of the level it is made on.

    Reference: Zabih, Woodfill 1994, doi:10.1007/BFb0028345.
    """

    side_px: int

    def flow(self, first: Levels, second: Levels, level: int) -> Field:
        """(2, h, w) at a level of two pyramids."""
        import cv2

        found = _census_matches(first[level], second[level])
        return np.stack([cv2.medianBlur(component, 5) for component in found])


@dataclass(frozen=True)
class SearchGuess:
    """OpenCV's inverse search between pictures of about 256 x 256 px.

    Attributes:
        side_px: mean side of the level it is used on.
        patches: see `inverse_search`.
        finest_scale: likewise.
    """

    side_px: int
    patches: Patches = "fast"
    finest_scale: int = 1

    def flow(self, first: Levels, second: Levels, level: int) -> Field:
        """(2, h, w) at a level of two pyramids."""
        import cv2

        searched = level_near(_SEARCHED_SIDE_PX, [one.shape for one in first])
        pictures = [
            np.asarray(cv2.convertScaleAbs(one[searched]), np.uint8) for one in (first, second)
        ]
        found = np.empty((2, *first[searched].shape), dtype=np.float32)
        search = inverse_search(
            *first[searched].shape, patches=self.patches, finest_scale=self.finest_scale
        )
        search(pictures[0], pictures[1], found)
        return enlarged(found, first[level].shape)


Guess = CensusGuess | SearchGuess


def better_of(flow: Field, guess: Field, first: Picture, second: Picture) -> Field:
    """The guess where it explains the second picture clearly better, else the flow.

    The difference of the pictures and of its slopes, each cut off at 30 gray levels, averaged over
    9 x 9 px, has to fall by a tenth and a level. Where a field leaves the picture nothing is known,
    which counts as much as the flow costs on average.

    Args:
        flow: (2, h, w), pixels.
        guess: the same shape.
        first: (h, w), gray levels.
        second: the same shape.

    Returns:
        (2, h, w).
    """
    import cv2

    cost, is_seen = _cost(flow, first, second)
    guess_cost, is_guess_seen = _cost(guess, first, second)
    unknown = cost[is_seen].mean() if is_seen.any() else 0
    cost[~is_seen], guess_cost[~is_guess_seen] = unknown, unknown
    window = _COMPARED_WINDOW_PX, _COMPARED_WINDOW_PX
    bound = _BETTER_SHARE * cv2.blur(cost, window) - _BETTER_LEVELS
    is_better = (cv2.blur(guess_cost, window) < bound).astype(np.uint8)
    return np.where(cv2.medianBlur(is_better, 3) > 0, guess, flow)


def _cost(flow: Field, first: Picture, second: Picture) -> tuple[Picture, NDArray[np.bool_]]:
    """(h, w) of gray levels, and where the flow points into the picture."""
    import cv2

    height, width = first.shape
    x, y = flow + _positions(height, width)
    warped = cv2.remap(second, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    change = warped - first
    slopes = [
        np.abs(cv2.Sobel(change, cv2.CV_32F, *axis, scale=1 / 4)) for axis in ((1, 0), (0, 1))
    ]
    cost = np.minimum(slopes[0] + slopes[1], _COMPARED_LEVELS)
    cost += np.minimum(np.abs(change), _COMPARED_LEVELS) / 2
    return cost, (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


@lru_cache(maxsize=8)
def _positions(height: int, width: int) -> Field:
    """(2, h, w): x and y of each pixel."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)


def _census_matches(first: Picture, second: Picture) -> Field:
    """(2, h, w) whole pixels; none where no match is better than staying."""
    import cv2

    reach, step = _CENSUS_REACH_PX, _CENSUS_STEP_PX
    code = np.pad(_census(second), reach, constant_values=_CENSUS_OUTSIDE)
    side = 2 * reach + 1
    there = np.lib.stride_tricks.sliding_window_view(code, (side, side))[:, :, ::step, ::step]
    differing = np.empty(there.shape, dtype=np.uint8)
    np.bitwise_count(_census(first)[:, :, None, None] ^ there, out=differing)
    cost = cv2.boxFilter(
        differing.reshape(*first.shape, -1),
        cv2.CV_16U,
        (_CENSUS_WINDOW_PX, _CENSUS_WINDOW_PX),
        normalize=False,
        borderType=cv2.BORDER_REPLICATE,
    )
    best, stay = cost.argmin(axis=2), cost.shape[2] // 2
    best[cost.min(axis=2) == cost[:, :, stay]] = stay
    rows, columns = np.divmod(best, there.shape[3])
    return np.stack([columns * step - reach, rows * step - reach]).astype(np.float32)


def _census(picture: Picture) -> NDArray[np.uint16]:
    """(h, w) of 16 bits: which of the 8 neighbours are clearly brighter, which clearly darker."""
    import cv2

    height, width = picture.shape
    padded = np.asarray(cv2.copyMakeBorder(picture, 1, 1, 1, 1, cv2.BORDER_REPLICATE))
    code = np.zeros((height, width), dtype=np.uint16)
    for row, column in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
        change = padded[row : row + height, column : column + width] - picture
        code = code << 2 | (change > _CENSUS_LEVELS) << 1 | (change < -_CENSUS_LEVELS)
    return code.astype(np.uint16)
