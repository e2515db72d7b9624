"""Record a live stream into segments: packets as they come, no picture decoded or encoded."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

SUFFIX = ".mkv"
_KINDS = ("video", "audio")
_PROTOCOLS = "rtsp,rtsps,rtp,srtp,udp,tcp,tls,http,https,crypto"
_BEHIND, _AHEAD = timedelta(seconds=2), timedelta(seconds=30)
_LONGEST_WAIT_S = 30.0
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Recording:
    """What is recorded, where to, and in which pieces.

    Args:
        url: of the stream: rtsp, http or https, udp.
        shown: the URL as it may be written down.
        spool: folder of the finished segments.
        segment_s: length of a segment; it ends at the next key frame.
        segment_bytes: a segment that grows larger ends at the next packet.
        spool_bytes: most bytes in the spool; recording pauses when there are more.
        quiet_s: longest silence of the stream.
    """

    url: str
    shown: str
    spool: Path
    segment_s: float
    segment_bytes: int
    spool_bytes: int
    quiet_s: float

    def segments(self) -> list[Path]:
        """The finished segments, oldest first."""
        return sorted(self.spool.glob(f"*{SUFFIX}")) if self.spool.is_dir() else []


def record(recording: Recording, *, clock: Clock, stop: Callable[[], bool] = lambda: False) -> None:
    """Record until the stream ends.

    A segment appears in the spool by rename, beside a sidecar with `captured_at` (the wall clock
    when its first packet came, carried on by the stream's own time) and `duration_s`. Memory holds
    one packet.

    Args:
        recording: what, and where to.
        clock: the wall clock, UTC.
        stop: asked at the end of each segment.

    Raises:
        TransientError: the stream cannot be opened, broke off, or the spool is full.
        ConfigurationError: the spool cannot be written to.
    """
    from av.error import FFmpegError

    try:
        with _opened(recording) as container:
            for segment in _segments(recording, container, clock, stop):
                segment.finish()
    except FFmpegError as err:
        raise TransientError(f"{recording.shown}: {err.strerror}") from None


@contextmanager
def _opened(recording: Recording) -> Iterator[InputContainer]:
    import av

    options = {"protocol_whitelist": _PROTOCOLS}
    if recording.url.startswith("rtsp"):
        options["rtsp_transport"] = "tcp"
    with av.open(recording.url, options=options, timeout=recording.quiet_s) as container:
        yield container


def _segments(
    recording: Recording, container: InputContainer, clock: Clock, stop: Callable[[], bool]
) -> Iterator[_Segment]:
    """Full segments, to be finished; the last one is shorter, and finished here."""
    streams = [one for one in container.streams if one.type in _KINDS]
    has_video = any(one.type == "video" for one in streams)
    segment: _Segment | None = None
    wall = _Wall(clock)
    try:
        for packet, now_s in _packets(container, streams):
            is_door = packet.is_keyframe and (packet.stream.type == "video" or not has_video)
            if segment is not None and segment.is_full(now_s, is_door=is_door):
                yield segment
                segment = None
                if stop():
                    return
            if segment is None and is_door:
                segment = _Segment(recording, streams, now_s, wall.at(now_s))
            if segment is not None and now_s >= segment.start_s:
                segment.add(packet, now_s)
    finally:  # what came before a stream broke off is kept
        if segment is not None:
            segment.finish()


def _packets(container: InputContainer, streams: list[Any]) -> Iterator[tuple[Packet, Fraction]]:
    """Packets with their time in the stream, in seconds."""
    for packet in container.demux(*streams):
        if packet.dts is not None and packet.time_base is not None:
            yield packet, packet.dts * packet.time_base


class _Wall:
    """The wall clock of a stream's own time; set anew when the two drift apart.

    A stream that is behind has stalled. One that is ahead a little sends what it had buffered.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.anchor: tuple[Fraction, datetime] | None = None

    def at(self, time_s: Fraction) -> datetime:
        """The wall-clock time of a packet that comes now."""
        now = self.clock()
        if self.anchor is not None:
            told = self.anchor[1] + timedelta(seconds=float(time_s - self.anchor[0]))
            if -_AHEAD <= now - told <= _BEHIND:
                return told
        self.anchor = (time_s, now)
        return now


class _Segment:
    """One segment that is being written."""

    def __init__(
        self, recording: Recording, streams: list[Any], start_s: Fraction, at: datetime
    ) -> None:
        import av

        self.recording, self.start_s, self.end_s, self.at = recording, start_s, start_s, at
        self.size_bytes = 0
        _require_room(recording)
        self.file = _free_name(recording.spool, at.astimezone(UTC))
        self.part = self.file.with_name(f".{self.file.name}.part")
        self.container = av.open(str(self.part), "w", format="matroska")
        self.streams = {one.index: self.container.add_stream_from_template(one) for one in streams}

    def is_full(self, now_s: Fraction, *, is_door: bool) -> bool:
        """Whether it ends before the packet that comes now."""
        is_long = now_s - self.start_s >= Fraction(self.recording.segment_s)
        turned_back = now_s < self.start_s
        return (is_door and (is_long or turned_back)) or self._is_heavy()

    def _is_heavy(self) -> bool:
        return self.size_bytes >= self.recording.segment_bytes

    def add(self, packet: Packet, now_s: Fraction) -> None:
        """Write a packet, its times counted from the start of the segment."""
        self.size_bytes += packet.size
        if packet.time_base is not None and packet.dts is not None:
            offset = int(self.start_s / packet.time_base)
            packet.dts -= offset
            packet.pts = None if packet.pts is None else packet.pts - offset
            length = (packet.duration or 0) * packet.time_base
            self.end_s = max(self.end_s, now_s + length)
        packet.stream = self.streams[packet.stream.index]
        self.container.mux(packet)

    def finish(self) -> None:
        """Let it appear in the spool, behind its sidecar."""
        self.container.close()
        told = {
            "captured_at": self.at.astimezone(UTC).isoformat(),
            "duration_s": float(self.end_s - self.start_s),
            "stream": self.recording.shown,
        }
        self.file.with_name(f"{self.file.name}.json").write_text(json.dumps(told))
        self.part.replace(self.file)


def _free_name(spool: Path, at: datetime) -> Path:
    """A file named after its time, which a clock that was set back gives twice."""
    while (file := spool / f"{at:%Y%m%dT%H%M%S.%fZ}{SUFFIX}").exists():
        at += timedelta(microseconds=1)
    return file


def _require_room(recording: Recording) -> None:
    try:
        recording.spool.mkdir(parents=True, exist_ok=True)
        used = sum(one.stat().st_size for one in recording.spool.iterdir())
    except FileNotFoundError:  # taken away just now
        return
    except OSError as err:
        raise ConfigurationError(f"cannot write to {recording.spool}: {err}") from err
    if used >= recording.spool_bytes:
        raise TransientError(
            f"{recording.spool} holds {used} bytes that are not taken in; recording pauses"
        )


class Recorder:
    """Records in a thread of its own, and begins anew when the stream breaks off.

    Attributes:
        error: why it is not recording now; None while it is.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.error: str | None = None
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End with the next segment, or at once where none is being written."""
        self.ended.set()
        self._thread.join()

    def _run(self) -> None:
        wait_s = 1.0
        with _alone(self.recording.spool) as is_alone:
            if is_alone:
                _sweep(self.recording.spool)
            while is_alone and not self.ended.is_set():
                try:
                    self.error = None
                    record(self.recording, clock=_now, stop=self.ended.is_set)
                    wait_s = 1.0
                    self.error = f"{self.recording.shown} ended"
                except (TransientError, ConfigurationError) as err:
                    self.error = str(err)
                self.ended.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _now() -> datetime:
    return datetime.now(UTC)


def _sweep(spool: Path) -> None:
    """Remove what a recorder that was killed did not finish."""
    for one in spool.glob(".*.part"):
        one.unlink()
    for one in spool.glob(f"*{SUFFIX}.json"):
        if not one.with_suffix("").exists():
            one.unlink()


@contextmanager
def _alone(spool: Path) -> Iterator[bool]:
    """Whether nobody else records into a spool, as long as the block lasts."""
    import fcntl

    spool.mkdir(parents=True, exist_ok=True)
    with (spool / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
