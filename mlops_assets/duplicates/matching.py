"""Whether two media show the same: a picture again, one out of a clip, a stretch of a clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.duplicates.index import Hashes, distances
from mlops_assets.duplicates.likeness import fit, unlikeness

PICTURE_BITS, CLIP_BITS = 16, 14
UNLIKE = 0.6

Kind = Literal["image-image", "picture-in-clip", "clip-clip"]

_SPACING_S = 0.25
_RUN_MIN_S, _RUN_MIN_SHARE = 2.0, 0.8
_GAP_LOOKS = 4
_MATCHED_MIN = 0.6
_ALIKE_MIN = 0.65
_TRIED_PLACES, _TRIED_OFFSETS, _TRIED_LOOKS = 8, 5, 9
_PAIRS_MAX = 4_000_000
_CORRELATION_FLOOR = 0.002


@dataclass(frozen=True, slots=True)
class Seen:
    """The looks of one medium, in order of time; one look is a picture, several are a clip.

    Args:
        times_s: (n,), float64, seconds since the first frame, increasing.
        hashes: (n, 2), uint64, 0 where a look says nothing.
        pictures: (n, 32, 32), uint8, luma.
    """

    times_s: NDArray[np.float64]
    hashes: Hashes
    pictures: NDArray[np.uint8]

    @property
    def is_clip(self) -> bool:
        """Whether it has several looks."""
        return len(self.times_s) > 1

    @property
    def spacing_s(self) -> float:
        """Usual distance of two looks."""
        return float(np.median(np.diff(self.times_s))) if self.is_clip else _SPACING_S

    @property
    def length_s(self) -> float:
        """From the first look to the end of the last."""
        return float(self.times_s[-1] - self.times_s[0]) + self.spacing_s

    def every(self, step: int) -> Seen:
        """Each so manieth look of it."""
        return Seen(self.times_s[::step], self.hashes[::step], self.pictures[::step])

    def around(self, at: int) -> NDArray[np.uint8]:
        """A look, and those of its neighbours in time that are not of another shot."""
        beside = [place for place in (at - 1, at + 1) if 0 <= place < len(self.times_s)]
        apart = distances(self.hashes[at : at + 1], self.hashes[beside])[0]
        near = [place for place, bits in zip(beside, apart, strict=True) if bits <= CLIP_BITS]
        return self.pictures[[at, *near]]


@dataclass(frozen=True, slots=True)
class Match:
    """How one medium shows what an earlier one does.

    Args:
        kind: what was found in what.
        share: of the later medium's telling looks, those that match, 0 to 1.
        offset_s: what is at t in the later medium is at t + offset in the earlier one; 0 for two
            pictures.
        length_s: of the stretch that matches; 0 where one is a picture.
        distance: median difference of the matching hashes, bits of 64.
    """

    kind: Kind
    share: float
    offset_s: float
    length_s: float
    distance: float


def find_match(later: Seen, earlier: Seen) -> Match | None:
    """What two media have in common, if it is enough to call one a near duplicate of the other.

    Two pictures: hashes within 16 bits, and alike under `unlikeness`. A picture and a clip: some
    look of the clip is. Two clips: a run of looks at one offset, at least 2 s or most of the
    shorter clip, of which 60 % match by hash, and two thirds of up to nine spread over it are
    alike. Looks that say nothing (black, blank) neither match nor hinder.

    Args:
        later: the medium that is judged.
        earlier: the one it is compared with.

    Returns:
        The match, or `None`; `None` also when either says nothing at all.
    """
    if later.is_clip and earlier.is_clip:
        return _clip_in_clip(later, earlier)
    if later.is_clip:
        found = _picture_in_clip(earlier, later)
        at_s = -found[0] if found else 0.0
        share = 1 / max(1, np.count_nonzero(later.hashes[:, 0]))
    else:
        found = _picture_in_clip(later, earlier)
        at_s, share = found[0] if found else 0.0, 1.0
    if found is None:
        return None
    kind: Kind = "picture-in-clip" if later.is_clip or earlier.is_clip else "image-image"
    return Match(kind, float(share), at_s, 0.0, float(found[1]))


def _picture_in_clip(picture: Seen, clip: Seen) -> tuple[float, int] | None:
    """Time in the clip (0 in a picture) and bits apart, of the place that shows the picture."""
    if not len(picture.times_s) or not len(clip.times_s):
        return None
    bits = distances(picture.hashes, clip.hashes)[0]
    near = np.flatnonzero(bits <= PICTURE_BITS)
    if not len(near):
        return None
    closeness = (_levelled(picture.pictures) @ _levelled(clip.pictures[near]).T)[0]
    for at in near[np.argsort(-closeness, kind="stable")][:_TRIED_PLACES].tolist():
        if unlikeness(picture.pictures, clip.around(at)) < UNLIKE:
            return float(clip.times_s[at]), int(bits[at])
    return None


def _clip_in_clip(later: Seen, earlier: Seen) -> Match | None:
    pairs = len(later.times_s) * len(earlier.times_s)
    if pairs > _PAIRS_MAX:
        step = int(np.ceil(np.sqrt(pairs / _PAIRS_MAX)))
        later, earlier = later.every(step), earlier.every(step)
    bits = distances(later.hashes, earlier.hashes)
    if np.count_nonzero((bits <= CLIP_BITS).any(axis=1)) < 2:
        return None
    closeness = _levelled(later.pictures) @ _levelled(earlier.pictures).T
    for offset_s in _likely_offsets(later, earlier, bits, closeness):
        places = _placed(later, earlier, offset_s, closeness)
        matched = (places >= 0) & (bits[np.arange(len(places)), places] <= CLIP_BITS)
        run = _longest_run(later, earlier, matched)
        if len(run) and _is_alike(later, earlier, run, places, closeness):
            telling = np.count_nonzero(later.hashes[:, 0])
            length_s = float(later.times_s[run[-1]] - later.times_s[run[0]]) + later.spacing_s
            exact_s = float(np.median(earlier.times_s[places[run]] - later.times_s[run]))
            apart = float(np.median(bits[run, places[run]]))
            return Match("clip-clip", float(len(run) / telling), exact_s, length_s, apart)
    return None


def _likely_offsets(
    later: Seen, earlier: Seen, bits: NDArray[np.uint8], closeness: NDArray[np.float32]
) -> Iterator[float]:
    """Offsets by the looks that are alike at them, the closer the more, most first.

    Before a camera that stands still all looks are near each other; at the true offset also what
    moves is in its place, so those looks are closest.
    """
    rows, columns = np.nonzero(bits <= CLIP_BITS)
    width_s = _width_s(later, earlier)
    offsets = earlier.times_s[columns] - later.times_s[rows]
    bins = np.round(offsets / width_s).astype(np.int64)
    weights = 1 / (_CORRELATION_FLOOR + np.maximum(0, 1 - closeness[rows, columns]))
    first = int(bins.min())
    votes = np.bincount(bins - first, weights=weights)
    most = min(_TRIED_OFFSETS, np.count_nonzero(votes))
    for best in np.argsort(-votes, kind="stable")[:most].tolist():
        inside = np.flatnonzero(bins == best + first)
        inside = inside[np.argsort(offsets[inside], kind="stable")]
        summed = np.cumsum(weights[inside])
        yield float(offsets[inside[np.searchsorted(summed, summed[-1] / 2)]])


def _width_s(later: Seen, earlier: Seen) -> float:
    """How far apart in time two looks may be and yet show the same."""
    return max(_SPACING_S, later.spacing_s, earlier.spacing_s)


def _placed(
    later: Seen, earlier: Seen, offset_s: float, closeness: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Which look of the earlier clip belongs to each of the later at an offset; -1 for none."""
    times = later.times_s + offset_s
    last = len(earlier.times_s) - 1
    nearest = np.searchsorted(earlier.times_s, times).clip(0, last)
    around = np.stack([(nearest + step).clip(0, last) for step in (-1, 0, 1)])
    width_s = _width_s(later, earlier)
    is_near = np.abs(earlier.times_s[around] - times) <= 1.01 * width_s
    scores = np.where(is_near, closeness[np.arange(len(times)), around], -np.inf)
    best = scores.argmax(axis=0)
    places = around[best, np.arange(len(times))]
    is_inside = is_near.any(axis=0) & (later.hashes[:, 0] != 0)
    return np.where(is_inside, places, -1)


