"""Scenes, clips and their variants, of which it is known which show the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
RATE, SECONDS = 24, 8


def scene(rng: np.random.Generator, size: tuple[int, int], *, is_held_out: bool) -> Picture:
    """A picture: a textured ground with figures on it; held out ones are made in another way."""
    import cv2

    ground = _tiles(rng, size) if is_held_out else _clouds(rng, size)
    for _ in range(int(rng.integers(2, 9))):
        _figure(ground, rng, float(rng.uniform(0.005, 0.12)))
    return cv2.GaussianBlur(ground, (0, 0), float(rng.uniform(0.4, 1.5)))


def _clouds(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Noise whose power falls with frequency, as in pictures of nature."""
    width, height = size
    radius = np.hypot(np.fft.rfftfreq(width)[None], np.fft.fftfreq(height)[:, None])
    radius[0, 0] = 1
    weight = radius ** -rng.uniform(0.8, 1.6)
    noises = [np.fft.rfft2(rng.normal(size=(height, width))) * weight for _ in range(4)]
    planes = [np.fft.irfft2(noise, (height, width)) for noise in noises]
    levels = [plane / plane.std() for plane in planes]
    mixed = np.stack([0.6 * levels[3] + 0.4 * level for level in levels[:3]], axis=-1)
    lit = rng.uniform(70, 170) + rng.uniform(15, 40) * mixed
    return np.ascontiguousarray(np.clip(lit, 0, 255).astype(np.uint8))


