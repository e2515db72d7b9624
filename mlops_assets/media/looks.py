"""Looks: tiny versions of pictures and their hashes, by which near duplicates are found later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlops_assets.media.events import Looks
from mlops_assets.media.pictures import Picture
from mlops_assets.media.shots import mean_difference

LOOK_SIDE_PX = 32
LOOK_EVERY_S = Fraction(1, 4)
LOOKS_MAX = 16_384
INNER_CROP = 0.05

_HASH_SIDE = 8
_DETAIL_MIN = 3.0
_NEW_LEVELS = 8.0
_BATCH = 32


def look_at(bgr: Picture) -> Picture:
    """A picture of any size or aspect as a (32, 32) uint8 square of luma (BT.601), area averaged.

    Args:
        bgr: (H, W, 3), uint8, upright; or (H, W), its luma.
    """
    import cv2

    luma = bgr if bgr.ndim == 2 else cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    side = (LOOK_SIDE_PX, LOOK_SIDE_PX)
    return np.asarray(cv2.resize(luma, side, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def hash_looks(looks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Two 64-bit perceptual hashes of each look: of all of it, and without 5 % at its border.

    A bit says whether one of the 8x8 lowest DCT frequencies lies above their median; the mean is
    left out. By the second hash a picture meets one that was cropped, from which it is the first.

    Args:
        looks: (n, 32, 32), uint8, as from `look_at`.

    Returns:
        (n, 2), int64, the bits of an unsigned number; both are 0, which no hash is, for a look that
        says nothing: one colour, or hardly more than a slope of brightness, see `detail`.

    Reference: N. Krawetz, "Looks Like It" (2011), with the crop done in the frequency transform.
    """
    if not len(looks):
        return np.zeros((0, 2), np.int64)
    values = looks.astype(np.float64)
    hashes = np.stack([_bits(one @ values @ one.T) for one in _transforms()], axis=1)
    hashes[detail(values) < _DETAIL_MIN] = 0
    return hashes


def detail(looks: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much there is in looks beside a slope or a bow of brightness: RMS, in gray levels.

    Args:
        looks: (n, 32, 32), gray levels.

    Returns:
        (n,), what is left of each after the best polynomial of the second degree.
    """
    flat = looks.reshape(-1, LOOK_SIDE_PX**2)
    smooth = flat @ _smooth_fields()
    left = (flat**2).sum(axis=1) - (smooth**2).sum(axis=1)
    return np.sqrt(np.maximum(left, 0)) / LOOK_SIDE_PX


@lru_cache(maxsize=1)
def _smooth_fields() -> NDArray[np.float64]:
    """(1024, 6): orthonormal polynomials of the second degree over a look."""
    axis = np.linspace(-1, 1, LOOK_SIDE_PX)
    down, across = (field.ravel() for field in np.meshgrid(axis, axis, indexing="ij"))
    terms = [np.ones_like(down), down, across, down * across, down**2, across**2]
    return np.linalg.qr(np.stack(terms, axis=1))[0]


def _bits(coefficients: NDArray[np.float64]) -> NDArray[np.int64]:
    flat = coefficients.reshape(len(coefficients), _HASH_SIDE**2)
    bits = flat > np.median(flat[:, 1:], axis=1, keepdims=True)
    bits[:, 0] = False
    return np.packbits(bits, axis=1).view(">i8")[:, 0].astype(np.int64)


@lru_cache(maxsize=1)
def _transforms() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(8, 32) each: the low frequencies of a row, and of the row without its ends."""
    side = np.arange(LOOK_SIDE_PX)
    waves = np.cos(np.pi * np.outer(np.arange(_HASH_SIDE), 2 * side + 1) / (2 * LOOK_SIDE_PX))
    waves *= np.sqrt(2 / LOOK_SIDE_PX)
    waves[0] /= np.sqrt(2)
    inner = waves @ window_average(INNER_CROP / 2, 1 - INNER_CROP / 2, LOOK_SIDE_PX)
    return waves, inner


def window_average(start: float, end: float, count: int) -> NDArray[np.float64]:
    """What averages the part of a row of 32 values between two shares of it into `count` cells.

    Args:
        start: 0 to 1.
        end: > `start`, at most 1.
        count: cells, >= 1.

    Returns:
        (count, 32), float64, rows that sum to 1.
    """
    edges = LOOK_SIDE_PX * np.linspace(start, end, count + 1)
    cells = np.arange(LOOK_SIDE_PX)
    low = np.maximum(edges[:-1, None], cells)
    high = np.minimum(edges[1:, None], cells + 1)
    covered = np.maximum(high - low, 0)
    return covered / covered.sum(axis=1, keepdims=True)


@dataclass(slots=True)
class LookRecorder:
    """Keeps a look every quarter of a second, more where much changes, never more than 16384.

    When there are that many, every second is dropped, the distance doubles, and from then on time
    alone counts: a video of 68 minutes keeps 4 a second, one of a day one in 8 s, in 16 MB.
    """

    every: Fraction = LOOK_EVERY_S
    most: int = LOOKS_MAX
    _due: Fraction = Fraction(0)
    _last: Picture | None = None
    _times: list[Fraction] = field(default_factory=list)
    _pictures: bytearray = field(default_factory=bytearray)

    def offer(
        self, bgr: Picture, time: Fraction, *, upright: Callable[[Picture], Picture] | None = None
    ) -> None:
        """Take the look at a picture if it is time, or if the last one differs much.

        Args:
            bgr: the small picture, of one shape throughout; see `look_at`.
            time: seconds since the first frame, increasing.
            upright: turns the look, where the picture lies on its side.
        """
        if time < self._due and not self._is_new(bgr):
            return
        if len(self._times) >= self.most:
            self._times = self._times[::2]
            self._pictures = bytearray(_as_looks(self._pictures)[::2].tobytes())
            self.every *= 2
        look = look_at(bgr)
        self._times.append(time)
        self._pictures += (look if upright is None else upright(look)).tobytes()
        self._last = bgr
        self._due = (time // self.every + 1) * self.every

    def _is_new(self, bgr: Picture) -> bool:
        if self._last is None or self.every > LOOK_EVERY_S:
            return False
        return mean_difference(bgr, self._last) >= _NEW_LEVELS

    def looks(self) -> Looks:
        """What was kept."""
        pictures = _as_looks(self._pictures)
        parts = range(0, len(pictures), _BATCH)
        hashes = [hash_looks(pictures[start : start + _BATCH]) for start in parts]
        both = np.concatenate([np.zeros((0, 2), np.int64), *hashes])
        return Looks(
            times_s=tuple(map(float, self._times)),
            hashes=tuple(both[:, 0].tolist()),
            inner_hashes=tuple(both[:, 1].tolist()),
            pictures=bytes(self._pictures),
        )


def _as_looks(pictures: bytearray) -> NDArray[np.uint8]:
    return np.frombuffer(pictures, np.uint8).reshape(-1, LOOK_SIDE_PX, LOOK_SIDE_PX)
