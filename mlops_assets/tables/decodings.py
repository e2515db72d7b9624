"""Decodings, frames and moments: three tables from one decode pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from annotated_types import Ge, Gt, Le

from mlops_assets.lake import MEDIA, Lake, Partition, current_lake
from mlops_assets.media import (
    DecodeReport,
    Sample,
    SamplingOptions,
    Shot,
    decode_image,
    decode_video,
)
from mlops_assets.media.loudness import SoundLevels
from mlops_assets.media.quality import MEASURES, TypicalQuality
from mlops_assets.media.sounds import decode_sound, measure_sound
from mlops_assets.privacy import DEFAULT_DETECTOR, Picture, detector_version, look
from mlops_assets.privacy import redact as redact_regions
from mlops_assets.rows import How, Row, expand, tables
from mlops_assets.tables.raw_media import Media, accepted, raw_media, shown

_JUDGED = (
    *("media_id", "reasons", "black_s", "frozen_s", "width_px", "height_px", "duration_s"),
    *("sound_level_db", "ultrasonic_db", "ultrasonic_excess_db"),
    *MEASURES,
)


class Decoding(
    Row,
    key="media_id",
    judged=_JUDGED,
    hashes=("media_id", "hashes", "inner_hashes", "look_times_s"),
):
    """What the one decode pass found in a video, an image or a sound.

    Grain: one row per accepted video, image or sound. Key: `media_id`. Partition: source and
    arrival day. Replaced when the bytes or the sampling change. Limits: `frames_lost` of a damaged
    clip is an estimate; `black_s` and `frozen_s` of an image are 0; of a sound what speaks of
    pictures is 0 or none, `share_lost` is of its packets; of a sound track two hours are measured.
    """

    media_id: str
    status: Annotated[str, "decoded, or salvaged when something was lost"]
    reasons: Annotated[list[str], "codes of what was wrong"]
    frames_decoded: int
    frames_lost: Annotated[int, "estimate"]
    share_lost: Annotated[float, "0 to 1"]
    black_s: float
    frozen_s: float
    width_px: Annotated[int, "upright"]
    height_px: Annotated[int, "upright"]
    duration_s: Annotated[float, "measured; 0 for an image"]
    sample_count: int
    shot_count: int
    sound_level_db: Annotated[float | None, "loudest 0.4 s, 0 is full scale; none without sound"]
    ultrasonic_db: Annotated[float | None, "the same above 17 kHz; none below 36 kHz sampling"]
    ultrasonic_excess_db: Annotated[float | None, "its loudest 70 Hz over 12 to 16 kHz"]
    look_times_s: Annotated[list[float], "of its looks: one an image, 4 a second and more a video"]
    hashes: Annotated[list[int], "64-bit perceptual hash of each look; 0 where it says nothing"]
    inner_hashes: Annotated[list[int], "the same, without 5 % at the border"]
    looks: Annotated[bytes, "32 x 32 luma each, 8 bit, before any redaction"]
    brightness: Annotated[float | None, "0 to 1; this and what follows: medians of its frames"]
    contrast: Annotated[float | None, "0 to 0.5"]
    sharpness: Annotated[float | None, "variance of the Laplacian, at most 320 px wide"]
    clipped_dark: Annotated[float | None, "share of black, 0 to 1"]
    clipped_bright: Annotated[float | None, "share of white, 0 to 1"]
    noise: Annotated[float | None, "standard deviation of the grain, gray levels"]
    blockiness: Annotated[float | None, "excess of steps on a codec's grid; seen from 0.5"]


class Frame(
    Row,
    key="frame_id",
    image=("media_id", "jpeg"),
    pixels=("media_id", "time_s", "jpeg", "next_jpeg", "next_gap_s", "working_px"),
    quality=("media_id", "brightness", "contrast", "sharpness"),
):
    """Sampled instants of videos in exact time, and still images.

    Grain: one row per sampled instant, or per image. Key: `frame_id`, `<media_id>#<index>`.
    Partition: source and arrival day. All frames of a clip are replaced together.
    Limits: sample k is the first frame at or after k / rate; the successor is missing at the end of
    a clip and across a shot change.
    """

    frame_id: str
    media_id: str
    index: Annotated[int, "among the samples of its file, from 0"]
    pts: Annotated[int, "ticks of the time base in the file"]
    time_base_num: Annotated[int, "seconds per tick, numerator"]
    time_base_den: int
    time_s: Annotated[float, "since the first frame"]
    width_px: int
    height_px: int
    brightness: Annotated[float, "mean luma, 0 to 1"]
    contrast: Annotated[float, "standard deviation of luma, 0 to 0.5"]
    sharpness: Annotated[float, "variance of the Laplacian, at most 320 px wide"]
    clipped_dark: Annotated[float, "share of black, 0 to 1"]
    clipped_bright: Annotated[float, "share of white, 0 to 1"]
    noise: Annotated[float, "standard deviation of the grain, gray levels"]
    blockiness: Annotated[float, "excess of steps on a codec's grid; seen from 0.5"]
    phash: Annotated[int, "64-bit perceptual hash, read as signed"]
    is_keyframe: bool
    is_shot_start: bool
    next_gap_s: Annotated[float | None, "seconds to the successor"]
    working_px: Annotated[int, "longest side of the successor"]
    jpeg: Annotated[bytes, "upright, sRGB, 8 bit"]
    next_jpeg: Annotated[bytes | None, "the picture a moment later, reduced to working_px"]


class Moment(Row, key="moment_id"):
    """Stretches of videos between two shot changes.

    Grain: one row per shot. Key: `moment_id`, `<media_id>@<index>`. Partition: source and arrival
    day. All moments of a clip are replaced together. Limits: a moment after a dissolve or fade
    starts once it is over; a whip pan may look like a cut.
    """

    moment_id: str
    media_id: str
    index: int
    start_s: float
    end_s: float
    start_num: Annotated[int, "exact start in seconds, numerator"]
    start_den: int
    end_num: int
    end_den: int
    key_frame_id: Annotated[str | None, "its sharpest sample"]
    mean_red: Annotated[float, "0 to 255"]
    mean_green: Annotated[float, "0 to 255"]
    mean_blue: Annotated[float, "0 to 255"]
    change_per_s: Annotated[float | None, "how fast the picture changes, gray levels a second"]


def _detector(lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str:
    """Which detector says what is redacted; empty when nothing is."""
    return "" if values["redact"] == "none" else detector_version(DEFAULT_DETECTOR)


def _redaction(how: Literal["none", "blur", "box"]) -> Callable[[Picture], Picture] | None:
    if how == "none":
        return None
    return lambda picture: redact_regions(picture, look(picture).regions, how=how)


@tables(
    expand(raw_media.content, by="media_id", where=accepted("video", "image", "audio")),
    names=("decodings", "frames", "moments"),
    version="3",
    how=How(executor="processes", slice_units=16, weigh_by="size_bytes", pool="decode"),
    pins={"detector_version": _detector},
)
def decode(  # noqa: PLR0913 - each is a parameter of the tables
    media: Media,
    *,
    rate_hz: Annotated[float, Gt(0), Le(1000), "samples per second of video"] = 1.0,
    sampling: Annotated[Literal["rate", "keyframes"], "by rate, or every key frame"] = "rate",
    pair_gap_s: Annotated[float, Ge(0), "seconds to the successor; 0 for none"] = 1 / 15,
    working_px: Annotated[int, Gt(7), "longest side of the successor, for motion"] = 640,
    max_side_px: Annotated[
        int | None, Gt(7), "longest side of a frame; none keeps the size"
    ] = None,
    jpeg_quality: Annotated[int, Ge(1), Le(100)] = 90,
    redact: Annotated[
        Literal["none", "blur", "box"], "cover faces and plates before a frame is stored"
    ] = "none",
    detector_version: str = "",
) -> Iterator[Decoding | Frame | Moment]:
    """Decode each file once: samples with their successors, quality, shots, and what was lost."""
    options = SamplingOptions(
        rate_hz=rate_hz,
        pair_gap_s=pair_gap_s or 1.0,
        sampling=sampling,
        with_successors=pair_gap_s > 0,
        jpeg_quality=jpeg_quality,
        max_side_px=max_side_px,
        successor_max_side_px=working_px,
    )
    read = decode_video if media.kind == "video" else decode_image
    typical = TypicalQuality()
    with media.open() as file:
        if media.kind == "audio":
            yield _sound(media.media_id, file)
            return
        sound = measure_sound(file) if media.kind == "video" else None
        for event in read(file, options=options, redact=_redaction(redact)):
            if isinstance(event, Sample):
                typical.see(event.quality)
            is_last = isinstance(event, DecodeReport)
            measured = {**typical.medians(), **_levels(sound)} if is_last else {}
            yield _row(media.media_id, event, working_px, measured)


def _sound(media_id: str, file: Path) -> Decoding:
    """What decoding a sound came to: no picture, and how loud it is."""
    *_, report = decode_sound(file)
    return Decoding(
        media_id=media_id,
        status="salvaged" if report.failed else "decoded",
        reasons=["damaged_packets"] if report.failed else [],
        frames_decoded=0,
        frames_lost=0,
        share_lost=report.share_lost,
        black_s=0.0,
        frozen_s=0.0,
        width_px=0,
        height_px=0,
        duration_s=report.duration_s,
        sample_count=0,
        shot_count=0,
        look_times_s=[],
        hashes=[],
        inner_hashes=[],
        looks=b"",
        **TypicalQuality().medians(),
        **_levels(report.levels),
    )


def _levels(levels: SoundLevels | None) -> dict[str, float | None]:
    return {
        "sound_level_db": levels.level_db if levels else None,
        "ultrasonic_db": levels.ultrasonic_db if levels else None,
        "ultrasonic_excess_db": levels.ultrasonic_excess_db if levels else None,
    }


def _row(
    media_id: str,
    event: Sample | Shot | DecodeReport,
    working_px: int,
    measured: dict[str, float | None],
) -> Decoding | Frame | Moment:
    if isinstance(event, Sample):
        return _frame(media_id, event, working_px)
    if isinstance(event, Shot):
        return _moment(media_id, event)
    return _decoding(media_id, event, measured)


def _frame(media_id: str, sample: Sample, working_px: int) -> Frame:
    return Frame(
        frame_id=frame_id(media_id, sample.index),
        media_id=media_id,
        index=sample.index,
        pts=sample.pts,
        time_base_num=sample.time_base.numerator,
        time_base_den=sample.time_base.denominator,
        time_s=float(sample.time),
        width_px=sample.width_px,
        height_px=sample.height_px,
        brightness=sample.brightness,
        contrast=sample.contrast,
        sharpness=sample.sharpness,
        clipped_dark=sample.quality.clipped_dark,
        clipped_bright=sample.quality.clipped_bright,
        noise=sample.quality.noise,
        blockiness=sample.quality.blockiness,
        phash=sample.phash - (1 << 64) if sample.phash >> 63 else sample.phash,
        is_keyframe=sample.is_keyframe,
        is_shot_start=sample.is_shot_start,
        next_gap_s=None if sample.next_gap is None else float(sample.next_gap),
        working_px=working_px,
        jpeg=sample.jpeg,
        next_jpeg=sample.next_jpeg,
    )


def _moment(media_id: str, shot: Shot) -> Moment:
    return Moment(
        moment_id=f"{media_id}@{shot.index:06}",
        media_id=media_id,
        index=shot.index,
        start_s=float(shot.start),
        end_s=float(shot.end),
        start_num=shot.start.numerator,
        start_den=shot.start.denominator,
        end_num=shot.end.numerator,
        end_den=shot.end.denominator,
        key_frame_id=None if shot.key_index is None else frame_id(media_id, shot.key_index),
        mean_red=shot.mean_rgb[0],
        mean_green=shot.mean_rgb[1],
        mean_blue=shot.mean_rgb[2],
        change_per_s=shot.change_per_s,
    )


def _decoding(media_id: str, report: DecodeReport, measured: dict[str, float | None]) -> Decoding:
    return Decoding(
        media_id=media_id,
        status=report.status,
        reasons=list(report.reasons),
        frames_decoded=report.frames_decoded,
        frames_lost=report.frames_lost,
        share_lost=report.share_lost,
        black_s=report.black_s,
        frozen_s=report.frozen_s,
        width_px=report.width_px,
        height_px=report.height_px,
        duration_s=float(report.duration),
        sample_count=report.samples,
        shot_count=report.shots,
        look_times_s=list(report.looks.times_s),
        hashes=list(report.looks.hashes),
        inner_hashes=list(report.looks.inner_hashes),
        looks=report.looks.pictures,
        **measured,
    )


def frame_id(media_id: str, index: int) -> str:
    """The key of a frame."""
    return f"{media_id}#{index:06}"


decodings, frames, moments = decode


@frames.check(blocking=True)
def frame_times_increase(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The samples of a file follow each other in time."""
    return rows.filter(pl.col("time_s").diff().over("media_id", order_by="index") <= 0)