def _longest_run(later: Seen, earlier: Seen, matched: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The matched looks of the longest stretch without a gap; none where it is too short."""
    at = np.flatnonzero(matched)
    if not len(at):
        return at
    gap_s = _GAP_LOOKS * _width_s(later, earlier)
    breaks = np.flatnonzero(np.diff(later.times_s[at]) > gap_s) + 1
    run = max(np.split(at, breaks), key=len)
    telling = np.count_nonzero(later.hashes[run[0] : run[-1] + 1, 0])
    length_s = later.times_s[run[-1]] - later.times_s[run[0]] + later.spacing_s
    shorter_s = min(later.length_s, earlier.length_s)
    is_long = length_s >= min(_RUN_MIN_S, _RUN_MIN_SHARE * shorter_s)
    return run if is_long and len(run) >= max(2, _MATCHED_MIN * telling) else run[:0]


def _is_alike(
    later: Seen,
    earlier: Seen,
    run: NDArray[np.int64],
    places: NDArray[np.int64],
    closeness: NDArray[np.float32],
) -> bool:
    """Whether two thirds of some looks of a run show the same, all cropped in the same way."""
    best = run[closeness[run, places[run]].argmax()]
    fitted = fit(later.pictures[best], earlier.pictures[places[best]])
    tried = np.linspace(0, len(run) - 1, min(len(run), _TRIED_LOOKS)).round().astype(int)
    missing = int((1 - _ALIKE_MIN) * len(tried))
    for at in run[np.unique(tried)].tolist():
        apart = unlikeness(later.around(at), earlier.around(int(places[at])), fitted)
        missing -= apart >= UNLIKE
        if missing < 0:
            return False
    return True


def _levelled(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures as unit vectors without their mean: their products are correlations."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    return flat / np.maximum(norms, 1e-6)
