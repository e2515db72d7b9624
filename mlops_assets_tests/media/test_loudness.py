"""Levels of sounds that are made with known ones."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from mlops_assets.filters import judge_sound
from mlops_assets.media.loudness import FLOOR_DB, SoundLevels
from mlops_assets.media.sounds import decode_sound, measure_sound

RATE = 48_000


def written(path: Path, samples: np.ndarray, *, rate: int = RATE) -> Path:
    """A WAV of (channels, N) samples in [-1, 1]."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.T * 32_767).astype("<i2").tobytes())
    return path


def tone(hertz: float, *, level: float = 0.5, seconds: float = 1.5, rate: int = RATE) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)[None]


def measured(path: Path, samples: np.ndarray, *, rate: int = RATE) -> SoundLevels:
    levels = measure_sound(written(path, samples, rate=rate))
    assert levels is not None
    return levels


def test_a_tone_has_the_level_it_was_made_with(tmp_path: Path) -> None:
    levels = measured(tmp_path / "a", tone(1_000, level=0.1))
    assert levels.level_db == pytest.approx(-23.0, abs=0.1)
    assert levels.measured_s == pytest.approx(1.5)
    assert judge_sound(levels) == ()


def test_a_tone_above_hearing_has_its_level_there(tmp_path: Path) -> None:
    levels = measured(tmp_path / "a", tone(19_000, level=0.1))
    assert levels.ultrasonic_db == pytest.approx(-23.0, abs=0.5)
    assert [one.code for one in judge_sound(levels)] == ["ultrasonic_audio"]


def test_silence_is_at_the_floor(tmp_path: Path) -> None:
    levels = measured(tmp_path / "a", np.zeros((2, RATE)))
    assert (levels.level_db, levels.ultrasonic_db) == (FLOOR_DB, FLOOR_DB)
    assert [one.code for one in judge_sound(levels)] == ["silent_audio"]


def test_channels_do_not_cancel_out(tmp_path: Path) -> None:
    both = np.vstack((tone(440), -tone(440)))
    assert measured(tmp_path / "a", both).level_db == pytest.approx(-9.0, abs=0.1)


def test_one_loud_moment_is_enough(tmp_path: Path) -> None:
    quiet = np.zeros((1, 10 * RATE))
    quiet[0, 5 * RATE : 6 * RATE] = tone(440, seconds=1)[0]
    assert measured(tmp_path / "a", quiet).level_db > -15


def test_noise_is_no_more_above_hearing_than_below(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (1, 3 * RATE)).clip(-1, 1)
    levels = measured(tmp_path / "a", noise)
    assert levels.ultrasonic_excess_db == pytest.approx(3, abs=3)
    assert judge_sound(levels) == ()


def test_slow_sampling_holds_nothing_above_hearing(tmp_path: Path) -> None:
    levels = measured(tmp_path / "a", tone(440, rate=16_000), rate=16_000)
    assert levels.ultrasonic_db is None
    assert levels.ultrasonic_excess_db is None


def test_measuring_stops_at_its_bound(tmp_path: Path) -> None:
    path = written(tmp_path / "a", tone(440, seconds=20))
    levels = measure_sound(path, max_s=2)
    assert levels is not None
    assert 2 <= levels.measured_s < 4


def test_what_is_no_sound_has_no_levels(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + bytes(100))
    assert measure_sound(path) is None


def test_only_the_last_report_has_levels(tmp_path: Path) -> None:
    *before, last = decode_sound(written(tmp_path / "a", tone(440)))
    assert last.levels is not None
    assert last.duration_s == pytest.approx(1.5)
    assert all(one.levels is None for one in before)
