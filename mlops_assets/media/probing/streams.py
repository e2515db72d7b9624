"""Video and sound, told from container headers and packets; nothing is decoded here.

FFmpeg itself may decode a picture or two while it looks for the parameters of a stream whose
header lacks them; the picture size it accepts there is bounded as well.
"""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

from mlops_assets.errors import InputError
from mlops_assets.media.probing.boxes import Track, is_index_cut, read_tracks
from mlops_assets.media.probing.packets import BoundedReader, PacketTally, count_packets
from mlops_assets.media.probing.probed import Probe, ProbeFlag, ProbeLimits, check_pixels
from mlops_assets.media.probing.sniff import Kind
from mlops_assets.media.probing.tags import container_device, container_place, container_time
from mlops_assets.media.probing.texts import bounded_texts

if TYPE_CHECKING:
    from av.container import InputContainer

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,ivf,rm,"
    "h264,hevc,m4v,mjpeg,obu,yuv4mpegpipe,dv,"
    "mp3,aac,wav,w64,flac,aiff,amr,ac3,eac3,dts,caf,au,ape,wv,tta"
)
"""FFmpeg's names of the demuxers allowed. None of them opens a second file: no playlists."""

UNREADABLE_MIMES = frozenset(
    ("audio/midi", "audio/x-midi", "audio/x-xm", "audio/x-s3m", "audio/x-mod", "audio/x-it")
)
"""Scores, which no decoder turns into sound."""

_BUFFER_BYTES = 65_536
_AUDIO_MIMES = {
    "video/mp4": "audio/mp4",
    "video/quicktime": "audio/mp4",
    "video/3gpp": "audio/3gpp",
    "video/webm": "audio/webm",
    "video/x-matroska": "audio/x-matroska",
    "video/ogg": "audio/ogg",
    "video/x-ms-asf": "audio/x-ms-wma",
}
_VIDEO_MIMES = {"audio/mp4": "video/mp4", "audio/ogg": "video/ogg"}
_CONTAINER_MIMES = {
    "mov,mp4,m4a,3gp,3g2,mj2": "video/mp4",
    "matroska,webm": "video/x-matroska",
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "flac": "audio/flac",
}
_HDR_TRANSFERS = (16, 18)  # SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG), as ITU-T H.273 counts
_INTERLACED = (2, 3, 4, 5)  # FFmpeg's field orders that are not progressive


def probe_streams(path: Path, *, mime: str, limits: ProbeLimits) -> Probe:
    """Read what a container of video or sound says, and count its packets.

    Args:
        path: a file that is there.
        mime: what the sniffer said; empty if it was not asked.
        limits: bounds.

    Returns:
        What was found; `kind` is `video` if there is a video stream other than cover art.

    Raises:
        InputError: `unreadable`, `unsupported_format`, `no_streams`, `no_frames`,
            `too_many_pixels`, `too_long`, `impossible_rate`, `too_many_packets`.
    """
    from av.error import FFmpegError

    try:
        with path.open("rb") as file:
            size_bytes = file.seek(0, os.SEEK_END)
            tracks = read_tracks(file, size_bytes=size_bytes)
            is_cut = is_index_cut(file, size_bytes=size_bytes)
            _check_samples(tracks, limits)
            reader = BoundedReader(file, _budget(size_bytes, limits))
            with _open(reader, limits) as container:
                return _describe(container, reader, tracks, mime=mime, limits=limits, is_cut=is_cut)
    except (FFmpegError, ValueError, OverflowError, ArithmeticError) as err:
        is_known = mime.startswith(("video/", "audio/"))
        if is_known and (getattr(err, "errno", None) == errno.EINVAL or mime in UNREADABLE_MIMES):
            # FFmpeg knows a format that is on no list of ours, or none does
            raise InputError(f"{mime} is not read", reason="unsupported_format") from err
        raise InputError(
            f"the container cannot be read ({type(err).__name__})", reason="unreadable"
        ) from err


def _budget(size_bytes: int, limits: ProbeLimits) -> int:
    return min(limits.max_read_bytes, 2 * size_bytes + 64 * 2**20)


def _open(reader: BoundedReader, limits: ProbeLimits) -> InputContainer:
    import av

    options = {
        "format_whitelist": FORMATS,
        "protocol_whitelist": "",
        "max_streams": "64",
        "probesize": "5000000",
        "analyzeduration": "5000000",
        "max_pixels": str(_allocated_pixels(limits)),
    }
    return av.open(
        reader,  # type: ignore[arg-type]
        mode="r",
        options=options,
        metadata_errors="replace",
        buffer_size=_BUFFER_BYTES,
        io_open=_refuse_second_file,
    )


def _allocated_pixels(limits: ProbeLimits) -> int:
    """Pixels FFmpeg may allocate: above it some codecs forget the size, and the reason with it."""
    return max(limits.max_pixels, ProbeLimits.max_pixels)


def _refuse_second_file(url: str, flags: int, options: dict[str, str]) -> Never:
    raise ValueError(f"a media file asked for another one: {url!r}")


def _check_samples(tracks: list[Track], limits: ProbeLimits) -> None:
    declared = max((track.sample_count for track in tracks if track.is_video), default=0)
    if declared > limits.max_packets:
        raise InputError(
            f"a track declares {declared} samples; the limit is {limits.max_packets}",
            reason="too_many_packets",
        )


