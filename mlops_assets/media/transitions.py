"""Gradual shot changes: dissolves, and fades through a flat colour, from small frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mlops_assets.media.pictures import Picture

_WIDTH_PX, _HEIGHT_PX = 32, 18
_LOOKS = 34  # what is kept: 2.3 s at 15 looks a second
_SHORTEST = 4
_START_STEP = 2
_SETTLED = 2  # looks after the last picture of a dissolve
_CHANGE = 14.0
_RESIDUAL = 0.12
_LARGEST_RESIDUAL = 0.24
_REST = 0.15
_LARGEST_STEP = 0.55
_STEP_BACK = -0.08
_LIKENESS = 0.5
_SPREAD = 0.45
_FLAT = 6.0
_VISIBLE = 8.0

Gray = NDArray[np.float32]


@dataclass(slots=True)
class BlendDetector:
    """Finds gradual shot changes among looks at a video, about 15 a second.

    A *dissolve* is a stretch of 0.3 to 2 s whose pictures are blends (1 - a) A + a B of its ends
    with a rising from 0 to 1: what is left unexplained is below 12 % of the squared change, nothing
    moves before and after but little, and A and B are different pictures all over. A pan leaves
    more unexplained; a change of light keeps the structure of the picture; a title changes a part.
    A *fade* is a flat picture between two that are unlike each other.

    Thresholds were chosen on dissolves and fades between stretches of real footage.

    Reference: the production model of Hampapur et al. 1995, doi:10.1007/BF01261224, tested on
    pictures instead of their means.
    """

    _seen: list[Gray] = field(default_factory=list)
    _before_flat: Gray | None = None

    def ends_at(self, thumbnail: Picture) -> bool:
        """Take the next look; whether a gradual change has just come to its end.

        Args:
            thumbnail: (h, w, 3) uint8, the same shape every time.

        Returns:
            True at most once per change: for a dissolve two looks after its last picture, for a
            fade when the new picture becomes visible.
        """
        look = _gray(thumbnail)
        self._seen = [*self._seen[1 - _LOOKS :], look]
        if _contrast(look) < _FLAT:
            self._enter_flat()
            return False
        if self._before_flat is not None:
            return _contrast(look) >= _VISIBLE and self._leave_flat(look)
        is_over = self._has_settled() and _ends_dissolve(np.stack(self._seen))
        if is_over:
            self.forget()
        return is_over

    def forget(self) -> None:
        """Begin anew with the last look: a shot change was found otherwise."""
        self._seen, self._before_flat = self._seen[-1:], None

    def _has_settled(self) -> bool:
        """Whether the last looks are alike and some look before was another picture."""
        if len(self._seen) <= _SHORTEST + _SETTLED:
            return False
        end = self._seen[-1 - _SETTLED]
        earlier = self._seen[: -_SHORTEST - _SETTLED : _SHORTEST]
        change = max(_distance(one, end) for one in earlier)
        return change > _CHANGE and _distance(self._seen[-1], end) < _REST**0.5 * change

    def _enter_flat(self) -> None:
        if self._before_flat is None and len(self._seen) > 1:
            richest = max(self._seen, key=_contrast)
            self._before_flat = richest if _contrast(richest) >= _VISIBLE else None

    def _leave_flat(self, look: Gray) -> bool:
        before = self._before_flat
        self.forget()
        return before is not None and _likeness(before, look) < _LIKENESS


def _gray(thumbnail: Picture) -> Gray:
    import cv2

    gray = cv2.cvtColor(thumbnail, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(gray, (_WIDTH_PX, _HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).ravel()


def _ends_dissolve(looks: Gray) -> bool:
    """Whether some stretch that ends at the settled look is a blend of its ends. (n, p)."""
    last = len(looks) - 1 - _SETTLED
    end = looks[last]
    changes = ((looks - end) ** 2).mean(axis=1)
    if _contrast(end) < _FLAT or changes[: last - _SHORTEST + 1].max(initial=0) < _CHANGE**2:
        return False
    rest = changes[last + 1 :].max()
    wide_enough = changes[: last - _SHORTEST + 1] > max(_CHANGE**2, rest / _REST)
    starts = np.flatnonzero(wide_enough)[::-_START_STEP]
    return any(_is_blend(looks, int(first), last) for first in starts)


def _is_blend(looks: Gray, first: int, last: int) -> bool:
    start, end = looks[first], looks[last]
    change = end - start
    size = float(change @ change)
    _, halfway = _explained(looks[(first + last) // 2, np.newaxis] - start, change, size)
    if halfway[0] > _LARGEST_RESIDUAL or _contrast(start) < _FLAT:
        return False
    head = looks[max(0, first - 2) : first] - start
    is_everywhere = float(np.abs(change).sum()) ** 2 > _SPREAD * size * change.size
    if (head**2).sum(axis=1).max(initial=0) > _REST * size or not is_everywhere:
        return False
    shares, residuals = _explained(looks[first + 1 : last] - start, change, size)
    if residuals.max() > _LARGEST_RESIDUAL or residuals.mean() > _RESIDUAL:
        return False
    steps = np.diff([0, *shares, 1])
    rises = steps.max() < _LARGEST_STEP and steps.min() > _STEP_BACK
    return bool(rises) and _likeness(start, end) < _LIKENESS


def _explained(looks: Gray, change: Gray, size: float) -> tuple[Gray, Gray]:
    """How much of the change each look (n, p) has made, and the share it leaves unexplained."""
    shares = looks @ change / size
    return shares, (looks**2).sum(axis=1) / size - shares**2


def _contrast(look: Gray) -> float:
    """Standard deviation, gray levels."""
    return float(look.std())


def _distance(first: Gray, second: Gray) -> float:
    """Root mean square difference, gray levels."""
    import cv2

    return cv2.norm(first, second, cv2.NORM_L2) / first.size**0.5


def _likeness(first: Gray, second: Gray) -> float:
    """Correlation of two pictures that are not flat, -1 to 1."""
    return float(np.corrcoef(first, second)[0, 1])
