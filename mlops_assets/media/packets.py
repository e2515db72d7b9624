"""From a file to intact frames in display order, packet by packet, counting what is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.errors import InputError
from mlops_assets.media.clock import SkipPlan
from mlops_assets.media.events import SamplingOptions

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Demuxers that read one file and nothing else: no playlists, no concatenations, no devices.
VIDEO_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    *(
        "avi",
        "mpeg",
        "mpegts",
        "mpegvideo",
        "flv",
        "asf",
        "ogg",
        "mxf",
        "nut",
        "ivf",
        "gif",
        "apng",
    ),
    *("h264", "hevc", "av1", "obu", "m4v", "mjpeg", "yuv4mpegpipe", "dv", "rm", "wtv", "webp_pipe"),
)
_DEMUX_FAILURES = 16
# These code frames that are never shown: a packet without a frame is no loss.
_CODECS_WITH_HIDDEN_FRAMES = frozenset({"vp8", "vp9", "av1", "libdav1d"})


@dataclass(slots=True)
class DecodeTally:
    """Running counts of one pass."""

    packets: int = 0
    unwanted: int = 0
    decoded: int = 0
    corrupt: int = 0
    errors: int = 0
    missing: int = 0
    in_holes: int = 0
    hides_frames: bool = False
    reasons: dict[str, None] = field(default_factory=dict)

    def note(self, reason: str) -> None:
        """Remember a reason once, in order of appearance."""
        self.reasons.setdefault(reason)

    @property
    def lost(self) -> int:
        """Estimated frames lost.

        Damaged frames and failed packets, packets that silently gave no frame (unless the codec
        has frames that are never shown), what is known to be cut off, or, if that
        is more, the frames missing in holes of a regular stream.
        """
        silent = 0 if self.hides_frames else self._silent - self.skipped
        return max(self.corrupt + self.errors + silent, self.in_holes) + self.missing

    @property
    def skipped(self) -> int:
        """Frames left undecoded on purpose."""
        return min(self.unwanted, self._silent)

    @property
    def _silent(self) -> int:
        if "frame_limit" in self.reasons:
            return 0
        return max(0, self.packets - self.decoded - self.corrupt - self.errors)


@contextmanager
def open_container(
    path: Path, *, formats: Sequence[str] = VIDEO_FORMATS
) -> Iterator[InputContainer]:
    """Open one media file, and nothing it may refer to.

    Args:
        path: the file; its name and extension are not looked at.
        formats: FFmpeg's names of the demuxers that may read it.

    Raises:
        InputError: `unreadable` (cannot be opened) or `nothing_decodes` (no known container).
    """
    import av
    from av.error import FFmpegError

    only_this = {"protocol_whitelist": "none", "format_whitelist": ",".join(formats)}
    try:
        file = path.open("rb")
    except OSError as err:
        raise InputError(f"{path.name} cannot be read: {err}", reason="unreadable") from err
    with file:
        try:
            container = av.open(
                file, mode="r", container_options=only_this, metadata_errors="replace"
            )
        except (FFmpegError, OSError, ValueError, OverflowError) as err:
            message = f"{path.name} is no video FFmpeg can open: {err}"
            raise InputError(message, reason="nothing_decodes") from err
        with container:
            yield container


@dataclass(slots=True)
class PacketReader:
    """Reads the frames of one stream; a damaged packet costs its own frames only.

    Args:
        container: open container.
        stream: the video stream read.
        options: thread count, limits, key frames only or not.
        plan: which frames may be left undecoded, or `None` to decode all.
        missing_share: share of the file known to be cut off, 0 to 1.
        tally: filled while frames are read.
    """

    container: InputContainer
    stream: VideoStream
    options: SamplingOptions
    plan: SkipPlan | None = None
    missing_share: float = 0.0
    tally: DecodeTally = field(default_factory=DecodeTally)

    def frames(self) -> Iterator[VideoFrame]:
        """Intact frames in display order, at most `max_frames`.

        Raises:
            InputError: a frame has more than `max_pixels` pixels (`too_many_pixels`).
        """
        self._prepare()
        for batch in self._batches():
            for frame in batch:
                if self._is_intact(frame):
                    yield frame
                if self.tally.decoded >= self.options.max_frames:
                    self.tally.note("frame_limit")
                    return

    @property
    def has_full_index(self) -> bool:
        """Whether the container lists every packet in front of the data (MP4 and its kin)."""
        return "mov" in self.container.format.name

    def _prepare(self) -> None:
        context = self.stream.codec_context
        check_pixels(context.width * context.height, self.options)
        self.tally.hides_frames = context.name in _CODECS_WITH_HIDDEN_FRAMES
        self.stream.thread_type = "AUTO"
        self.stream.thread_count = self.options.thread_count
        if self.options.keyframes_only:
            context.skip_frame = "NONKEY"

    def _is_intact(self, frame: VideoFrame) -> bool:
        check_pixels(frame.width * frame.height, self.options)
        if not frame.is_corrupt:
            self.tally.decoded += 1
            return True
        self.tally.corrupt += 1
        self._damaged("damaged_frames")
        return False

    def _batches(self) -> Iterator[list[VideoFrame]]:
        packets = self._packets()
        judged = self.plan.judge(packets) if self.plan else ((packet, True) for packet in packets)
        for packet, wanted in judged:
            yield self._decode(packet, wanted)
        yield self._flush()
        self._count_missing()

    def _packets(self) -> Iterator[Packet]:
        """Packets with data; behind damage in the container reading goes on."""
        from av.error import FFmpegError

        failures = 0
        packets = self.container.demux(self.stream)
        while failures < _DEMUX_FAILURES:
            try:
                for packet in packets:
                    if packet.size:
                        yield packet
                return
            except (FFmpegError, OSError, ValueError):
                failures += 1
                self._damaged("damaged_container")
                packets = self.container.demux(self.stream)

    def _decode(self, packet: Packet, wanted: bool) -> list[VideoFrame]:
        context = self.stream.codec_context
        if self.plan is not None:
            context.skip_frame = "DEFAULT" if wanted else "NONREF"
        frames = self._frames_of(packet)
        if packet.is_discard or (self.options.keyframes_only and not packet.is_keyframe):
            return frames
        self.tally.packets += 1
        self.tally.unwanted += not wanted
        return frames

    def _frames_of(self, packet: Packet | None) -> list[VideoFrame]:
        from av.error import FFmpegError

        try:
            return self.stream.codec_context.decode(packet)
        except (FFmpegError, OSError, ValueError):
            self.tally.errors += 1
            self._damaged("damaged_packets")
            return []

    def _flush(self) -> list[VideoFrame]:
        from av.error import FFmpegError

        try:
            return self.stream.codec_context.decode(None)
        except (FFmpegError, OSError, ValueError):
            return []

    def _damaged(self, reason: str) -> None:
        self.tally.note(reason)
        if self.plan is not None:
            self.plan.stop()

    def _count_missing(self) -> None:
        """What should follow and does not, by the index of an MP4 or the stated size of others."""
        if self.options.keyframes_only:
            return
        packets, absent = self.tally.packets, self.missing_share
        if self.has_full_index:
            self.tally.missing = max(0, len(self.stream.index_entries) - packets)
        elif absent:
            self.tally.missing = round(packets * absent / max(1 - absent, 1e-6))
        if self.tally.missing:
            self.tally.note("truncated")


def check_pixels(pixels: int, options: SamplingOptions) -> None:
    """Refuse a picture that is too large.

    Raises:
        InputError: more than `max_pixels` (`too_many_pixels`).
    """
    if pixels > options.max_pixels:
        message = f"a picture has {pixels} pixels; at most {options.max_pixels} are decoded"
        raise InputError(message, reason="too_many_pixels")


def frame_step(stream: VideoStream) -> int:
    """Usual ticks between two frames, >= 1; 25 frames a second where the file says nothing."""
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    time_base = stream.time_base or Fraction(1, 90_000)
    return max(1, round(1 / (rate * time_base))) if rate > 0 else 1
