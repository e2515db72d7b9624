"""Cut a stretch out of a video: its packets as they are where that is exact, else encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from mlops_assets.errors import InputError
from mlops_assets.media.packets import open_container

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream

MP4_CODECS = frozenset({"h264", "hevc", "mpeg4", "av1", "aac", "mp3", "vp9", "alac", "ac3"})
"""What an MP4 file may hold; anything else goes into Matroska."""

_QUALITY = {"crf": "18", "preset": "fast"}


@dataclass(frozen=True)
class Stretch:
    """A part of a video, in ticks of its stream, the end left out."""

    start: int
    end: int

    def holds(self, ticks: int) -> bool:
        """Whether a picture at this time belongs to it."""
        return self.start <= ticks < self.end


def suffix_for(path: Path) -> str:
    """`.mp4` when every stream of a video fits into it, else `.mkv`.

    Raises:
        InputError: `unreadable`.
    """
    with open_container(path) as container:
        names = {s.codec_context.name for s in _kept(container) if s.codec_context}
    return ".mp4" if names <= MP4_CODECS else ".mkv"


def cut_clip(
    path: Path, to: Path, *, start: Fraction, end: Fraction
) -> Literal["copied", "encoded"]:
    """Write the pictures of a video from `start` up to `end` as a file of its own.

    The packets are copied, without any loss, when the stretch begins at a key frame and needs no
    packet from behind its end; otherwise its pictures are encoded anew as H.264 (CRF 18). Sound is
    copied, from the packet that begins in the stretch on.

    Args:
        path: the video.
        to: file to write; `suffix_for` says which suffix its streams need.
        start: seconds after the first picture, exact.
        end: seconds after the first picture, > `start`.

    Returns:
        How the pictures came over.

    Raises:
        InputError: `unreadable`; `nothing_there` when no picture lies in the stretch.
    """
    if end <= start:
        raise InputError(f"stretch {start} to {end} s is empty", reason="nothing_there")
    import av

    with open_container(path) as container:
        stream = _video(container)
        found = _stretch(container, stream, start, end)
        is_exact = _is_copyable(container, stream, found)
        with av.open(str(to), "w") as target:
            write = _copy if is_exact else _encode
            write(container, target, stream, found)
    return "copied" if is_exact else "encoded"


def _video(container: InputContainer) -> VideoStream:
    streams = [one for one in _kept(container) if one.type == "video"]
    if not streams:
        raise InputError("the file has no video stream", reason="nothing_there")
    return cast("VideoStream", streams[0])


def _kept(container: InputContainer) -> list[Any]:
    """The picture and the sound; covers, subtitles and data stay behind."""
    from av.stream import Disposition

    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    return [s for s in (*pictures[:1], *container.streams.audio[:1]) if s.codec_context is not None]


def _stretch(
    container: InputContainer, stream: VideoStream, start: Fraction, end: Fraction
) -> Stretch:
    times = [p.pts for p in _packets(container, stream) if p.pts is not None]
    if not times:
        raise InputError("no packet has a time", reason="nothing_there")
    first, base = min(times), cast("Fraction", stream.time_base)
    found = Stretch(first + round(start / base), first + round(end / base))
    if not any(found.holds(ticks) for ticks in times):
        raise InputError(
            f"no picture between {float(start):.3f} and {float(end):.3f} s; the last is at "
            f"{float((max(times) - first) * base):.3f} s",
            reason="nothing_there",
        )
    return found


def _packets(container: InputContainer, *streams: Any) -> Iterator[Packet]:
    container.seek(0)
    for packet in container.demux(*streams):
        if packet.dts is not None or packet.pts is not None:
            yield packet


def _is_copyable(container: InputContainer, stream: VideoStream, found: Stretch) -> bool:
    """Whether it begins at a key frame, and no packet of it comes after one from behind it."""
    is_first, is_over = True, False
    for packet in _packets(container, stream):
        if packet.pts is None:
            return False
        inside = found.holds(packet.pts)
        if inside and (is_over or (is_first and not packet.is_keyframe)):
            return False
        is_first = is_first and not inside
        is_over = is_over or packet.pts >= found.end
    return True


def _copy(
    container: InputContainer, target: OutputContainer, stream: VideoStream, found: Stretch
) -> None:
    written = {one.index: target.add_stream_from_template(one) for one in _kept(container)}
    for packet in _packets(container, *_kept(container)):
        if _move(packet, stream, found):
            packet.stream = written[packet.stream.index]
            target.mux(packet)


def _move(packet: Packet, stream: VideoStream, found: Stretch) -> bool:
    """Shift a packet so that the stretch begins at 0; whether it belongs to it."""
    base = cast("Fraction", stream.time_base)
    pts = packet.pts
    if pts is None or packet.time_base is None:
        return False
    ticks = round(pts * packet.time_base / base)
    if not found.holds(ticks):
        return False
    shift = round(found.start * base / packet.time_base)
    packet.pts = pts - shift
    packet.dts = None if packet.dts is None else packet.dts - shift
    return True


def _encode(
    container: InputContainer, target: OutputContainer, stream: VideoStream, found: Stretch
) -> None:
    audio = [one for one in _kept(container) if one.type == "audio"]
    sounds = {one.index: target.add_stream_from_template(one) for one in audio}
    made: Any = target.add_stream("libx264", rate=stream.average_rate or 25, options=_QUALITY)
    made.time_base = made.codec_context.time_base = stream.time_base
    made.pix_fmt = "yuv420p"
    size = None
    for frame in _frames(container, stream, found):
        if size is None:
            size = made.width, made.height = frame.width & ~1, frame.height & ~1
            if frame.rotation:
                made.set_display_rotation(frame.rotation)
        picture = frame.reformat(*size, "yuv420p")
        picture.pts, picture.time_base = cast("int", frame.pts) - found.start, stream.time_base
        picture.pict_type = 0
        target.mux(made.encode(picture))
    if size is None:
        raise InputError("no picture of the stretch decodes", reason="nothing_there")
    target.mux(made.encode(None))
    for packet in _packets(container, *audio) if audio else ():
        if _move(packet, stream, found):
            packet.stream = sounds[packet.stream.index]
            target.mux(packet)


def _frames(container: InputContainer, stream: VideoStream, found: Stretch) -> Iterator[VideoFrame]:
    """The pictures of a stretch, in order of time; a damaged packet costs its own."""
    from av.error import FFmpegError

    for packet in chain(_packets(container, stream), (None,)):
        try:
            frames = stream.codec_context.decode(packet)
        except FFmpegError:
            continue
        for frame in frames:
            if frame.pts is not None and frame.pts >= found.end:
                return
            if frame.pts is not None and found.holds(frame.pts):
                yield frame
