"""What goes into the decode pass and what comes out of it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from mlops_assets.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How a file is sampled. The same file and options always give the same events.

    Args:
        rate_hz: samples per second, > 0, read as the decimal it prints as. Sample k is the first
            frame at or after `k / rate_hz`, so a rate above the frame rate takes every frame:
            for dense use say 1000 rather than a rounded frame rate such as 29.97.
        pair_gap_s: seconds to the successor, > 0: the first frame at least this much later.
        sampling: `rate`, or `keyframes` for every key frame of the stream.
        with_successors: also keep the picture `pair_gap_s` later.
        jpeg_quality: 1 to 100, of samples and successors (chroma 4:2:0).
        max_side_px: longest side of a sample; `None` keeps the size of the file.
        successor_max_side_px: longest side of `next_jpeg`; smaller pictures keep their size.
        max_pixels: pictures with more pixels are refused before they are decoded.
        max_frames: decoding stops after this many frames and says so in the report.
        thread_count: decoder threads; 0 lets FFmpeg choose. Never changes the result.
        skip_unreferenced: do not decode frames that neither a sample nor another frame needs.
            Samples and successors stay the same pictures; shot changes, black and frozen
            stretches are then seen on the decoded frames only, a few frames coarser, and damage
            in a skipped frame goes unseen. Without exact packet times nothing is skipped.

    Raises:
        ConfigurationError: a value is out of its range.
    """

    rate_hz: float = 1.0
    pair_gap_s: float = 1 / 15
    sampling: Literal["rate", "keyframes"] = "rate"
    with_successors: bool = True
    jpeg_quality: int = 90
    max_side_px: int | None = None
    successor_max_side_px: int = 640
    max_pixels: int = 100_000_000
    max_frames: int = 5_000_000
    thread_count: int = 0
    skip_unreferenced: bool = False

    def __post_init__(self) -> None:
        _in_range("rate_hz", self.rate_hz, 1e-6, 1e6)
        _in_range("pair_gap_s", self.pair_gap_s, 1e-6, 1e6)
        _in_range("jpeg_quality", self.jpeg_quality, 1, 100)
        _in_range("max_side_px", self.max_side_px or 1, 1, 65_500)
        _in_range("successor_max_side_px", self.successor_max_side_px, 1, 65_500)
        _in_range("max_pixels", self.max_pixels, 1, 2**31 - 1)
        _in_range("max_frames", self.max_frames, 1, 2**63 - 1)
        _in_range("thread_count", self.thread_count, 0, 256)
        if self.sampling not in ("rate", "keyframes"):
            raise ConfigurationError(f"sampling is {self.sampling!r}; it is 'rate' or 'keyframes'")

    @property
    def rate(self) -> Fraction:
        """`rate_hz` as an exact decimal, in samples per second."""
        return Fraction(self.rate_hz).limit_denominator(1_000_000)

    @property
    def pair_gap(self) -> Fraction:
        """`pair_gap_s` as the simplest fraction it stands for (1/15, not its float), in seconds."""
        return Fraction(self.pair_gap_s).limit_denominator(1_000_000)

    @property
    def keyframes_only(self) -> bool:
        """Whether nothing but key frames has to be decoded."""
        return self.sampling == "keyframes" and not self.with_successors


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigurationError(f"{name} is {value}; it must lie in [{low:g}, {high:g}]")


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """How a picture looks, measured on its luma (BT.601 weights of the sRGB values).

    Args:
        brightness: mean luma, 0 (black) to 1 (white).
        contrast: standard deviation of luma, 0 to 0.5.
        sharpness: variance of the 3x3 Laplacian of luma in 0..255, on the picture reduced to at
            most 320 px wide; >= 0, below about 20 looks blurred.
        clipped_dark: share of the pixels that are black or next to it, 0 to 1.
        clipped_bright: share that is white or next to it, 0 to 1.
        noise: standard deviation of the grain in gray levels, >= 0; above about 12 looks noisy.
        blockiness: how much steeper luma is on the edges of the blocks of a codec, as a multiple
            of what it is elsewhere; >= 0, 0 without a grid, above about 0.5 blocks are seen.
        phash: 64-bit perceptual hash (DCT), unsigned; compare by Hamming distance.
    """

    brightness: float
    contrast: float
    sharpness: float
    clipped_dark: float
    clipped_bright: float
    noise: float
    blockiness: float
    phash: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampled instant of a video, or one still image.

    Args:
        index: position among the samples of this file, from 0.
        pts: time stamp in the file, in ticks of `time_base`; 0 for an image, best effort where
            the file has none.
        time_base: seconds per tick, exact.
        time: seconds since the first frame, exact; strictly increasing.
        jpeg: the picture, upright, sRGB, 8 bit.
        next_jpeg: the picture a moment later, upright, **already reduced** to
            `successor_max_side_px`; `None` at the end of the clip, across a shot change, or when
            not asked for. To compare the two, decode `jpeg` with
            `decode_jpeg(jpeg, max_side_px=successor_max_side_px)`: sizes and filter are the same.
        next_gap: seconds between the two pictures, exact; `None` with `next_jpeg`.
        width_px: width of `jpeg`.
        height_px: height of `jpeg`.
        quality: how the picture looks, with its perceptual hash.
        is_keyframe: coded without reference to another frame.
        is_shot_start: first sample of its shot.
    """

    index: int
    pts: int
    time_base: Fraction
    time: Fraction
    jpeg: bytes
    next_jpeg: bytes | None
    next_gap: Fraction | None
    width_px: int
    height_px: int
    quality: PictureQuality
    is_keyframe: bool
    is_shot_start: bool

    @property
    def brightness(self) -> float:
        """Mean luma, 0 to 1."""
        return self.quality.brightness

    @property
    def contrast(self) -> float:
        """Standard deviation of luma, 0 to 0.5."""
        return self.quality.contrast

    @property
    def sharpness(self) -> float:
        """Variance of the Laplacian at most 320 px wide, >= 0."""
        return self.quality.sharpness

    @property
    def phash(self) -> int:
        """64-bit perceptual hash, unsigned."""
        return self.quality.phash


@dataclass(frozen=True, slots=True)
class Shot:
    """A stretch of a video between two shot changes, given once it is over.

    Args:
        index: position among the shots of this file, from 0.
        start: first frame, seconds since the first frame of the file, exact.
        end: first frame of the next shot, or the measured end of the video; > `start`.
        key_time: time of the sharpest sample inside; `None` if no sample fell into the shot.
        key_index: index of that sample, or `None`.
        mean_rgb: mean colour of its small frames: red, green, blue, 0 to 255.
        change_per_s: how fast the picture changes, gray levels a second; `None` for one look.
    """

    index: int
    start: Fraction
    end: Fraction
    key_time: Fraction | None
    key_index: int | None
    mean_rgb: tuple[float, float, float]
    change_per_s: float | None


@dataclass(frozen=True, slots=True)
class Looks:
    """Tiny versions of a medium's pictures and their perceptual hashes.

    Four a second of a video, up to 15 where much changes, fewer of more than an hour; one of an
    image. Of equal length, in order of time.

    Args:
        times_s: seconds since the first frame.
        hashes: 64-bit perceptual hash of each, read as signed; 0 where a look says nothing.
        inner_hashes: the same without 5 % at the border.
        pictures: (n, 32, 32) luma, uint8, row by row.
    """

    times_s: tuple[float, ...] = ()
    hashes: tuple[int, ...] = ()
    inner_hashes: tuple[int, ...] = ()
    pictures: bytes = b""


@dataclass(frozen=True, slots=True)
class DecodeReport:
    """What the pass found; always the last event.

    Args:
        status: `decoded` when everything was readable, otherwise `salvaged`.
        frames_decoded: intact frames that came out of the decoder.
        frames_lost: estimate: damaged frames, packets without a frame, index entries without data.
        frames_skipped: frames left undecoded on purpose; neither decoded nor lost.
        share_lost: 0 to 1, lost among decoded and lost (for an image: share of its rows).
        black_s: seconds of black picture (98 % of pixels below a tenth of full scale).
        frozen_s: seconds in stretches of at least half a second without any change.
        reasons: snake_case codes of what was wrong, each once, in order of appearance.
        width_px: upright width of the first frame.
        height_px: upright height of the first frame.
        duration: measured seconds from the first frame to the end of the last, exact; 0 for an
            image. The container's own claim is not used.
        samples: number of samples given.
        shots: number of shots given; 0 when only key frames were decoded, and for an image.
        looks: by what near duplicates are found.
    """

    status: Literal["decoded", "salvaged"]
    frames_decoded: int
    frames_lost: int
    frames_skipped: int
    share_lost: float
    black_s: float
    frozen_s: float
    reasons: tuple[str, ...]
    width_px: int
    height_px: int
    duration: Fraction
    samples: int
    shots: int
    looks: Looks = Looks()
