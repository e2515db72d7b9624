"""Arithmetic of scored boxes: rows of left, top, right, bottom and score, in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


def squared(boxes: Boxes) -> Boxes:
    """Boxes grown to squares about the same centres; (N, 5) as given, N = 0 included."""
    sides = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, initial=0)[:, None]
    corners = (boxes[:, :2] + boxes[:, 2:4] - sides) / 2
    return np.hstack([corners, corners + sides, boxes[:, 4:]])


def touching(boxes: Boxes, width_px: int, height_px: int) -> Boxes:
    """Those boxes, in order, of which at least a pixel is within a picture."""
    left, top, right, bottom = np.rint(boxes[:, :4]).T
    across = np.minimum(right, width_px) > np.maximum(left, 0)
    down = np.minimum(bottom, height_px) > np.maximum(top, 0)
    return boxes[across & down]


def strongest(boxes: Boxes, *, overlap: float, most: int = 0) -> Boxes:
    """Drop what overlaps a box of a higher score.

    Args:
        boxes: (N, 5).
        overlap: intersection over union from which the weaker box goes, 0 to 1.
        most: keep no more than these; 0 for no bound.

    Returns:
        (M, 5), by falling score.
    """
    import cv2

    if not len(boxes):
        return boxes
    rectangles = np.hstack([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]])
    scores = [float(score) for score in boxes[:, 4]]
    kept = cv2.dnn.NMSBoxes(rectangles.tolist(), scores, 0.0, overlap, top_k=most)
    return boxes[np.asarray(kept, dtype=np.intp)]


def without_nested(boxes: Boxes, *, overlap: float) -> Boxes:
    """Drop what lies mostly inside a box of a higher score, or around one.

    Args:
        boxes: (N, 5).
        overlap: share of the smaller box from which the weaker of two goes, 0 to 1.

    Returns:
        (M, 5), by falling score.
    """
    left = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept: list[NDArray[Any]] = []
    while len(left):
        kept.append(left[0])
        left = left[1:][_shared(left[0], left[1:]) <= overlap]
    return np.stack(kept) if kept else boxes


def clipped(box: NDArray[Any], width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """A box as left, top, width, height in whole pixels, within a picture.

    Returns:
        Width or height is 0 for a box outside it.
    """
    left, right = (min(max(round(float(edge)), 0), width_px) for edge in (box[0], box[2]))
    top, bottom = (min(max(round(float(edge)), 0), height_px) for edge in (box[1], box[3]))
    return left, top, right - left, bottom - top


def _shared(box: NDArray[Any], others: Boxes) -> NDArray[Any]:
    """Intersection with each other box, as a share of the smaller of the two."""
    sides = np.minimum(box[2:4], others[:, 2:4]) - np.maximum(box[:2], others[:, :2])
    areas = np.minimum(_area(box), _area(others))
    return np.prod(np.clip(sides, 0, None), axis=1) / np.maximum(areas, 1e-6)


def _area(boxes: NDArray[Any]) -> NDArray[Any]:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