@moments.check(blocking=True)
def moments_have_length(rows: pl.LazyFrame) -> pl.LazyFrame:
    """A moment ends after it starts."""
    return rows.filter(pl.col("end_s") <= pl.col("start_s"))


@decodings.check()
def little_is_lost(rows: pl.LazyFrame) -> pl.LazyFrame:
    """No file lost more than half of its frames."""
    return rows.filter(pl.col("share_lost") > 0.5)


@frames.picture
def frame_sheet(rows: pl.LazyFrame) -> bytes | None:
    """A contact sheet of the partition's first frames, one per file."""
    from mlops_assets.media import contact_sheet

    first = rows.filter(pl.col("index") == 0).select("source", "day", "media_id", "jpeg")
    sample = first.head(24).collect()
    return contact_sheet(shown(sample)) if sample.height else None


@moments.picture
def moment_sheet(rows: pl.LazyFrame) -> bytes | None:
    """The key frames of the partition's longest moments."""
    from mlops_assets.media import contact_sheet

    longest = rows.sort(pl.col("end_s") - pl.col("start_s"), descending=True).head(24).collect()
    if longest.is_empty():
        return None
    partition = MEDIA.of(longest["source"][0], longest["day"][0])
    pictures = frames.rows(current_lake(), partition)
    keys = longest.lazy().select(frame_id="key_frame_id").drop_nulls()
    wanted = keys.join(pictures, on="frame_id", maintain_order="left")
    sample = wanted.select("source", "day", "media_id", "jpeg").collect()
    return contact_sheet(shown(sample)) if sample.height else None
