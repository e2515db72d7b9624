"""Rows of characters, as on a plate: what tells one from a grille, a kerb or a hedge."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops_assets.privacy.regions import Picture

_HEIGHT_PX = 48
_NEIGHBOURHOOD_PX = 25
_LEAST_DEPTH = 8  # levels of luma a stroke differs from what is around it


def most_characters(luma: Picture) -> int:
    """How many blobs of one height stand in one row.

    Args:
        luma: (H, W), uint8, of a region that may be a plate; dark on light or light on dark.

    Returns:
        The most blobs that have the height of one of them, give or take a quarter, and its row;
        0 if there is none. A region of less than 4 px has none.
    """
    import cv2

    height, width = luma.shape
    if min(height, width) < 4:
        return 0
    size = (max(_HEIGHT_PX // 3, round(width * _HEIGHT_PX / height)), _HEIGHT_PX)
    enlarged = cv2.resize(luma, size, interpolation=cv2.INTER_LINEAR)
    return max(_alike(_blobs(enlarged)), _alike(_blobs(cv2.bitwise_not(enlarged))))


def _blobs(luma: Any) -> NDArray[np.int32]:
    """Boxes (N, 4) of dark blobs of the shape of a character that touch neither rim."""
    import cv2

    strokes = cv2.adaptiveThreshold(
        luma,
        255,
        cv2.ADAPTIVE_THRESH_MEAN_C,
        cv2.THRESH_BINARY_INV,
        _NEIGHBOURHOOD_PX,
        _LEAST_DEPTH,
    )
    _, _, found, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    _, top, width, height, area = found.T
    is_tall = (height >= _HEIGHT_PX // 5) & (height <= _HEIGHT_PX * 7 // 8)
    is_slim = (width >= 2) & (width <= 1.2 * height) & (area > 0.15 * width * height)
    is_inside = (top > 0) & (top + height < _HEIGHT_PX)
    return np.asarray(found[is_tall & is_slim & is_inside, :4], dtype=np.int32)


def _alike(boxes: NDArray[np.int32]) -> int:
    """Most boxes of about the height and the row of one of them."""
    heights, middles = boxes[:, 3], boxes[:, 1] + boxes[:, 3] / 2
    same_height = np.abs(heights[:, None] - heights) <= 0.25 * heights
    same_row = np.abs(middles[:, None] - middles) <= 0.3 * heights
    return int((same_height & same_row).sum(axis=0).max(initial=0))
