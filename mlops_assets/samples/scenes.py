"""Synthetic surveillance pictures: a textured backdrop, one object or none, a frame number."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError

SceneLabel = Literal["vehicle", "pedestrian", "empty"]
LABELS: tuple[SceneLabel, ...] = ("vehicle", "pedestrian", "empty")

CODE_BITS = 16
CODE_BLOCK_PX = 4
NOISE_LEVELS = 4.5
JITTER_PX = 48

_PALETTES: dict[str, tuple[int, int, int]] = {
    "north-gate": (90, 126, 84),
    "loading-dock": (206, 184, 216),
    "car-park": (168, 138, 96),
    "side-street": (58, 78, 124),
}
_OBJECT_SHARES: dict[SceneLabel, tuple[float, float]] = {
    "vehicle": (0.5, 0.34),
    "pedestrian": (0.17, 0.52),
    "empty": (0.0, 0.0),
}


@dataclass(frozen=True)
class Scene:
    """What a picture shows, and how it changes from frame to frame.

    Convention: positions and motions are (x, y), that is (column, row), y downwards, in pixels.

    Attributes:
        label: which object is shown; `empty` shows the backdrop only.
        backdrop: name of the place; the same name always gives the same texture.
        size: (width, height) in pixels.
        centre: centre of the object at frame 0; fractions are drawn with sub-pixel accuracy.
        motion: displacement of the object per frame; the backdrop stands still.
        colour: sRGB of the object before lighting.
        brightness: factor on every pixel except the frame number, > 0.
        seed: makes texture, framing and sensor noise; equal scenes are equal pixel by pixel.
    """

    label: SceneLabel = "vehicle"
    backdrop: str = "north-gate"
    size: tuple[int, int] = (320, 240)
    centre: tuple[float, float] = (160.0, 120.0)
    motion: tuple[float, float] = (0.0, 0.0)
    colour: tuple[int, int, int] = (205, 60, 45)
    brightness: float = 1.0
    seed: int = 0


def seed_of(*words: object) -> int:
    """A seed that depends on the words only, the same in every process.

    Args:
        words: anything whose text form identifies it.

    Returns:
        32-bit unsigned integer.
    """
    return zlib.crc32("/".join(map(str, words)).encode())


def object_size(scene: Scene) -> tuple[int, int]:
    """Width and height of the scene's object in pixels; (0, 0) for an empty scene."""
    shares = _OBJECT_SHARES[scene.label]
    return round(scene.size[0] * shares[0]), round(scene.size[1] * shares[1])


def draw_scene(scene: Scene, frame_number: int) -> NDArray[np.uint8]:
    """Draw one picture of a scene, with its frame number in the top left corner.

    Args:
        scene: what to draw.
        frame_number: 0 to 65535; moves the object and is readable by `read_frame_number`.

    Returns:
        (H, W, 3) uint8, sRGB.

    Raises:
        ShapeError: the picture is smaller than the frame number, 64 x 4 px.
    """
    canvas = _framed_backdrop(scene).copy()
    if scene.label != "empty":
        _paste(canvas, _sprite(scene), _corner(scene, frame_number))
    canvas += _noise(scene, frame_number)
    picture = np.clip(canvas, 0, 255, out=canvas).astype(np.uint8)
    return stamp_frame_number(picture, frame_number)


