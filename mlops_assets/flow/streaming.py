"""Motion of a live source: an iterator of pictures in, an iterator of statistics out.

Memory is bounded whatever the length of the stream, and so is the wait for an answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.describing.flags import Flags, flags_of, looks_wrong
from mlops_assets.flow.describing.statistics import FlowStatistics
from mlops_assets.flow.fields import MIN_SIDE_PX, check_size
from mlops_assets.flow.measuring import Measured, check_pairs, measure_pairs
from mlops_assets.flow.pairs import working_size
from mlops_assets.flow.solving import Solver

_USUAL_PAIRS = 64


@dataclass(frozen=True, eq=False)
class TimedPicture:
    """One picture of a stream.

    Attributes:
        time: seconds, exact.
        pixels: uint8 (H, W) gray or (H, W, 3) sRGB, upright; sides from 8 up.
    """

    time: Fraction
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is measured.

    Attributes:
        solver: what is solved, how thoroughly, and by which program.
        batch_pairs: pairs solved in one call, >= 1: more is quicker on a GPU and later.
        check_every: every n-th pair is solved backward too, >= 1; 0 for none. With the preset
            `quality` every pair is, and so is a pair that looks wrong.
        max_side_px: pictures are reduced to it before they are held.
        max_gap: seconds; pictures further apart are no pair.
    """

    solver: Solver = field(default_factory=Solver)
    batch_pairs: int = 8
    check_every: int = 10
    max_side_px: int = 640
    max_gap: Fraction = Fraction(1)


@dataclass(frozen=True)
class PairMotion:
    """Motion from one picture of a stream to the next.

    Attributes:
        time: of the first picture, seconds.
        next_time: of the second.
        size_px: (height, width) it was measured at.
        statistics: what it is like.
        flags: whether it is a cut, a duplicate, to be trusted; against what was usual before.
        backend: the program that solved it.
        fallback_reason: why it was not the preferred one.
    """

    time: Fraction
    next_time: Fraction
    size_px: tuple[int, int]
    statistics: FlowStatistics
    flags: Flags
    backend: str
    fallback_reason: str | None


def stream_motion(
    pictures: Iterable[TimedPicture], options: StreamOptions = StreamOptions()
) -> Iterator[PairMotion]:
    """Statistics of each picture and its successor, as they come.

    Memory: at most `batch_pairs + 1` reduced gray pictures, the picture being read, the flow of one
    batch (forward, and backward where it is checked), and 64 numbers of what was usual.
    Latency: a pair is answered when `batch_pairs` pairs are together, at the latest
    `batch_pairs - 1` pictures after its second one; earlier when a gap or another size ends the
    batch, or the stream ends. With `batch_pairs=1` it is answered at once.

    A gap in time, a time that does not go on (a restart), and a change of size end a run of pairs:
    there is no pair across them. The numbers of a pair are those of a batch of any size.

    Args:
        pictures: in the order of time; read only as far as the answers taken need.
        options: how.

    Raises:
        InputError: `bad_option`, or a picture that is none: `wrong_shape`, `wrong_dtype`,
            `too_small`, `too_large`.
        ConfigurationError: as `Solver.backends`.
    """
    if options.batch_pairs < 1 or options.check_every < 0 or options.max_gap <= 0:
        raise InputError(
            f"batch_pairs is {options.batch_pairs}, check_every {options.check_every}, max_gap "
            f"{options.max_gap}; expected >= 1, >= 0 and > 0",
            reason="bad_option",
        )
    batches = _Batches(options)
    held: list[TimedPicture] = []
    for picture in pictures:
        reduced = TimedPicture(picture.time, _reduced(picture.pixels, options.max_side_px))
        if held and not _follows(held[-1], reduced, options.max_gap):
            yield from batches.answer(held)
            held = []
        held.append(reduced)
        if len(held) > options.batch_pairs:
            yield from batches.answer(held)
            held = held[-1:]
    yield from batches.answer(held)


def _reduced(pixels: NDArray[np.uint8], max_side_px: int) -> NDArray[np.uint8]:
    """(H, W) luma at the working size; never the caller's own array, which may be a buffer."""
    import cv2

    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)):
        raise ShapeError(f"picture has shape {pixels.shape}; expected (H, W) or (H, W, 3)")
    if pixels.dtype != np.uint8:
        raise ShapeError(f"picture has dtype {pixels.dtype}; expected uint8", reason="wrong_dtype")
    check_size(*pixels.shape[:2], min_side_px=MIN_SIDE_PX)
    gray = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = working_size(*gray.shape, max_side_px=max_side_px)
    check_size(height, width, min_side_px=MIN_SIDE_PX)
    if gray.shape == (height, width):
        return np.array(gray, dtype=np.uint8)
    return np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _follows(before: TimedPicture, after: TimedPicture, max_gap: Fraction) -> bool:
    in_time = 0 < after.time - before.time <= max_gap
    return in_time and before.pixels.shape == after.pixels.shape


class _Batches:
    """Answers runs of pictures, remembering how many pairs there were and what was usual."""

    def __init__(self, options: StreamOptions) -> None:
        self.options = options
        self.count = 0
        self.photo_maes: deque[float] = deque(maxlen=_USUAL_PAIRS)

    def answer(self, run: Sequence[TimedPicture]) -> Iterator[PairMotion]:
        """The pairs of a run of pictures of one size."""
        if len(run) < 2:
            return
        frames = np.stack([picture.pixels for picture in run])
        times = [picture.time for picture in run]
        first = np.arange(len(run) - 1)
        between = np.stack([first, first + 1], axis=1)
        measured = measure_pairs(
            frames,
            between,
            intervals_s=[float(after - before) for before, after in pairwise(times)],
            is_checked=[self._is_checked(self.count + place) for place in first.tolist()],
            solver=self.options.solver,
        )
        self.count += len(measured)
        for place, one in enumerate(measured):
            judged, flags = self._judged(frames, between, measured, place)
            yield PairMotion(
                times[place],
                times[place + 1],
                (frames.shape[1], frames.shape[2]),
                judged.statistics,
                flags,
                one.solved.backend,
                one.solved.fallback_reason,
            )

    def _is_checked(self, number: int) -> bool:
        every = self.options.check_every
        return self.options.solver.preset == "quality" or (every > 0 and number % every == 0)

    def _judged(
        self,
        frames: NDArray[np.uint8],
        between: NDArray[np.intp],
        measured: Sequence[Measured],
        place: int,
    ) -> tuple[Measured, Flags]:
        """A pair against what was usual before it, checked if it looks wrong so."""
        one = measured[place]
        usual = median(self.photo_maes) if self.photo_maes else None
        unchecked = one.statistics.fb_fail_share is None
        if unchecked and looks_wrong(one.statistics, usual_photo_mae=usual):
            one = check_pairs(frames, between, measured, [place], self.options.solver)[place]
        flags = flags_of(one.statistics, usual_photo_mae=usual)
        if one.statistics.photo_mae is not None and not flags.is_cut:
            self.photo_maes.append(one.statistics.photo_mae)
        return one, flags
