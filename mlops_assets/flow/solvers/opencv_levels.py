"""Pyramids of pictures for what is built on OpenCV, and flow carried between their levels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Field = NDArray[np.float32]
Levels = list[Picture]

_PIXEL_SIGMA_PX = 0.6
_SMALLEST_SIDE_PX = 16


def picture_levels(frame: NDArray[np.uint8], *, ratio: float) -> Levels:
    """The pyramid of a frame, full size first.

    Args:
        frame: gray (H, W).
        ratio: size of a level over that of the next larger one.

    Returns:
        float32 (h, w), gray levels 0 to 255, slightly smoothed. Level k is `ratio**k` of full size;
        sides are 16 or more, but for level 0.
    """
    import cv2

    sigma_px = _PIXEL_SIGMA_PX * math.sqrt(1 / ratio**2 - 1)
    levels = [cv2.GaussianBlur(frame.astype(np.float32), (0, 0), _PIXEL_SIGMA_PX)]
    while True:
        scale = ratio ** len(levels)
        height, width = (math.floor(side * scale + 0.5) for side in frame.shape)
        if min(height, width) < _SMALLEST_SIDE_PX:
            return [np.asarray(level, np.float32) for level in levels]
        levels.append(cv2.resize(cv2.GaussianBlur(levels[-1], (0, 0), sigma_px), (width, height)))


def level_near(side_px: int, sizes: Sequence[tuple[int, ...]]) -> int:
    """The level whose mean side is nearest in ratio.

    Args:
        side_px: geometric mean of height and width wanted.
        sizes: (height, width) of each level.
    """
    return min(
        range(len(sizes)), key=lambda level: abs(math.log(math.prod(sizes[level]) / side_px**2))
    )


def enlarged(flow: Field, size: tuple[int, ...]) -> Field:
    """Flow on pictures of another size: vectors grow with them.

    Args:
        flow: (2, h, w), pixels.
        size: (height, width).

    Returns:
        (2, height, width), bilinear; the argument itself when it has that size.
    """
    import cv2

    if flow.shape[1:] == size:
        return flow
    out = np.empty((2, *size), dtype=np.float32)
    for component, side in enumerate((1, 0)):
        cv2.resize(flow[component], size[::-1], out[component])
        out[component] *= np.float32(size[side] / flow.shape[1 + side])
    return out