def stamp_frame_number(picture: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """A copy of the picture whose top left corner holds a number in black and white blocks.

    Args:
        picture: (H, W, 3) uint8 RGB, at least 64 px wide and 4 px high.
        number: 0 to 65535, written as 16 blocks of 4 x 4 px, most significant bit first.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ShapeError: the picture is too small, or the number needs more than 16 bits.
    """
    _require_room_for_code(picture)
    if not 0 <= number < 1 << CODE_BITS:
        raise ShapeError(f"frame number is {number}; expected 0 to {(1 << CODE_BITS) - 1}")
    bits = (number >> np.arange(CODE_BITS - 1, -1, -1)) & 1
    stamped = picture.copy()
    row = np.repeat(bits * 255, CODE_BLOCK_PX).astype(np.uint8)
    stamped[:CODE_BLOCK_PX, : CODE_BITS * CODE_BLOCK_PX] = row[None, :, None]
    return stamped


def read_frame_number(picture: NDArray[np.uint8]) -> int:
    """Read the number that `stamp_frame_number` wrote, after any ordinary compression.

    Args:
        picture: (H, W, 3) uint8 RGB, upright and in its original size.

    Returns:
        0 to 65535. There is no checksum: a picture without a number gives an arbitrary one.

    Raises:
        ShapeError: the picture is smaller than 64 x 4 px or has no three channels.
    """
    _require_room_for_code(picture)
    strip = picture[1 : CODE_BLOCK_PX - 1, : CODE_BITS * CODE_BLOCK_PX].mean(axis=(0, 2))
    levels = strip.reshape(CODE_BITS, CODE_BLOCK_PX)[:, 1:-1].mean(axis=1)
    return int(((levels > 127.5) << np.arange(CODE_BITS - 1, -1, -1)).sum())


def _require_room_for_code(picture: NDArray[np.uint8]) -> None:
    width, height = CODE_BITS * CODE_BLOCK_PX, CODE_BLOCK_PX
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise ShapeError(f"picture has shape {picture.shape}; expected (H, W, 3)")
    if picture.shape[0] < height or picture.shape[1] < width:
        raise ShapeError(f"picture has shape {picture.shape}; expected at least {height} x {width}")


def _noise(scene: Scene, frame_number: int) -> NDArray[np.float32]:
    """(H, W, 1) sensor noise, uniform, of the same amplitude by day and by night."""
    width, height = scene.size
    drawn = np.random.default_rng((scene.seed, frame_number)).bytes(width * height)
    noise = np.frombuffer(drawn, dtype=np.uint8).reshape(height, width, 1)
    return (noise - np.float32(127.5)) * np.float32(NOISE_LEVELS / 127.5)


@lru_cache(maxsize=16)
def _backdrop(name: str, size: tuple[int, int]) -> NDArray[np.float32]:
    """Sums of plane waves over a base colour, with a darker ground: texture at every scale."""
    rng = np.random.default_rng(seed_of("backdrop", name))
    base = np.array(_PALETTES.get(name, rng.integers(60, 200, 3)), dtype=np.float32)
    width, height = size
    texture = _plane_waves(rng, (width, height), count=14, shortest_px=14.0)
    ground = np.where(np.arange(height) > 0.55 * height, -22.0, 8.0)[:, None]
    return (base + (13.0 * texture + ground)[:, :, None]).astype(np.float32)


def _plane_waves(
    rng: np.random.Generator, size: tuple[int, int], *, count: int, shortest_px: float
) -> NDArray[np.float64]:
    """(H, W) field of about unit variance."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    field = np.zeros((size[1], size[0]))
    for _ in range(count):
        wave_number = 2 * np.pi / (shortest_px * np.exp(rng.uniform(0.0, 2.2)))
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        field += np.sin(wave_number * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    return field * np.sqrt(2.0 / count)


@lru_cache(maxsize=4)
def _framed_backdrop(scene: Scene) -> NDArray[np.float32]:
    """The backdrop as this recording frames and lights it: no two recordings are near copies."""
    width, height = scene.size
    whole = _backdrop(scene.backdrop, (width + JITTER_PX, height + JITTER_PX))
    rng = np.random.default_rng(seed_of("framing", scene.seed))
    left, top = rng.integers(0, JITTER_PX + 1, 2)
    slope = rng.uniform(-0.1, 0.1, 2)
    light = 1.0 + slope[0] * np.linspace(-1, 1, width)[None, :]
    light = light + slope[1] * np.linspace(-1, 1, height)[:, None]
    crop = whole[top : top + height, left : left + width]
    return (crop * (scene.brightness * light[:, :, None])).astype(np.float32)


@lru_cache(maxsize=4)
def _sprite(scene: Scene) -> NDArray[np.float32]:
    """(h, w, 4): lit colour times opacity, opacity; a rectangle, or for a pedestrian an ellipse."""
    width, height = object_size(scene)
    rng = np.random.default_rng(seed_of("sprite", scene.seed))
    texture = _plane_waves(rng, (width, height), count=10, shortest_px=4.0)
    colour = np.array(scene.colour)[None, None, :] + 38.0 * texture[:, :, None]
    opacity = np.ones((height, width))
    if scene.label == "pedestrian":
        x = (np.arange(width) + 0.5) / width * 2 - 1
        y = (np.arange(height) + 0.5) / height * 2 - 1
        opacity = np.clip((1.0 - np.hypot(x[None, :], y[:, None])) * width / 2, 0, 1)
    colour = np.clip(colour, 0, 255) * (scene.brightness * opacity[:, :, None])
    return np.dstack([colour, opacity]).astype(np.float32)


def _corner(scene: Scene, frame_number: int) -> tuple[float, float]:
    width, height = object_size(scene)
    return (
        scene.centre[0] + scene.motion[0] * frame_number - width / 2,
        scene.centre[1] + scene.motion[1] * frame_number - height / 2,
    )


def _paste(
    canvas: NDArray[np.float32], sprite: NDArray[np.float32], corner: tuple[float, float]
) -> None:
    """Blend a sprite into `canvas` in place, at a fractional position, clipped at the borders."""
    left, top = (int(np.floor(value)) for value in corner)
    shifted = _shift(sprite, corner[0] - left, corner[1] - top)
    height, width = canvas.shape[:2]
    rows = slice(max(0, -top), max(0, min(shifted.shape[0], height - top)))
    columns = slice(max(0, -left), max(0, min(shifted.shape[1], width - left)))
    part = shifted[rows, columns]
    if part.size == 0:
        return
    y, x = top + rows.start, left + columns.start
    under = canvas[y : y + part.shape[0], x : x + part.shape[1]]
    under *= 1.0 - part[:, :, 3:]
    under += part[:, :, :3]


def _shift(sprite: NDArray[np.float32], right: float, down: float) -> NDArray[np.float32]:
    """Bilinear shift by less than one pixel; one pixel wider and higher than the sprite."""
    padded = np.pad(sprite, ((1, 1), (1, 1), (0, 0)))
    rows = (1 - down) * padded[1:] + down * padded[:-1]
    return ((1 - right) * rows[:, 1:] + right * rows[:, :-1]).astype(np.float32)
