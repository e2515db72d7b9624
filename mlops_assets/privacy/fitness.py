"""Whether a picture is one in which a detector could see: light, blur, compression, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_assets.privacy.regions import Picture

_SIDE_PX = 1280
_BLOCK_PX = 8
_SCHARR_SUM = 32  # Scharr's kernel gives 32 on a ramp of one level per pixel


@dataclass(frozen=True)
class Fitness:
    """What of a picture decides whether faces and plates can be seen in it.

    Args:
        brightness: luma that only a hundredth of the picture exceeds, 0 to 1.
        contrast: from the luma that a hundredth is below, up to `brightness`, 0 to 1.
        blur_px: pixels that the sharpest edges take to cross that contrast; the thousandth of all
            pixels with the steepest slopes decides. Infinite without contrast.
        blockiness: mean step of luma at the borders of 8x8 blocks over the mean step elsewhere;
            about 1 for an uncompressed picture, 2 for a JPEG of quality 10, 3 of quality 5.
        noise: standard deviation of noise over the contrast, by the median of the finest diagonal
            differences (Donoho and Johnstone 1994, doi:10.1093/biomet/81.3.425). Infinite without
            contrast.
    """

    brightness: float
    contrast: float
    blur_px: float
    blockiness: float
    noise: float


def measure_fitness(picture: Picture) -> Fitness:
    """Measure a picture.

    Args:
        picture: (H, W, 3), uint8, BGR; H and W at least 1.

    Returns:
        Its fitness. Of a picture of more than 1280 px a side, blur, blocks and noise are measured
        in the middle.
    """
    import cv2

    luma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    dark, bright = luma_levels(luma)
    middle = _middle(luma)
    return Fitness(
        brightness=bright / 255,
        contrast=(bright - dark) / 255,
        blur_px=_over(bright - dark, _steepest(middle)),
        blockiness=(_blockiness(middle) + _blockiness(middle.T)) / 2,
        noise=_over(_noise(middle), bright - dark),
    )


def luma_levels(luma: Picture) -> tuple[int, int]:
    """The luma that a hundredth of a picture is at or below, and that a hundredth exceeds.

    Args:
        luma: (H, W), uint8, not empty.
    """
    import cv2

    counts = cv2.calcHist([luma], [0], None, [256], [0, 256]).reshape(-1).cumsum()
    dark, bright = np.searchsorted(counts, (0.01 * counts[-1], 0.99 * counts[-1]))
    return int(dark), int(bright)


def _middle(luma: Picture) -> Picture:
    """The middle, cut at a multiple of 8, so that blocks stay where they were."""
    height, width = luma.shape
    top = max(0, height - _SIDE_PX) // 2 // _BLOCK_PX * _BLOCK_PX
    left = max(0, width - _SIDE_PX) // 2 // _BLOCK_PX * _BLOCK_PX
    return luma[top : top + _SIDE_PX, left : left + _SIDE_PX]


def _steepest(luma: Picture) -> float:
    """Slope that a thousandth of the pixels exceed, in levels of luma per pixel."""
    import cv2

    across, down = (cv2.Scharr(luma, cv2.CV_16S, *along) for along in ((1, 0), (0, 1)))
    slopes = cv2.max(
        cv2.convertScaleAbs(across, alpha=1 / 16), cv2.convertScaleAbs(down, alpha=1 / 16)
    )
    counts = cv2.calcHist([slopes], [0], None, [256], [0, 256]).reshape(-1).cumsum()
    return float(np.searchsorted(counts, 0.999 * counts[-1])) * 16 / _SCHARR_SUM


def _blockiness(luma: NDArray[np.uint8]) -> float:
    """Mean step between columns at the borders of blocks, over that elsewhere."""
    if luma.shape[1] <= 2 * _BLOCK_PX:
        return 1.0
    import cv2

    steps = cv2.absdiff(luma[:, 1:], luma[:, :-1]).mean(axis=0)
    at_borders = np.arange(1, luma.shape[1]) % _BLOCK_PX == 0
    return float(steps[at_borders].mean() / max(steps[~at_borders].mean(), 0.05))


def _noise(luma: Picture) -> float:
    rows, columns = luma.shape[0] // 2 * 2, luma.shape[1] // 2 * 2
    if not rows or not columns:
        return 0.0
    corners = [luma[i:rows:2, j:columns:2].astype(np.int16) for i in (0, 1) for j in (0, 1)]
    diagonal = np.abs(corners[0] - corners[1] - corners[2] + corners[3])
    return float(np.median(diagonal)) / 2 / 0.6745


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("inf")
