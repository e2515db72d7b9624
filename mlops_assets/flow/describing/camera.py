"""The part of a flow field that a moving camera explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STRIDE_PX = 8
_INLIER_PX = 1.0
_INLIER_DIAGONALS = 1 / 500
_FEWEST_POINTS = 3


@dataclass(frozen=True)
class CameraMotion:
    """The similarity (shift, zoom, rotation about the centre) most of the picture follows.

    Motion of the picture content, not of the camera: panning left moves content right.

    Attributes:
        dx_px: shift of the centre to the right, pixels.
        dy_px: shift of the centre down, pixels.
        zoom: growth, > 0; 1 is none.
        rotation_deg: clockwise as seen, -180 to 180.
        inliers: share of grid points that follow it, 0-1: within 1 px, or 1/500 of the diagonal
            where that is more, so that the judgement does not harden with resolution.
        residual_px: mean distance of all grid points from it: what moved otherwise.
    """

    dx_px: float
    dy_px: float
    zoom: float
    rotation_deg: float
    inliers: float
    residual_px: float


def camera_motion(flow: NDArray[np.float32]) -> CameraMotion | None:
    """Fit a similarity to the flow on a grid of every 8th pixel (closer in pictures under 64 px).

    RANSAC with OpenCV's own fixed seed, so the same field gives the same answer.

    Args:
        flow: (2, H, W), pixels; NaN is unknown and left out.

    Returns:
        The motion; None when fewer than 3 vectors are known, no similarity fits, or all of the
        picture falls into one point.

    Reference: Fischler and Bolles 1981; OpenCV `estimateAffinePartial2D`.
    """
    import cv2

    start, shift = _grid(flow)
    if len(start) < _FEWEST_POINTS:
        return None
    near_px = max(_INLIER_PX, _INLIER_DIAGONALS * math.hypot(*flow.shape[1:]))
    matrix, _ = cv2.estimateAffinePartial2D(
        start, start + shift, method=cv2.RANSAC, ransacReprojThreshold=near_px, maxIters=500
    )
    if matrix is None or not np.isfinite(matrix).all():
        return None
    zoom = math.hypot(matrix[0, 0], matrix[1, 0])
    if zoom == 0:
        return None
    left = start + shift - (start @ matrix[:, :2].T + matrix[:, 2])
    distance = np.hypot(left[:, 0], left[:, 1])
    return CameraMotion(
        dx_px=float(matrix[0, 2]),
        dy_px=float(matrix[1, 2]),
        zoom=zoom,
        rotation_deg=math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])),
        inliers=float((distance < near_px).mean()),
        residual_px=float(distance.mean()),
    )


def _grid(flow: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Known grid points (n, 2) as (x, y) from the centre, and their flow (n, 2)."""
    _, height, width = flow.shape
    stride = max(1, min(_STRIDE_PX, min(height, width) // _STRIDE_PX))
    rows = np.arange(stride // 2, height, stride)
    columns = np.arange(stride // 2, width, stride)
    y, x = np.meshgrid(rows - (height - 1) / 2, columns - (width - 1) / 2, indexing="ij")
    shift = flow[:, rows[:, np.newaxis], columns].reshape(2, -1).T.astype(np.float64)
    known = np.isfinite(shift).all(axis=1)
    return np.stack([x.ravel(), y.ravel()], axis=1)[known], shift[known]
