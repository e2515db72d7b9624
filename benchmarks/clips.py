"""Clips that cost what real ones cost: textured moving pictures with noise, H.264 with B-frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Options

RATE = 25
NOISE_LEVELS = 5.5
SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi"}


@dataclass(frozen=True)
class ClipSize:
    """Width and height in pixels, length in seconds."""

    width: int = 1280
    height: int = 720
    seconds: int = 10


SMALL = ClipSize(320, 180, 2)


def clips(options: Options, count: int, size: ClipSize | None = None) -> list[Path]:
    """So many clips: real ones where a folder of them is given, else rendered ones from the cache.

    Args:
        options: where, and with which seed.
        count: how many; fewer when the folder of real clips has fewer.
        size: of rendered clips; 720p and 10 s for None, or small ones when quick.
    """
    if options.clips is not None:
        found = sorted(p for p in options.clips.rglob("*") if p.suffix.lower() in SUFFIXES)
        return found[:count]
    size = size or (SMALL if options.quick else ClipSize())
    return [_rendered(options, size, number) for number in range(count)]


def _rendered(options: Options, size: ClipSize, number: int) -> Path:
    name = f"clip-{size.width}x{size.height}-{size.seconds}s-{options.seed}-{number:02}.mp4"
    path = options.cache / name
    if not path.exists():
        options.cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part.mp4")
        _encode(unfinished, size, np.random.default_rng([options.seed, number]))
        unfinished.replace(path)
    return path


def _encode(path: Path, size: ClipSize, rng: np.random.Generator) -> None:
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23", "threads": "1"}
        pan, noise = _texture(size, rng), _noise(size, rng)
        for number in range(RATE * size.seconds):
            picture = _picture(pan, noise, number, size)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _texture(size: ClipSize, rng: np.random.Generator) -> NDArray[np.int16]:
    """A scene twice as wide as the picture: detail at several scales, as in nature."""
    import cv2

    wide = (2 * size.width, size.height + 64)
    scene = np.zeros((wide[1], wide[0], 3), np.float32)
    for cells, weight in ((6, 60.0), (24, 30.0), (96, 18.0), (384, 8.0)):
        coarse = rng.standard_normal((max(2, cells // 2), cells, 3)).astype(np.float32)
        scene += weight * cv2.resize(coarse, wide, interpolation=cv2.INTER_CUBIC)
    return (scene + 128).clip(0, 255).astype(np.int16)


def _noise(size: ClipSize, rng: np.random.Generator) -> NDArray[np.int16]:
    shape = (size.height + 32, size.width + 32, 1)
    return (rng.standard_normal(shape) * NOISE_LEVELS).round().astype(np.int16)


def _picture(
    pan: NDArray[np.int16], noise: NDArray[np.int16], number: int, size: ClipSize
) -> NDArray[np.uint8]:
    """The camera pans two pixels a frame, an object crosses faster, the sensor is noisy."""
    across, down = 2 * number % size.width, (number // 2) % 64
    picture = pan[down : down + size.height, across : across + size.width].copy()
    side = size.height // 4
    left = 7 * number % (size.width - side)
    picture[side : 2 * side, left : left + side] = pan[:side, -side:]
    top, start = 13 * number % 32, 17 * number % 32
    picture += noise[top : top + size.height, start : start + size.width]
    return picture.clip(0, 255).astype(np.uint8)
