"""How loud a sound is, and how loud above what people hear, in memory that does not grow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.resampler import AudioResampler

FLOOR_DB = -120.0
"""What silence counts as."""
ULTRASONIC_HZ = 17_000
"""Few adults hear anything from here on."""
LEAST_RATE_HZ = 36_000
"""Sampling rate below which a sound holds nothing up there."""

_AUDIBLE_HZ = (12_000, 16_000)
_TOP_HZ = 24_000
_BLOCK_SAMPLES = 2048
_BLOCKS = 8
_BAND_BINS = 3
_MAX_CHANNELS = 2


@dataclass(frozen=True, slots=True)
class SoundLevels:
    """Levels of a sound, each that of its loudest stretch of some 0.4 s.

    Attributes:
        level_db: over all frequencies; 0 is full scale, `FLOOR_DB` silence.
        ultrasonic_db: from 17 kHz up; None where the sampling rate is below 36 kHz.
        ultrasonic_excess_db: how much louder the loudest 70 Hz up there are than as many between 12
            and 16 kHz, at the same moment; None likewise. Noise is some 4 dB, other sound below.
        measured_s: seconds of sound that were measured.
    """

    level_db: float
    ultrasonic_db: float | None
    ultrasonic_excess_db: float | None
    measured_s: float


class LoudnessMeter:
    """Measures a sound as it is decoded.

    Blocks of 2,048 samples under a Hann window go through a Fourier transform; eight of them make a
    stretch. At most two channels are measured, each by itself, so that no two cancel out.
    """

    def __init__(self) -> None:
        self._resampler: AudioResampler | None = None
        self._rate_hz = 0
        self._pending: list[NDArray[np.float32]] = []
        self._pending_samples = 0
        self._samples = 0
        self._level = 0.0
        self._ultrasonic = 0.0
        self._excess = 0.0

    def see(self, frame: AudioFrame) -> None:
        """Take in a decoded frame. One of another rate or layout than the first is left out."""
        from av.audio.resampler import AudioResampler
        from av.error import FFmpegError

        self._rate_hz = self._rate_hz or frame.sample_rate
        if frame.sample_rate != self._rate_hz or not frame.samples:
            return
        if self._resampler is None:
            self._resampler = AudioResampler(format="fltp")
        try:
            converted_frames = self._resampler.resample(frame)
        except (FFmpegError, ValueError):
            return
        for converted in converted_frames:
            channels = np.asarray(converted.to_ndarray(), dtype=np.float32)[:_MAX_CHANNELS]
            self._samples += channels.shape[1]
            self._pending.append(np.nan_to_num(channels, posinf=1, neginf=-1))
            self._pending_samples += channels.shape[1]
        if self._pending_samples >= _BLOCKS * _BLOCK_SAMPLES:
            self._measure()

    def levels(self) -> SoundLevels:
        """The levels so far; what has not filled a stretch counts as one."""
        if self._pending_samples:
            self._measure(is_end=True)
        has_top = self._rate_hz >= LEAST_RATE_HZ
        return SoundLevels(
            level_db=_decibels(self._level),
            ultrasonic_db=_decibels(self._ultrasonic) if has_top else None,
            ultrasonic_excess_db=_decibels(self._excess) if has_top else None,
            measured_s=self._samples / self._rate_hz if self._rate_hz else 0.0,
        )

    def _measure(self, *, is_end: bool = False) -> None:
        fewest = min(len(one) for one in self._pending)
        samples = np.concatenate([one[:fewest] for one in self._pending], axis=1)
        stretch = _BLOCKS * _BLOCK_SAMPLES
        count = samples.shape[1] // stretch
        rest = samples[:, count * stretch :]
        for part in np.split(samples[:, : count * stretch], max(count, 1), axis=1):
            self._measure_stretch(part)
        if is_end:
            self._measure_stretch(rest)
            rest = rest[:, :0]
        self._pending = [rest] if rest.size else []
        self._pending_samples = rest.shape[1]

    def _measure_stretch(self, part: NDArray[np.float32]) -> None:
        if not part.size:
            return
        self._level = max(self._level, float(np.square(part).mean(axis=1).max()))
        if self._rate_hz < LEAST_RATE_HZ or part.shape[1] < _BLOCK_SAMPLES:
            return
        for channel in part:
            self._measure_spectrum(channel)

    def _measure_spectrum(self, channel: NDArray[np.float32]) -> None:
        blocks = channel[: len(channel) // _BLOCK_SAMPLES * _BLOCK_SAMPLES]
        window = np.hanning(_BLOCK_SAMPLES)
        spectrum = np.fft.rfft(blocks.reshape(-1, _BLOCK_SAMPLES) * window, axis=1)
        power = np.square(np.abs(spectrum)).mean(axis=0) * 2 / (window**2).sum() / _BLOCK_SAMPLES
        hertz = np.arange(len(power)) * self._rate_hz / _BLOCK_SAMPLES
        top = power[(hertz >= ULTRASONIC_HZ) & (hertz <= _TOP_HZ)]
        below = power[(hertz >= _AUDIBLE_HZ[0]) & (hertz <= _AUDIBLE_HZ[1])]
        if top.sum() > self._ultrasonic:
            self._ultrasonic = float(top.sum())
            band = np.convolve(top, np.full(_BAND_BINS, 1 / _BAND_BINS), "valid").max()
            self._excess = float(band / max(below.mean(), 1e-16))


def _decibels(power: float) -> float:
    return max(FLOOR_DB, 10 * math.log10(power)) if power > 0 else FLOOR_DB
