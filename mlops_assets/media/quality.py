"""How a picture looks: brightness, contrast, sharpness and a perceptual hash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlops_assets.media.events import PictureQuality
from mlops_assets.media.pictures import Picture

SHARPNESS_WIDTH_PX = 320
_HASH_SIDE = 8
_HASH_PICTURE_SIDE = 32


def measure_quality(bgr: Picture) -> PictureQuality:
    """Measure a picture on one reduced luma plane.

    Args:
        bgr: (H, W, 3), uint8, upright, in OpenCV's channel order.

    Returns:
        Brightness, contrast, sharpness and perceptual hash; a picture of one colour has contrast
        and sharpness 0.
    """
    import cv2

    luma = reduced_luma(bgr)
    mean, deviation = cv2.meanStdDev(luma)
    _, edges = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S, ksize=1))
    return PictureQuality(
        brightness=float(mean[0, 0]) / 255,
        contrast=float(deviation[0, 0]) / 255,
        sharpness=float(edges[0, 0]) ** 2,
        phash=perceptual_hash(luma),
    )


def reduced_luma(bgr: Picture) -> Picture:
    """Luma of a picture, reduced by area averaging to at most 320 px wide.

    Halving first is the same average, and OpenCV is 15 times as fast at it.

    Args:
        bgr: (H, W, 3), uint8.

    Returns:
        (h, w), uint8, BT.601 weights.
    """
    import cv2

    luma = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    height, width = luma.shape
    target = min(width, SHARPNESS_WIDTH_PX)
    target_height = max(1, round(height * target / width))
    while luma.shape[1] >= 2 * target and luma.shape[0] >= 2 * target_height:
        half = (luma.shape[1] // 2, luma.shape[0] // 2)
        luma = cv2.resize(luma, half, interpolation=cv2.INTER_AREA)
    if luma.shape[1] > target:
        luma = cv2.resize(luma, (target, target_height), interpolation=cv2.INTER_AREA)
    return np.asarray(luma, dtype=np.uint8)


def perceptual_hash(luma: Picture) -> int:
    """64-bit perceptual hash: which low DCT frequencies lie above their median.

    Args:
        luma: (H, W), uint8.

    Returns:
        Unsigned 64-bit integer; the most significant bit is the lowest frequency, row by row, as
        in the hexadecimal form of ImageHash's `phash`.

    Reference: N. Krawetz, "Looks Like It" (2011), as implemented by ImageHash 4.3 `phash`.
    """
    import cv2

    side = (_HASH_PICTURE_SIDE, _HASH_PICTURE_SIDE)
    small = cv2.resize(luma, side, interpolation=cv2.INTER_AREA)
    return hash_of_coefficients(np.asarray(cv2.dct(small.astype(np.float64)), dtype=np.float64))


def hash_of_coefficients(coefficients: NDArray[np.float64]) -> int:
    """Bits of the 8x8 lowest of orthonormal DCT coefficients, above their median or not."""
    # ImageHash's transform is not orthonormal: its first row and column weigh sqrt(2) more.
    low = coefficients[:_HASH_SIDE, :_HASH_SIDE].copy()
    low[0, :] *= np.sqrt(2)
    low[:, 0] *= np.sqrt(2)
    low = np.round(low, 6)  # a flat picture has no frequencies, only rounding noise
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")
