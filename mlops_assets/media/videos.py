"""The one decode pass over a video: samples, successors, quality, shots, and what was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.errors import InputError
from mlops_assets.media.clock import FrameClock, SamplingGrid, SkipPlan
from mlops_assets.media.completeness import GapCounter, missing_share
from mlops_assets.media.events import (
    DecodeReport,
    PictureQuality,
    Sample,
    SamplingOptions,
    Shot,
)
from mlops_assets.media.looks import LookRecorder
from mlops_assets.media.packets import PacketReader, frame_step, open_container
from mlops_assets.media.pictures import (
    FrameConverter,
    Picture,
    encode_bgr,
    reduce_picture,
    turned_upright,
)
from mlops_assets.media.quality import measure_quality
from mlops_assets.media.shots import CutDetector, ShotSummary, StillnessMeter
from mlops_assets.media.transitions import BlendDetector

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_DEFAULT_OPTIONS = SamplingOptions()
_LAST_FRAME_MAX_S = 10
_WATCH_EVERY_S = Fraction(1, 15)
_UNWATCHED_MAX = 4
_SHOT_MIN_S = Fraction(1, 2)
_HARMLESS = frozenset({"timestamps_repaired"})


def decode_video(
    path: Path,
    *,
    options: SamplingOptions = _DEFAULT_OPTIONS,
    redact: Callable[[Picture], Picture] | None = None,
) -> Iterator[Sample | Shot | DecodeReport]:
    """Decode a video once and give what it holds, as it comes.

    By default every frame is decoded, since shot changes and damage show only in pixels. Only the
    frames a sample wants are converted and encoded; of the others a small version is looked at,
    at most 15 a second. After a cut the frames in between are looked at as well, so its time is
    that of the frame; a dissolve or fade ends a shot once it is over, some 2/15 s later; black and
    frozen stretches may be 1/15 s short or long. A damaged packet
    costs its own frames. Memory does not grow with the length of the video:
    what waits is the encoded samples of the last `pair_gap_s`.

    Pixels are converted by swscale from the matrix and range the stream declares; anamorphic
    pixels stay as stored, interlaced frames are not deinterlaced, and HDR is not tone-mapped. A
    display matrix is undone: pictures are upright and not mirrored.

    Args:
        path: the file; only this file is opened, whatever it refers to.
        options: how to sample.
        redact: from the full-size upright BGR picture of every sample and successor to what is
            kept of it, a new one of the same shape that is then reduced and encoded; quality,
            shots and looks are of the picture before.

    Yields:
        Samples in order of time; each `Shot` after its last sample; last one `DecodeReport`.

    Raises:
        InputError: `unreadable`, `too_many_pixels`, `unsupported_pixels`, or `nothing_decodes`
            (no video, or not one intact frame).
    """
    with open_container(path) as container:
        decoding = _pass_over(container, options, missing_share(path))
        decoding.redact = redact
        yield from decoding.events()


def _pass_over(container: InputContainer, options: SamplingOptions, absent: float) -> _VideoPass:
    stream = _video_stream(container)
    time_base = stream.time_base or Fraction(1, 90_000)
    grid = SamplingGrid(options.rate, options.pair_gap, time_base)
    plan = None
    if options.skip_unreferenced and options.sampling == "rate":
        plan = SkipPlan(replace(grid), options.with_successors)
    return _VideoPass(
        options=options,
        reader=PacketReader(container, stream, options, plan, absent),
        converter=FrameConverter(),
        clock=FrameClock(time_base, frame_step(stream)),
        gaps=GapCounter(frame_step(stream)),
        grid=grid,
        cuts=CutDetector(),
        blends=BlendDetector(),
        stillness=StillnessMeter(time_base),
        summary=ShotSummary(time_base),
        watch_step=int(_WATCH_EVERY_S / time_base),
        shot_min=int(_SHOT_MIN_S / time_base),
    )


def _video_stream(container: InputContainer) -> VideoStream:
    from av.stream import Disposition

    for stream in container.streams.video:
        is_cover = stream.disposition & Disposition.attached_pic
        if stream.codec_context is not None and not is_cover:
            return stream
    message = f"no video stream among {len(container.streams)} streams"
    raise InputError(message, reason="nothing_decodes")


@dataclass(slots=True)
class _Waiting:
    """A sample that waits for its successor, or until none can come."""

    sample: Sample
    ticks: int
    due: int | None
    shape: tuple[int, ...]


@dataclass(slots=True)
class _VideoPass:
    """State of one pass; everything in it stays small however long the video is."""

    options: SamplingOptions
    reader: PacketReader
    converter: FrameConverter
    clock: FrameClock
    gaps: GapCounter
    grid: SamplingGrid
    cuts: CutDetector
    blends: BlendDetector
    stillness: StillnessMeter
    summary: ShotSummary
    watch_step: int
    shot_min: int
    looks: LookRecorder = field(default_factory=LookRecorder)
    redact: Callable[[Picture], Picture] | None = None
    size: tuple[int, int] | None = None
    told_duration: int = 0
    watch_due: int = 0
    unwatched: list[tuple[VideoFrame, int]] = field(default_factory=list)
    seen: Picture | None = None
    samples: int = 0
    shots: int = 0
    shot_ticks: int = 0
    starts_shot: bool = True
    key_sample: Sample | None = None
    waiting: deque[_Waiting] = field(default_factory=deque)

    def events(self) -> Iterator[Sample | Shot | DecodeReport]:
        for frame in self.reader.frames():
            yield from self._take(frame)
        if self.size is None:
            message = f"not one of {self.reader.tally.packets} packets gives an intact frame"
            raise InputError(message, reason="nothing_decodes")
        if self.unwatched:
            yield from self._watch(*self.unwatched.pop())
        yield from self._end_shot(self._end_ticks())
        yield self._report(self.size)

    def _take(self, frame: VideoFrame) -> Iterator[Sample | Shot]:
        pts = frame.pts if frame.pts is not None else frame.dts
        ticks = self._tell_time(frame, pts)
        is_due = bool(self.waiting) and self._is_due(self.waiting[0], ticks)
        is_taken = self._takes(frame, ticks)
        if is_due or is_taken or self._must_watch(ticks):
            yield from self._watch(frame, ticks)
        else:
            self.unwatched.append((frame, ticks))
        if is_due or is_taken:
            seen, shown = self._pictures(frame)
            self._pair(shown, ticks)
            if is_taken:
                quality = measure_quality(seen)
                self._sample(frame, shown, quality, (ticks, ticks if pts is None else pts))
        while self.waiting and self.waiting[0].due is None:
            yield self.waiting.popleft().sample

    def _pictures(self, frame: VideoFrame) -> tuple[Picture, Picture]:
        """The upright picture as it is, which is measured, and as it is kept."""
        whole, side = self.converter.picture(frame), self.options.max_side_px
        seen = reduce_picture(whole, side)
        return seen, seen if self.redact is None else reduce_picture(self.redact(whole), side)

    def _must_watch(self, ticks: int) -> bool:
        return ticks >= self.watch_due or len(self.unwatched) >= _UNWATCHED_MAX

    def _watch(self, frame: VideoFrame, ticks: int) -> Iterator[Sample | Shot]:
        """Look at a small version of the frame; a cut since the last look ends the shot."""
        thumbnail = self.converter.thumbnail(frame)
        self.stillness.see(thumbnail, ticks)
        change = self._change_before(thumbnail, ticks)
        if change is not None:
            yield from self._end_shot(change)
        self.summary.see(thumbnail, ticks)
        upright = partial(turned_upright, frame=frame)
        self.looks.offer(thumbnail, ticks * self.clock.time_base, upright=upright)
        self.seen = thumbnail
        self.watch_due = ticks + self.watch_step
        self.unwatched.clear()

    def _change_before(self, thumbnail: Picture, ticks: int) -> int | None:
        """Time of the shot change between the last look and this one, if there is one."""
        if self.options.keyframes_only:
            return None
        is_blended = self.blends.ends_at(thumbnail)
        is_early = self.seen is None or ticks - self.shot_ticks < self.shot_min
        cut = self._cut_before(thumbnail, ticks)
        if cut is not None:
            self.blends.forget()
        change = ticks if cut is None and is_blended else cut
        return None if is_early else change

    def _cut_before(self, thumbnail: Picture, ticks: int) -> int | None:
        """Time of the cut between the last look and this one, if there is one."""
        if not self.cuts.may_hold_cut(thumbnail) or self.seen is None:
            return None
        between = [self.converter.thumbnail(frame) for frame, _ in self.unwatched]
        found = self.cuts.find_cut([self.seen, *between, thumbnail])
        times = [None, *(passed for _, passed in self.unwatched), ticks]
        return None if found is None else times[found]

    def _tell_time(self, frame: VideoFrame, pts: int | None) -> int:
        if self.size is None:
            turned = round(frame.rotation / 90) % 2 == 1
            self.size = (frame.height, frame.width) if turned else (frame.width, frame.height)
        before = self.clock.last
        ticks = self.clock.ticks(pts)
        if ticks:
            self.gaps.see(ticks - before)
        plan = self.reader.plan
        if plan is not None and (self.clock.repaired or plan.origin != self.clock.origin):
            plan.stop()
        self.told_duration = frame.duration or 0
        return ticks

    def _end_ticks(self) -> int:
        """End of the last frame: as long as its packet says, where that can be true."""
        told = self.told_duration
        is_plausible = 0 < told * self.clock.time_base <= _LAST_FRAME_MAX_S
        return self.clock.last + (told if is_plausible else self.clock.step)

    def _takes(self, frame: VideoFrame, ticks: int) -> bool:
        if self.options.sampling == "keyframes":
            return frame.key_frame
        return self.grid.takes(ticks)

    def _is_due(self, waiting: _Waiting, ticks: int) -> bool:
        return waiting.due is not None and ticks >= waiting.due

    def _pair(self, picture: Picture, ticks: int) -> None:
        """Give this picture to every sample whose successor it is."""
        due = [waiting for waiting in self.waiting if self._is_due(waiting, ticks)]
        if not due:
            return
        reduced = reduce_picture(picture, self.options.successor_max_side_px)
        jpeg = encode_bgr(reduced, quality=self.options.jpeg_quality)
        for waiting in due:
            waiting.due = None
            if waiting.shape == picture.shape:
                gap = (ticks - waiting.ticks) * self.clock.time_base
                waiting.sample = replace(waiting.sample, next_jpeg=jpeg, next_gap=gap)

    def _sample(
        self, frame: VideoFrame, picture: Picture, quality: PictureQuality, at: tuple[int, int]
    ) -> None:
        """Keep a sample; `at` is its time in ticks, and in the ticks of the file."""
        ticks, pts = at
        height, width = picture.shape[:2]
        sample = Sample(
            index=self.samples,
            pts=pts,
            time_base=self.clock.time_base,
            time=ticks * self.clock.time_base,
            jpeg=encode_bgr(picture, quality=self.options.jpeg_quality),
            next_jpeg=None,
            next_gap=None,
            width_px=width,
            height_px=height,
            quality=quality,
            is_keyframe=frame.key_frame,
            is_shot_start=self.starts_shot,
        )
        self.samples += 1
        self.starts_shot = False
        if self.key_sample is None or sample.sharpness > self.key_sample.sharpness:
            self.key_sample = sample
        due = ticks + self.grid.gap_ticks if self.options.with_successors else None
        self.waiting.append(_Waiting(sample, ticks, due, picture.shape))

    def _end_shot(self, ticks: int) -> Iterator[Sample | Shot]:
        while self.waiting:
            yield self.waiting.popleft().sample
        if self.options.keyframes_only:
            return
        key, time_base = self.key_sample, self.clock.time_base
        yield Shot(
            index=self.shots,
            start=self.shot_ticks * time_base,
            end=ticks * time_base,
            key_time=None if key is None else key.time,
            key_index=None if key is None else key.index,
            mean_rgb=self.summary.mean_rgb,
            change_per_s=self.summary.change_per_s,
        )
        self.summary = ShotSummary(time_base)
        self.shots += 1
        self.shot_ticks, self.starts_shot, self.key_sample = ticks, True, None

    def _count_holes(self) -> None:
        """Packets a demuxer dropped in silence; where an index lists them all there are none."""
        is_listed = self.reader.has_full_index or self.options.keyframes_only
        if not is_listed and not self.reader.tally.skipped and self.gaps.missing:
            self.reader.tally.in_holes = self.gaps.missing
            self.reader.tally.note("holes_in_time")

    def _report(self, size: tuple[int, int]) -> DecodeReport:
        tally = self.reader.tally
        self.stillness.finish(self._end_ticks())
        self._count_holes()
        if self.clock.repaired:
            tally.note("timestamps_repaired")
        if tally.lost and not tally.reasons.keys() - _HARMLESS:
            tally.note("frames_missing")
        return DecodeReport(
            status="salvaged" if tally.reasons.keys() - _HARMLESS else "decoded",
            frames_decoded=tally.decoded,
            frames_lost=tally.lost,
            frames_skipped=tally.skipped,
            share_lost=tally.lost / (tally.decoded + tally.lost),
            black_s=self.stillness.black_s,
            frozen_s=self.stillness.frozen_s,
            reasons=tuple(tally.reasons),
            width_px=size[0],
            height_px=size[1],
            duration=self._end_ticks() * self.clock.time_base,
            samples=self.samples,
            shots=self.shots,
            looks=self.looks.looks(),
        )
