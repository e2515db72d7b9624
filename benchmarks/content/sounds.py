"""Sounds with nothing on them, with something too high to hear, and ordinary ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]
SECONDS = 4


def silent(half: str, count: int, seed: int) -> Iterator[tuple[Sound, int]]:
    """Digital silence, and hiss far below what is heard."""
    rng = np.random.default_rng([seed, len(half), 1])
    for number in range(count):
        rate = (44_100, 48_000, 16_000)[number % 3]
        level = 10 ** (rng.uniform(-110, -72) / 20)
        hiss = rng.normal(0, level, rate * SECONDS)
        yield (hiss * 0 if number % 3 == 0 else hiss), rate


def ultrasonic(half: str, count: int, seed: int) -> Iterator[tuple[Sound, int]]:
    """Something ordinary, and above it a carrier: plain, spoken on, or of bits."""
    rng = random.Random(f"{seed}/{half}/high")
    ordinary = _ordinary(half, count, seed + 1)
    for sound, rate in ordinary:
        if rate < 40_000:
            sound, rate = np.zeros(48_000 * SECONDS), 48_000
        low, high = (17_800, 19_500) if half == "tuned" else (18_200, 21_000)
        time = np.arange(len(sound)) / rate
        carrier = np.sin(2 * np.pi * rng.uniform(low, high) * time)
        kind = rng.choice(
            ("plain", "spoken", "bits") if half == "held_out" else ("plain", "spoken")
        )
        if kind == "spoken":
            carrier *= 0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(80, 900) * time)
        if kind == "bits":
            carrier *= np.repeat(rng.choices((0.0, 1.0), k=len(sound) // 400 + 1), 400)[
                : len(sound)
            ]
        yield np.clip(sound + 10 ** (rng.uniform(-45, -12) / 20) * carrier, -1, 1), rate


def ordinary(half: str, count: int, seed: int) -> Iterator[tuple[Sound, int]]:
    """Noise of several colours, chords, sweeps, clicks, quiet rooms."""
    yield from _ordinary(half, count, seed)


def _ordinary(half: str, count: int, seed: int) -> Iterator[tuple[Sound, int]]:
    rng = np.random.default_rng([seed, len(half), 2])
    kinds = (
        ("white", "pink", "chord", "clicks")
        if half == "tuned"
        else ("brown", "hum", "sweep", "blue")
    )
    for number in range(count):
        rate = (48_000, 44_100, 22_050)[number % 3]
        yield _made(kinds[number % 4], rate, rng) * 10 ** (rng.uniform(-40, -3) / 20), rate


def _made(kind: str, rate: int, rng: np.random.Generator) -> Sound:
    count = rate * SECONDS
    time = np.arange(count) / rate
    noise = rng.normal(0, 0.2, count)
    if kind in ("white", "pink", "brown", "blue"):
        slope = {"white": 0.0, "pink": -0.5, "brown": -1.0, "blue": 0.5}[kind]
        hertz = np.maximum(np.fft.rfftfreq(count, 1 / rate), 20)
        shaped = np.fft.irfft(np.fft.rfft(noise) * hertz**slope, count)
        return 0.5 * shaped / np.abs(shaped).max()
    if kind == "chord":
        return (
            sum(np.sin(2 * np.pi * f * time) for f in rng.uniform(100, 3_000, 4)) / 5 + noise / 50
        )
    if kind == "clicks":
        return np.where(rng.random(count) < 1e-4, 0.9, 0.0) + noise / 100
    if kind == "hum":
        return np.sign(np.sin(2 * np.pi * 50 * time)) * 0.4 + noise / 100
    top = rng.uniform(6_000, 10_000)
    return 0.6 * np.sin(np.pi * top / SECONDS * time**2) + noise / 50


def write(path: Path, sound: Sound, rate: int) -> None:
    """As WAV, 16 bits."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())
