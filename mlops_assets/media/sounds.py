"""Sound: whether it decodes, and how much of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.errors import InputError
from mlops_assets.media.loudness import LoudnessMeter, SoundLevels
from mlops_assets.media.packets import open_container

if TYPE_CHECKING:
    from av import AudioStream, Packet
    from av.container import InputContainer

AUDIO_FORMATS = (
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpeg", "mpegts", "flv", "asf", "ogg"),
    *("mxf", "mp3", "aac", "wav", "w64", "flac", "aiff", "amr", "ac3", "eac3", "dts", "caf"),
    *("au", "ape", "wv", "tta", "nut", "rm"),
)
"""FFmpeg's names of the demuxers sound is read with. None of them opens a second file."""

MAX_MEASURED_S = 7_200.0
"""Seconds of a sound track that are measured; what comes later goes unheard."""

_FAILURES = 16


@dataclass(frozen=True, slots=True)
class SoundReport:
    """What decoding a sound came to.

    Attributes:
        packets: packets with data.
        failed: packets that gave no sound but an error.
        samples: samples decoded, of one channel.
        levels: how loud it is; None while it goes on.
    """

    packets: int
    failed: int
    samples: int
    levels: SoundLevels | None = None

    @property
    def duration_s(self) -> float:
        """Seconds of sound that were decoded; 0 while it goes on."""
        return self.levels.measured_s if self.levels else 0.0

    @property
    def share_lost(self) -> float:
        """Share of the packets that do not decode, 0 to 1; 0 without packets."""
        return self.failed / self.packets if self.packets else 0.0


def measure_sound(path: Path, *, max_s: float = MAX_MEASURED_S) -> SoundLevels | None:
    """How loud the sound of a file is, such as the sound track of a video.

    Of a container that can be read in order of its index only the sound is read.

    Args:
        path: the file.
        max_s: seconds of sound that are measured at most, > 0.

    Returns:
        Levels; None where there is no sound that can be decoded.
    """
    try:
        *_, last = decode_sound(path, max_s=max_s)
    except InputError:
        return None
    return last.levels


def decode_sound(path: Path, *, max_s: float = math.inf) -> Iterator[SoundReport]:
    """Decode the first sound stream of a file, measure it, and tell how it goes.

    Args:
        path: the file; its extension is not looked at.
        max_s: decoding stops after so many seconds of sound.

    Yields:
        What it came to so far, every 1,000 packets, and at the end with its levels; stop asking to
        stop decoding.

    Raises:
        InputError: `unreadable` or `nothing_decodes`.
    """
    with open_container(path, formats=AUDIO_FORMATS) as container:
        streams = container.streams.audio
        if not streams or streams[0].codec_context is None:
            raise InputError("no sound stream that can be decoded", reason="nothing_decodes")
        report = SoundReport(0, 0, 0)
        meter = LoudnessMeter()
        for report in _reports(container, streams[0], meter):
            if report.packets % 1000 == 0:
                yield report
            if report.samples > max_s * (streams[0].rate or 1):
                break
        if report.samples == 0:
            raise InputError(
                f"not one of {report.packets} packets gives a sound", reason="nothing_decodes"
            )
        yield replace(report, levels=meter.levels())


def _reports(
    container: InputContainer, stream: AudioStream, meter: LoudnessMeter
) -> Iterator[SoundReport]:
    packets = failed = samples = 0
    for packet in _packets(container, stream):
        packets += 1
        got = _samples_of(stream, packet, meter)
        failed += got is None
        samples += got or 0
        yield SoundReport(packets, failed, samples)
    yield SoundReport(packets, failed, samples + (_samples_of(stream, None, meter) or 0))


def _packets(container: InputContainer, stream: AudioStream) -> Iterator[Packet]:
    """Packets with data; behind damage in the container reading goes on."""
    from av.error import FFmpegError

    for _ in range(_FAILURES):
        try:
            for packet in container.demux(stream):
                if packet.size:
                    yield packet
            return
        except (FFmpegError, OSError, ValueError, IndexError):
            continue


def _samples_of(stream: AudioStream, packet: Packet | None, meter: LoudnessMeter) -> int | None:
    """Samples of a packet, of the rest for None; None where it does not decode."""
    from av.error import FFmpegError

    try:
        frames = stream.codec_context.decode(packet)
        for frame in frames:
            meter.see(frame)
    except (FFmpegError, OSError, ValueError):
        return None
    return sum(frame.samples for frame in frames)
