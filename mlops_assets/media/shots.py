"""What a small version of every frame tells: cuts, colour, change, black and frozen stretches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from mlops_assets.media.pictures import Picture

if TYPE_CHECKING:
    from scenedetect.detectors import ContentDetector

_CUT_THRESHOLD = 27.0
_SAME_CONTENT = 6.0
_BLACK_LEVEL = 25
_BLACK_SHARE = 0.98
_FROZEN_LEVEL = 0.255
_FROZEN_MIN_S = Fraction(1, 2)


def mean_difference(first: Picture, second: Picture) -> float:
    """Mean absolute difference of two pictures of one shape, 0 to 255."""
    import cv2

    return cv2.norm(first, second, cv2.NORM_L1) / first.size


@dataclass(slots=True)
class CutDetector:
    """Finds hard cuts with PySceneDetect's `ContentDetector` on small frames.

    Two steps, since looking closely at every frame would cost more than it finds: `may_hold_cut`
    compares frames some way apart, and only where it says yes `find_cut` compares each frame with
    the one before it. Both score the change of hue, saturation and value against the detector's
    default threshold of 27. Fast motion fails the second test, a cut passes both.
    """

    _detector: ContentDetector | None = None
    _given: Picture | None = None

    def may_hold_cut(self, thumbnail: Picture) -> bool:
        """Whether much has changed since the picture last compared.

        A picture that hardly differs from it (mean absolute difference below 6 of 255) is not
        compared at all; small differences add up until they are.

        Args:
            thumbnail: (h, w, 3), uint8, BGR, the same shape every time.
        """
        given = self._given
        if given is not None and mean_difference(thumbnail, given) < _SAME_CONTENT:
            return False
        self._given = thumbnail
        if self._detector is None:
            self._detector = _content_detector()
        return _is_above(self._detector, thumbnail)

    def find_cut(self, thumbnails: Sequence[Picture]) -> int | None:
        """Position of the first picture that differs as a cut does from the one before it.

        Args:
            thumbnails: consecutive small frames, (h, w, 3) uint8 BGR, at least one.

        Returns:
            Position >= 1, or `None`: the change came gradually.
        """
        detector = _content_detector()
        positions = range(len(thumbnails))
        cuts = (at for at in positions if _is_above(detector, thumbnails[at]))
        return next((at for at in cuts if _differ(thumbnails[at - 1], thumbnails[at])), None)


def _differ(first: Picture, second: Picture) -> bool:
    """Whether there is more to it than the hue of near-black pictures, which is noise."""
    return mean_difference(first, second) >= _SAME_CONTENT


def _content_detector() -> ContentDetector:
    from scenedetect.detectors import ContentDetector

    return ContentDetector(threshold=_CUT_THRESHOLD, min_scene_len=0)


def _is_above(detector: ContentDetector, thumbnail: Picture) -> bool:
    from scenedetect.common import FrameTimecode

    # without a least scene length the time is only handed back
    return bool(detector.process_frame(FrameTimecode(0, fps=25.0), thumbnail))


@dataclass(slots=True)
class ShotSummary:
    """The mean colour of a shot, and how fast its picture changes.

    Args:
        time_base: seconds per tick.
    """

    time_base: Fraction
    looks: int = 0
    changed: float = 0.0
    watched_ticks: int = 0
    _sums: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _last: tuple[Picture, int] | None = None

    def see(self, thumbnail: Picture, ticks: int) -> None:
        """Take the next look: (h, w, 3) uint8 BGR, the same shape every time, and its time."""
        import cv2

        blue, green, red, _ = cv2.mean(thumbnail)
        self._sums = (self._sums[0] + red, self._sums[1] + green, self._sums[2] + blue)
        self.looks += 1
        if self._last is not None:
            before, then = self._last
            self.changed += mean_difference(thumbnail, before)
            self.watched_ticks += ticks - then
        self._last = thumbnail, ticks

    @property
    def mean_rgb(self) -> tuple[float, float, float]:
        """Red, green and blue, 0 to 255; black when nothing was seen."""
        red, green, blue = (total / max(1, self.looks) for total in self._sums)
        return red, green, blue

    @property
    def change_per_s(self) -> float | None:
        """Gray levels a second; `None` for less than two looks."""
        if not self.watched_ticks:
            return None
        return self.changed / float(self.watched_ticks * self.time_base)


@dataclass(slots=True)
class StillnessMeter:
    """Adds up how long the picture was black, and how long nothing moved.

    Thresholds are those of FFmpeg's `blackdetect` (98 % of pixels below 10 %) and `freezedetect`
    (-60 dB against the first frame of the stretch), on the small frames; a stretch counts as
    frozen from half a second on.

    Args:
        time_base: seconds per tick.
    """

    time_base: Fraction
    black_ticks: int = 0
    frozen_ticks: int = 0
    _reference: Picture | None = None
    _since: int = 0
    _last: int = 0
    _held: int = 0
    _was_black: bool = False

    def see(self, thumbnail: Picture, ticks: int) -> None:
        """Take the next frame: (h, w, 3) uint8, the same shape every time, and its time."""
        self._advance(ticks)
        self._was_black = is_black(thumbnail)
        reference = self._reference
        if reference is not None and mean_difference(thumbnail, reference) <= _FROZEN_LEVEL:
            self._held += 1
            return
        self._end_stretch(ticks)
        self._reference, self._since, self._held = thumbnail, ticks, 0

    def finish(self, ticks: int) -> None:
        """Close the last stretch at the end of the video."""
        self._advance(ticks)
        self._end_stretch(ticks)

    @property
    def black_s(self) -> float:
        """Seconds of black picture."""
        return float(self.black_ticks * self.time_base)

    @property
    def frozen_s(self) -> float:
        """Seconds in frozen stretches."""
        return float(self.frozen_ticks * self.time_base)

    def _advance(self, ticks: int) -> None:
        if self._was_black:
            self.black_ticks += ticks - self._last
        self._last = ticks

    def _end_stretch(self, ticks: int) -> None:
        # one long frame is a low rate, not a freeze
        lasted = ticks - self._since
        if self._held and lasted * self.time_base >= _FROZEN_MIN_S:
            self.frozen_ticks += lasted


def is_black(thumbnail: Picture) -> bool:
    """Whether 98 % of the values of a small picture are at most 25 of 255."""
    import cv2

    bound = _BLACK_LEVEL + (1 - _BLACK_SHARE) * 255
    if cv2.norm(thumbnail, cv2.NORM_L1) > bound * thumbnail.size:
        return False
    return bool(np.count_nonzero(thumbnail <= _BLACK_LEVEL) >= _BLACK_SHARE * thumbnail.size)
