"""Follow a flow to where it leads, and read what is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError


def read_at_targets(
    field: NDArray[np.float32], flow: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A field at the target of every vector of a flow.

    Args:
        field: (2, H, W); NaN is unknown.
        flow: (2, H, W), pixels; NaN is unknown.

    Returns:
        Between the four pixels around the target (bilinear), and at the pixel nearest to it; both
        (2, H, W), NaN where the target is unknown or out of the frame, or what is read is unknown.

    Raises:
        ShapeError: the shapes differ.
    """
    import cv2

    if field.shape != flow.shape or flow.ndim != 3 or flow.shape[0] != 2:
        raise ShapeError(f"flows have shapes {field.shape}, {flow.shape}; expected (2, H, W)")
    _, height, width = flow.shape
    x = np.arange(width, dtype=np.float32) + flow[0]
    y = np.arange(height, dtype=np.float32)[:, np.newaxis] + flow[1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)  # False for NaN
    x, y = np.where(inside, x, np.float32(0)), np.where(inside, y, np.float32(0))
    between = np.stack(
        [cv2.remap(part, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for part in field]
    )
    nearest = field[:, np.rint(y).astype(np.intp), np.rint(x).astype(np.intp)]
    unknown = np.float32(np.nan)
    return np.where(inside, between, unknown), np.where(inside, nearest, unknown)
