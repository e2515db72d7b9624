"""How a picture looks: light, contrast, sharpness, clipping, grain, blocks, a perceptual hash."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlops_assets.media.events import PictureQuality
from mlops_assets.media.pictures import Picture

SHARPNESS_WIDTH_PX = 320
DARK_LUMA, BRIGHT_LUMA = 5, 250
MEASURES = (
    *("brightness", "contrast", "sharpness", "clipped_dark", "clipped_bright"),
    *("noise", "blockiness"),
)
"""The fields of `PictureQuality` that are quantities."""

_MOST_KEPT = 4_096
_HASH_SIDE = 8
_HASH_PICTURE_SIDE = 32
_GRAIN_SIDE_PX, _BLOCKS_SIDE_PX = 256, 384  # of the middle, looked at in full size
_GRAIN_TILE_PX = 16
_GRAIN_QUANTILE = 0.25
_GRAIN_SCALE = 1.065 * np.sqrt(np.pi / 2) / 6  # 1.065: what a lower quartile takes away
_PERIODS_PX = np.concatenate([[8.0], np.geomspace(5, 20, 160)])
_SPECTRUM = 2048
_SURROUNDINGS_PX = 25


def measure_quality(bgr: Picture) -> PictureQuality:
    """Measure a picture.

    Grain and blocks are looked for in its middle, clipping in some of its pixels, the rest on one
    reduced luma plane.

    Args:
        bgr: (H, W, 3), uint8, upright, in OpenCV's channel order.

    Returns:
        The measures and the perceptual hash. A picture of one colour has contrast, sharpness,
        noise and blockiness 0.
    """
    import cv2

    luma = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    small, some = _reduced(luma), _thinned(luma)
    mean, deviation = cv2.meanStdDev(small)
    _, edges = cv2.meanStdDev(cv2.Laplacian(small, cv2.CV_16S, ksize=1))
    return PictureQuality(
        brightness=float(mean[0, 0]) / 255,
        contrast=float(deviation[0, 0]) / 255,
        sharpness=float(edges[0, 0]) ** 2,
        clipped_dark=float(np.count_nonzero(some <= DARK_LUMA)) / some.size,
        clipped_bright=float(np.count_nonzero(some >= BRIGHT_LUMA)) / some.size,
        noise=noise_level(_middle(luma, _GRAIN_SIDE_PX)),
        blockiness=block_edges(_middle(luma, _BLOCKS_SIDE_PX)),
        phash=perceptual_hash(small),
    )


class TypicalQuality:
    """Median of each measure over the pictures of a file, told from at most 4,096 of them.

    Pictures are given in order of time; of more than that, those kept are spread evenly.
    """

    def __init__(self) -> None:
        self._kept: list[PictureQuality] = []
        self._seen, self._every = 0, 1

    def see(self, quality: PictureQuality) -> None:
        """Take in one more picture."""
        if self._seen % self._every == 0:
            self._kept.append(quality)
        if len(self._kept) > _MOST_KEPT:
            self._kept, self._every = self._kept[::2], 2 * self._every
        self._seen += 1

    def medians(self) -> dict[str, float | None]:
        """Value by name, in the order of `MEASURES`; None where no picture was seen."""
        values = np.array([[getattr(one, name) for name in MEASURES] for one in self._kept])
        medians = np.median(values, axis=0).tolist() if self._kept else [None] * len(MEASURES)
        return dict(zip(MEASURES, medians, strict=True))


def reduced_luma(bgr: Picture) -> Picture:
    """Luma of a picture, reduced by area averaging to at most 320 px wide.

    Args:
        bgr: (H, W, 3), uint8.

    Returns:
        (h, w), uint8, BT.601 weights.
    """
    import cv2

    return _reduced(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), dtype=np.uint8))


def _reduced(luma: Picture) -> Picture:
    """Halving first is the same average, and OpenCV is 15 times as fast at it."""
    import cv2

    height, width = luma.shape
    target = min(width, SHARPNESS_WIDTH_PX)
    target_height = max(1, round(height * target / width))
    while luma.shape[1] >= 2 * target and luma.shape[0] >= 2 * target_height:
        half = (luma.shape[1] // 2, luma.shape[0] // 2)
        luma = np.asarray(cv2.resize(luma, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if luma.shape[1] > target:
        size = (target, target_height)
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return luma


def _thinned(luma: Picture) -> Picture:
    """Some of the pixels as they are: an average of black and white ones is neither."""
    every = max(1, luma.shape[1] // SHARPNESS_WIDTH_PX)
    return luma[::every, ::every]


def _middle(luma: Picture, side_px: int) -> Picture:
    top, left = (max(0, (side - side_px) // 2) for side in luma.shape)
    return luma[top : top + side_px, left : left + side_px]


def noise_level(luma: Picture) -> float:
    """Standard deviation of white noise in a picture, told from where there is least texture.

    A filter that is blind to slopes and straight edges is averaged over tiles of 16 px, as far as
    they are neither black nor white; the lower quartile of the tiles counts. Fine texture
    without any calm place is taken for noise.

    Args:
        luma: (H, W), uint8, at full size: reducing a picture removes its noise.

    Returns:
        Gray levels, >= 0; 0 for a picture with a side below 16 px, or all black or white.

    Reference: Immerkaer 1996, "Fast noise variance estimation", doi:10.1006/cviu.1996.0060, on the
    whole picture; tiles with little texture as in Liu, Tanaka and Okutomi 2013,
    doi:10.1109/TIP.2013.2283400.
    """
    import cv2

    height, width = (side // _GRAIN_TILE_PX for side in luma.shape)
    if not height or not width:
        return 0.0
    whole = luma[: height * _GRAIN_TILE_PX, : width * _GRAIN_TILE_PX]
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(whole, cv2.CV_16S, kernel))
    tiles = (width, height)
    levels = np.asarray(cv2.resize(response, tiles, interpolation=cv2.INTER_AREA))
    light = np.asarray(cv2.resize(whole, tiles, interpolation=cv2.INTER_AREA))
    told = levels[(light > DARK_LUMA) & (light < BRIGHT_LUMA)]
    if not told.size:
        return 0.0
    calm = int(_GRAIN_QUANTILE * (told.size - 1))
    return float(_GRAIN_SCALE * np.partition(told, calm)[calm])


def block_edges(luma: Picture) -> float:
    """How far the blocks of a codec stand out, also after the picture was resized.

    Steps between neighbouring columns, and rows, are averaged, set against their surroundings and
    taken to frequencies; a grid of period p shows at 1/p, 2/p, ... on both axes. The period that
    stands out most is taken, from 5 px (blocks of 8 reduced) to 20 px (enlarged).

    Args:
        luma: (H, W), uint8.

    Returns:
        Excess of the steps on the grid over those beside it, >= 0; 0 with a side below 64 px.
        Regular patterns on both axes, such as lines of text, may come to 0.6.

    Reference: Wang, Bovik and Evans 2000, "Blind measurement of blocking artifacts in images",
    doi:10.1109/ICIP.2000.899622, for the spectrum of steps and its harmonics at 1/8 to 4/8.
    """
    import cv2

    if min(luma.shape) < 64:
        return 0.0
    across = cv2.reduce(cv2.absdiff(luma[:, 1:], luma[:, :-1]), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    down = cv2.reduce(cv2.absdiff(luma[1:], luma[:-1]), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    spectra = np.stack(
        [_spectrum(np.asarray(one, dtype=np.float32).ravel()) for one in (across, down)]
    )
    beside = np.median(spectra.max(axis=0))
    places, weights = _harmonics()
    on_grid = np.exp((np.log(spectra.min(axis=0)[places] + 1e-6) * weights).sum(axis=1))
    return float((_PERIODS_PX * np.maximum(on_grid - beside, 0)).max())


def _spectrum(steps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Amplitudes of steps relative to their surroundings, at k / 2048 a pixel."""
    import cv2

    usual = np.asarray(cv2.blur(steps.reshape(1, -1), (_SURROUNDINGS_PX, 1))).ravel()
    excess = np.clip(steps / (usual + 0.5) - 1, -1, 3)
    windowed = (excess - excess.mean()) * _window(excess.size)
    return np.abs(np.fft.rfft(windowed, _SPECTRUM)) / (excess.size / 2)


@lru_cache(maxsize=8)
def _window(size: int) -> NDArray[np.float64]:
    return np.hanning(size)


@lru_cache(maxsize=1)
def _harmonics() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where the harmonics of each period lie, at most four, and their weights in the mean."""
    orders = np.arange(1, 5)
    exists = orders <= _PERIODS_PX[:, None] / 2 + 1e-9
    places = np.rint(_SPECTRUM * orders / _PERIODS_PX[:, None]).astype(np.int64)
    return np.where(exists, places, 0), exists / exists.sum(axis=1, keepdims=True)


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
