"""What a probe finds, and the bounds it keeps to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal

from mlops_assets.errors import InputError
from mlops_assets.media.probing.sniff import Kind

ProbeFlag = Literal[
    "timestamps_go_back",
    "packets_missing",
    "packets_cut_off",
    "late_streams",
    "animated",
    "many_pages",
    "motion_photo",
    "interlaced",
    "high_dynamic_range",
]


@dataclass(frozen=True)
class ProbeLimits:
    """Bounds on what a header may claim and on what a probe may read.

    Attributes:
        max_pixels: width x height of one picture. Pillow itself refuses above 178 956 970.
        max_duration_s: seconds.
        max_rate_hz: frames per second.
        max_pages: pages of a document, frames of an animated or multi-page image.
        max_packets: packets counted, and samples a video track may declare.
        max_read_bytes: bytes read while demuxing; never more than twice the file and 64 MiB.
    """

    max_pixels: int = 100_000_000
    max_duration_s: float = 86_400.0
    max_rate_hz: float = 1_000.0
    max_pages: int = 5_000
    max_packets: int = 5_000_000
    max_read_bytes: int = 20_000_000_000


@dataclass(frozen=True)
class Probe:
    """What headers and packets say of a file. A field is None where they say nothing.

    Attributes:
        kind: decided by the streams: a container with sound only is `audio`.
        mime: media type.
        container: the library's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2` or `JPEG`.
        video_codec: such as `h264`.
        audio_codec: such as `aac`.
        pixel_format: FFmpeg's name for videos, Pillow's mode for images.
        bit_depth: bits of one component.
        width_px: as stored, before `rotation_deg`.
        height_px: as stored, before `rotation_deg`.
        rotation_deg: 0, 90, 180 or 270, clockwise, that makes the stored picture upright.
        is_mirrored: the stored picture is to be mirrored left to right *before* it is turned.
        frame_rate: average, frames per second, exact.
        time_base: seconds per tick of the main stream.
        duration: seconds, exact, of the main stream.
        bit_rate_bps: bits per second on average, of the whole file; None for an image.
        packet_count: packets of the main stream: frames, for video. None if not counted to the end.
        has_audio: at least one sound stream.
        page_count: pages of a PDF; frames of an animated or multi-page image; 1 for a still one.
        captured_at: aware, UTC. A camera that states no zone is taken to mean UTC.
        has_zone: `captured_at` was stated with a zone, or in a field that is UTC by definition.
        captured_at_from: where `captured_at` was read.
        device: make and model.
        gps: latitude and longitude, degrees, WGS 84.
        flags: what is odd about it and no reason to refuse it.
        texts: what people and programs wrote into its headers: titles, comments, descriptions; at
            most 100, of 10,000 characters each.
    """

    kind: Kind
    mime: str
    container: str | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    pixel_format: str | None = None
    bit_depth: int | None = None
    width_px: int | None = None
    height_px: int | None = None
    rotation_deg: int = 0
    is_mirrored: bool = False
    frame_rate: Fraction | None = None
    time_base: Fraction | None = None
    duration: Fraction | None = None
    bit_rate_bps: int | None = None
    packet_count: int | None = None
    has_audio: bool = False
    page_count: int | None = None
    captured_at: datetime | None = None
    has_zone: bool = False
    captured_at_from: Literal["exif", "container"] | None = None
    device: str | None = None
    gps: tuple[float, float] | None = None
    flags: tuple[ProbeFlag, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float | None:
        """Duration in seconds; None where unknown."""
        return None if self.duration is None else float(self.duration)


def check_pixels(width_px: int, height_px: int, limits: ProbeLimits) -> None:
    """Refuse a picture that claims more pixels than the limit, or none.

    Raises:
        InputError: `too_many_pixels`; `unreadable` for a size of nothing.
    """
    if width_px <= 0 or height_px <= 0:
        raise InputError(
            f"the header says {width_px} x {height_px} pixels; expected a size above zero",
            reason="unreadable",
        )
    if width_px * height_px > limits.max_pixels:
        raise InputError(
            f"the header says {width_px} x {height_px} pixels; the limit is {limits.max_pixels}",
            reason="too_many_pixels",
        )


def check_pages(page_count: int, limits: ProbeLimits) -> None:
    """Refuse a document or an image of more pages than the limit.

    Raises:
        InputError: `too_many_pages`.
    """
    if page_count > limits.max_pages:
        raise InputError(
            f"{page_count} pages or more; the limit is {limits.max_pages}", reason="too_many_pages"
        )
