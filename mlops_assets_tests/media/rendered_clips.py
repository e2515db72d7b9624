"""Clips whose truth is known: the frame number is in the pixels, as eight black or white bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 10


def numbered_picture(
    number: int, *, width: int = 160, height: int = 96, colour: tuple[int, int, int] = (90, 120, 60)
) -> NDArray[np.uint8]:
    """A plain RGB picture with `number` as bars along the top third, least bit on the left."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = colour
    step = width // BITS
    for bit in range(BITS):
        picture[: height // 3, bit * step : (bit + 1) * step] = 255 * (number >> bit & 1)
    return picture


def read_number(rgb: NDArray[np.uint8]) -> int:
    """The number in an upright picture of any size."""
    height, width = rgb.shape[:2]
    row = rgb[height // 6, :, 1]
    centres = [int((bit + 0.5) * (width // BITS * BITS) / BITS) for bit in range(BITS)]
    return sum(1 << bit for bit, at in enumerate(centres) if row[at] > 127)


def write_clip(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    *,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    codec: str = "libx264",
    rotation: int | None = None,
    matrix: list[int] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode RGB pictures; without `pts` one per tick of `time_base`."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=Fraction(25), options=options or {})
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = time_base
        stream.time_base = time_base
        if rotation is not None:
            stream.set_display_rotation(rotation)
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for index, picture in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = pts[index] if pts else index, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_numbered_clip(path: Path, count: int, **options) -> Path:
    """`count` numbered pictures at 25 a second (or as the options say)."""
    return write_clip(path, (numbered_picture(number) for number in range(count)), **options)