def _describe(
    container: InputContainer,
    reader: BoundedReader,
    tracks: list[Track],
    *,
    mime: str,
    limits: ProbeLimits,
    is_cut: bool,
) -> Probe:
    video = next((s for s in container.streams.video if not _is_cover(s)), None)
    audio = next(iter(container.streams.audio), None)
    main: Any = video or audio
    if main is None:
        raise InputError(
            f"the container holds {len(container.streams)} streams and neither video nor sound",
            reason="no_streams",
        )
    picture = _picture(video, tracks, limits, is_cut=is_cut) if video else {}
    declared = _declared_duration(container, main)
    _check_duration(declared, limits)
    tally = count_packets(container, main, reader, limits)
    # The lesser: a truncated file has less than it declares, a damaged timestamp says more.
    duration = min((d for d in (declared, tally.span) if d is not None), default=None)
    _check_duration(duration, limits)
    size_bits = 8 * reader.size_bytes
    tags = {name.lower(): value for s in (main, container) for name, value in s.metadata.items()}
    captured_at = container_time(tags)
    kind: Kind = "video" if video else "audio"
    return Probe(
        kind=kind,
        mime=_mime(mime, kind, container.format.name),
        container=container.format.name,
        audio_codec=_codec_name(audio) if audio else None,
        frame_rate=_frame_rate(video, tally, limits) if video else None,
        time_base=main.time_base,
        duration=duration,
        bit_rate_bps=round(size_bits / duration) if duration else None,
        packet_count=None if "packets_cut_off" in tally.flags else tally.count,
        has_audio=audio is not None,
        captured_at=captured_at,
        has_zone=True,
        captured_at_from="container" if captured_at else None,
        device=container_device(tags),
        gps=container_place(tags),
        flags=(*tally.flags, *(_picture_flags(video) if video else ())),
        texts=bounded_texts([container.metadata, *(s.metadata for s in container.streams)]),
        **picture,
    )


def _is_cover(stream: Any) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _picture(
    stream: Any, tracks: list[Track], limits: ProbeLimits, *, is_cut: bool
) -> dict[str, Any]:
    """The fields of a probe that speak of the picture."""
    codec = stream.codec_context
    if codec is None:
        if is_cut:
            raise InputError("the index of the container is cut off", reason="unreadable")
        raise InputError("the video codec is not known here", reason="unsupported_format")
    if not codec.width or not codec.height:
        raise InputError(
            "no picture size could be read, or one above the limit of "
            f"{_allocated_pixels(limits)} pixels was thrown away",
            reason="unreadable",
        )
    check_pixels(codec.width, codec.height, limits)
    track = next((t for t in tracks if t.is_video and t.track_id == stream.id), None)
    return {
        "video_codec": _codec_name(stream),
        "pixel_format": codec.pix_fmt,
        "bit_depth": codec.format.components[0].bits if codec.format else None,
        "width_px": codec.width,
        "height_px": codec.height,
        "rotation_deg": track.rotation_deg if track else 0,
        "is_mirrored": track.is_mirrored if track else False,
    }


def _picture_flags(stream: Any) -> tuple[ProbeFlag, ...]:
    """What a decoded picture will be, and this platform does not undo."""
    codec = stream.codec_context
    flags: list[ProbeFlag] = []
    if codec.field_order in _INTERLACED:
        flags.append("interlaced")
    if codec.color_trc in _HDR_TRANSFERS:
        flags.append("high_dynamic_range")
    return tuple(flags)


def _codec_name(stream: Any) -> str | None:
    """The codec's own name, `mp3`, not the decoder's, `mp3float`."""
    codec = stream.codec_context
    return None if codec is None else codec.codec.canonical_name


def _declared_duration(container: InputContainer, stream: Any) -> Fraction | None:
    if stream.duration and stream.duration > 0 and stream.time_base:
        return stream.duration * stream.time_base
    if container.duration and container.duration > 0:
        return Fraction(container.duration, 1_000_000)
    return None


def _check_duration(duration: Fraction | None, limits: ProbeLimits) -> None:
    if duration is not None and duration > limits.max_duration_s:
        raise InputError(
            f"it lasts {float(duration):.1f} s; the limit is {limits.max_duration_s:.1f} s",
            reason="too_long",
        )


def _frame_rate(stream: Any, tally: PacketTally, limits: ProbeLimits) -> Fraction | None:
    """Average rate as the container states it if that can be true, else as the packets have it."""
    stated, counted = stream.average_rate, tally.rate
    rates = [rate for rate in (stated, counted) if rate is not None]
    rate = next((rate for rate in rates if 0 < rate <= limits.max_rate_hz), None)
    if rates and rate is None:
        raise InputError(
            f"{float(rates[0]):.1f} frames per second; the limit is {limits.max_rate_hz:.1f}",
            reason="impossible_rate",
        )
    return rate


def _mime(mime: str, kind: Kind, container: str) -> str:
    mime = mime or _CONTAINER_MIMES.get(container, "")
    return (_VIDEO_MIMES if kind == "video" else _AUDIO_MIMES).get(mime, mime)