def _tiles(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Cells around random points, each of its own colour, under a slope of light, with grain."""
    width, height = size
    points = rng.uniform(0, 1, (int(rng.integers(8, 60)), 2)) * (width, height)
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    away = [(columns - x) ** 2 + (rows - y) ** 2 for x, y in points]
    colours = rng.normal(rng.uniform(80, 160), rng.uniform(20, 45), (len(points), 3))
    slope = rng.uniform(-50, 50) * columns / width + rng.uniform(-50, 50) * rows / height
    lit = colours[np.argmin(away, axis=0)] + slope[..., None] + rng.normal(0, 5, (height, width, 3))
    return np.ascontiguousarray(np.clip(lit, 0, 255).astype(np.uint8))


def _figure(
    picture: Picture, rng: np.random.Generator, share: float, at: tuple[float, float] | None = None
) -> None:
    """Draw an ellipse or a polygon of a share of the picture into it."""
    import cv2

    height, width = picture.shape[:2]
    side = np.sqrt(share * height * width)
    stretch = rng.uniform(0.7, 1.4)
    middle = at if at is not None else rng.uniform(0, 1, 2) * (width, height)
    colour = tuple(int(level) for level in rng.integers(0, 256, 3))
    half = np.array([side * stretch, side / stretch]) / 2
    if rng.random() < 0.5:
        angles = np.linspace(0, 2 * np.pi, 40)
    else:
        angles = np.arange(4) * np.pi / 2 + np.pi / 4
        half = half * np.sqrt(2)
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * half * 1.1 + middle
    points = np.round(outline * 16).astype(np.int32)
    cv2.fillPoly(picture, [points], colour, cv2.LINE_AA, shift=4)


def same_place(picture: Picture, rng: np.random.Generator) -> Picture:
    """The same place with something else in it, of 4 to 12 % of the picture."""
    changed = picture.copy()
    height, width = picture.shape[:2]
    at = (rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height)
    _figure(changed, rng, float(rng.uniform(0.04, 0.12)), at)
    return changed


def dull_pictures(rng: np.random.Generator, size: tuple[int, int]) -> dict[str, Picture]:
    """Pictures that say nothing: black, blank, a slope, a page of text."""
    width, height = size
    slope = np.linspace(60, 60 + rng.uniform(40, 150), width)[None, :, None]
    return {
        "black": np.clip(rng.normal(2, 1.5, (height, width, 3)), 0, 255).astype(np.uint8),
        "blank": np.clip(rng.normal(250, 1, (height, width, 3)), 0, 255).astype(np.uint8),
        "slope": np.broadcast_to(slope, (height, width, 3)).astype(np.uint8),
        "page": _page(rng, size),
    }


def _page(rng: np.random.Generator, size: tuple[int, int]) -> Picture:
    import cv2

    width, height = size
    page = np.full((height, width, 3), 252, np.uint8)
    for top in range(20, height - 20, 12):
        words = " ".join("x" * int(length) for length in rng.integers(1, 9, 12))
        if rng.random() < 0.85:
            cv2.putText(page, words[: int(rng.integers(20, 60))], (20, top), 0, 0.35, (30, 30, 30))
    return page


def _cropped(top: float, bottom: float, left: float, right: float) -> Callable[[Picture], Picture]:
    def cut(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        rows = slice(round(top * height), round((1 - bottom) * height))
        return picture[rows, round(left * width) : round((1 - right) * width)]

    return cut


def _scaled(factor: float) -> Callable[[Picture], Picture]:
    def scale(picture: Picture) -> Picture:
        import cv2

        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        scaled = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how)
        return np.asarray(scaled, dtype=np.uint8)

    return scale


def _relit(gain: float, offset: float, gamma: float = 1.0) -> Callable[[Picture], Picture]:
    def relight(picture: Picture) -> Picture:
        lit = 255 * (picture / 255.0) ** gamma
        return np.clip((lit - 128) * gain + 128 + offset, 0, 255).astype(np.uint8)

    return relight


def _kept(picture: Picture) -> Picture:
    return picture


def _together(picture: Picture) -> Picture:
    return _scaled(0.5)(_relit(1.15, 10)(_cropped(0.02, 0.03, 0.03, 0.02)(picture)))


@dataclass(frozen=True)
class Variant:
    """A change of a picture, and the quality of the JPEG it is then stored as."""

    name: str
    change: Callable[[Picture], Picture]
    quality: int = 85


VARIANTS = (
    Variant("resized", _scaled(0.4)),
    Variant("enlarged", _scaled(1.7)),
    Variant("re-encoded", _kept, 15),
    Variant("cropped, centre", _cropped(0.025, 0.025, 0.025, 0.025)),
    Variant("cropped, corner", _cropped(0.05, 0, 0.05, 0)),
    Variant("cropped, side", _cropped(0, 0, 0, 0.05)),
    Variant("cropped, every border", _cropped(0.05, 0.05, 0.05, 0.05)),
    Variant("brighter", _relit(1.0, 40)),
    Variant("darker", _relit(1.0, -40)),
    Variant("more contrast", _relit(1.4, 0)),
    Variant("less contrast", _relit(0.6, 0)),
    Variant("gamma", _relit(1.0, 0, 0.7)),
    Variant("all at once", _together, 40),
)


@dataclass(frozen=True)
class Film:
    """A place, things that move through it, and a camera that stands or pans."""

    ground: Picture
    movers: tuple[tuple[int, float, tuple[float, float], tuple[float, float]], ...]
    pan_px_s: float

    def picture(self, time_s: float, size: tuple[int, int]) -> Picture:
        """What the camera sees at a time."""
        left = round(self.pan_px_s * time_s) if self.pan_px_s >= 0 else 0
        shown = self.ground[: size[1], left : left + size[0]].copy()
        for seed, share, (x, y), (dx, dy) in self.movers:
            at = (
                ((x + dx * time_s) % 1.2 - 0.1) * size[0],
                ((y + dy * time_s) % 1.2 - 0.1) * size[1],
            )
            _figure(shown, np.random.default_rng(seed), share, at)
        return shown


def film(
    rng: np.random.Generator, size: tuple[int, int], ground: Picture | None, *, is_held_out: bool
) -> Film:
    """A film of a new place before a camera that pans, or of a given one before one that stands."""
    pan_px_s = 0.0 if ground is not None or rng.random() < 0.5 else float(rng.uniform(5, 25))
    wide = (size[0] + 25 * SECONDS + 1, size[1])
    place = ground if ground is not None else scene(rng, wide, is_held_out=is_held_out)
    movers = tuple(
        (
            int(rng.integers(2**31)),
            float(rng.uniform(0.03, 0.09)),
            (float(rng.uniform(0, 1)), float(rng.uniform(0.1, 0.9))),
            (
                float(rng.uniform(0.05, 0.3)) * float(rng.choice((-1, 1))),
                float(rng.normal(0, 0.03)),
            ),
        )
        for _ in range(int(rng.integers(1, 4)))
    )
    return Film(place, movers, pan_px_s)


def pictures_of(
    one: Film, size: tuple[int, int], start_s: float, length_s: float, rate: int
) -> Iterator[Picture]:
    """The frames of a stretch of a film."""
    for number in range(round(length_s * rate)):
        yield one.picture(start_s + number / rate, size)


def write_clip(path: Path, pictures: Iterator[Picture], rate: int, codec: str, **told: str) -> None:
    """Encode frames of one size; the sides are made even."""
    import av

    with av.open(path, "w") as container:
        stream: Any = None
        for picture in pictures:
            even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=told)
                stream.height, stream.width = even.shape[:2]
                stream.pix_fmt = "yuv420p"
                if codec != "libx264":
                    stream.bit_rate = 200_000
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="bgr24")
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())
