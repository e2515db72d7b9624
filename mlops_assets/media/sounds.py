"""Sound: whether it decodes, and how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.errors import InputError
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

_FAILURES = 16


@dataclass(frozen=True, slots=True)
class SoundReport:
    """What decoding a sound came to.

    Attributes:
        packets: packets with data.
        failed: packets that gave no sound but an error.
        samples: samples decoded, of one channel.
    """

    packets: int
    failed: int
    samples: int

    @property
    def share_lost(self) -> float:
        """Share of the packets that do not decode, 0 to 1; 0 without packets."""
        return self.failed / self.packets if self.packets else 0.0


def decode_sound(path: Path) -> Iterator[SoundReport]:
    """Decode the first sound stream of a file, and tell how it goes.

    Args:
        path: the file; its extension is not looked at.

    Yields:
        What it came to so far, every 1,000 packets and at the end; stop asking to stop decoding.

    Raises:
        InputError: `unreadable` or `nothing_decodes`.
    """
    with open_container(path, formats=AUDIO_FORMATS) as container:
        streams = container.streams.audio
        if not streams or streams[0].codec_context is None:
            raise InputError("no sound stream that can be decoded", reason="nothing_decodes")
        report = SoundReport(0, 0, 0)
        for report in _reports(container, streams[0]):
            if report.packets % 1000 == 0:
                yield report
        if report.samples == 0:
            raise InputError(
                f"not one of {report.packets} packets gives a sound", reason="nothing_decodes"
            )
        yield report


def _reports(container: InputContainer, stream: AudioStream) -> Iterator[SoundReport]:
    packets = failed = samples = 0
    for packet in _packets(container, stream):
        packets += 1
        got = _samples_of(stream, packet)
        failed += got is None
        samples += got or 0
        yield SoundReport(packets, failed, samples)
    yield SoundReport(packets, failed, samples + (_samples_of(stream, None) or 0))


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


def _samples_of(stream: AudioStream, packet: Packet | None) -> int | None:
    """Samples of a packet, of the rest for None; None where it does not decode."""
    from av.error import FFmpegError

    try:
        return sum(frame.samples for frame in stream.codec_context.decode(packet))
    except (FFmpegError, OSError, ValueError):
        return None
