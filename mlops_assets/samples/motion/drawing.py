"""The two pictures of a scene, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlops_assets.samples.motion.layers import Layer, Light, MotionScene, Texture

_TEXTURE_PX = 768
_LEAVES = 6000
_SUBPIXELS = 3
_EXPOSURES = 7

_Plane = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class MotionPair:
    """Two pictures and the truth about them.

    Attributes:
        first: uint8 (H, W), gray.
        second: uint8 (H, W), gray.
        flow: float32 (2, H, W), the exact motion of what the centre of each pixel of `first` shows.
        occluded: bool (H, W), what `second` does not show: covered by another layer, or outside.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    flow: NDArray[np.float32]
    occluded: NDArray[np.bool_]


def render_motion(scene: MotionScene) -> MotionPair:
    """Take the two pictures of a scene, and work out the truth.

    Pictures are anti-aliased: a pixel is the mean of 3 x 3 points, each exact.

    Args:
        scene: what to draw.

    Returns:
        The pair. The same scene gives the same pair on every machine, but for rounding.
    """
    rng = np.random.default_rng(scene.seed)
    first, second = (
        _taken(scene, light, when, rng) for when, light in ((0.0, scene.first), (1.0, scene.second))
    )
    width, height = scene.size
    x, y = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
    flow, occluded = exact_motion(scene, x, y)
    return MotionPair(first, second, flow.astype(np.float32), occluded)


def exact_motion(scene: MotionScene, x: _Plane, y: _Plane) -> tuple[_Plane, NDArray[np.bool_]]:
    """Where the points seen at (x, y) in the first picture are in the second.

    Args:
        scene: with its layers.
        x: any shape, px.
        y: the same shape.

    Returns:
        flow (2, ...), and which points the second picture does not show.
    """
    owner = _owner(scene, x, y, 0.0)
    there_x, there_y = np.empty(owner.shape), np.empty(owner.shape)
    for index, layer in enumerate(scene.layers):
        mine = owner == index
        matrix = layer.motion.matrix(layer.centre, 1.0)
        there_x[mine], there_y[mine] = _moved(matrix, x[mine], y[mine])
    width, height = scene.size
    outside = (there_x < 0) | (there_x > width - 1) | (there_y < 0) | (there_y > height - 1)
    occluded = outside | (_owner(scene, there_x, there_y, 1.0) != owner)
    return np.stack([there_x - x, there_y - y]), occluded


def scene_levels(scene: MotionScene, x: _Plane, y: _Plane, *, when: float) -> _Plane:
    """Gray levels of a scene at exact points, before light, noise and anti-aliasing.

    Args:
        scene: what to look at.
        x: any shape, px.
        y: the same shape.
        when: 0 for the first picture, 1 for the second, or any moment between.

    Returns:
        The same shape, about 0 to 255.
    """
    owner = _owner(scene, x, y, when)
    levels = np.empty(owner.shape)
    for index, layer in enumerate(scene.layers):
        mine = owner == index
        levels[mine] = _texture_levels(layer, *_at_start(layer, x[mine], y[mine], when))
    return levels


def _owner(scene: MotionScene, x: _Plane, y: _Plane, when: float) -> NDArray[np.intp]:
    """Index of the layer in front at each point."""
    owner = np.zeros(np.shape(x), dtype=np.intp)
    for index, layer in enumerate(scene.layers[1:], start=1):
        owner[_is_inside(layer, *_at_start(layer, x, y, when))] = index
    return owner


def _at_start(layer: Layer, x: _Plane, y: _Plane, when: float) -> tuple[_Plane, _Plane]:
    """Where the points of a layer were at the first moment."""
    return _moved(np.linalg.inv(layer.motion.matrix(layer.centre, when)), x, y)


def _moved(matrix: _Plane, x: _Plane, y: _Plane) -> tuple[_Plane, _Plane]:
    across, down, scale = (row[0] * x + row[1] * y + row[2] for row in matrix)
    return across / scale, down / scale


def _is_inside(layer: Layer, x: _Plane, y: _Plane) -> NDArray[np.bool_]:
    x = (x - layer.centre[0]) / np.sqrt(layer.stretch)
    y = (y - layer.centre[1]) * np.sqrt(layer.stretch)
    angle, phase = np.arctan2(y, x), layer.seed % 7
    waves = np.sin(3 * angle + phase) + np.sin(5 * angle + 2 * phase)
    return np.hypot(x, y) <= layer.radius_px * (1 + 0.5 * layer.wobble * waves)


def _texture_levels(layer: Layer, x: _Plane, y: _Plane) -> _Plane:
    """A cubic spline through a drawn picture: smooth, and defined everywhere."""
    from scipy.ndimage import map_coordinates

    middle = _TEXTURE_PX / 2
    points = np.stack([y - layer.centre[1] + middle, x - layer.centre[0] + middle])
    spline = _texture(layer.texture, layer.seed)
    return map_coordinates(spline, points, order=3, mode="mirror", prefilter=False)


@lru_cache(maxsize=8)
def _texture(kind: Texture, seed: int) -> _Plane:
    """Coefficients of the spline.

    Reference for `leaves`: Lee, Mumford, Huang 2001, doi:10.1023/A:1011109015675.
    """
    import cv2
    from scipy.ndimage import spline_filter

    rng = np.random.default_rng(seed)
    side = _TEXTURE_PX
    if kind == "plain":
        ramp = np.linspace(-1, 1, side)
        slope = rng.uniform(-12, 12, 2)
        return spline_filter(rng.uniform(60, 200) + slope[0] * ramp + slope[1] * ramp[:, None])
    drawn = np.full((side, side), rng.uniform(60, 200), dtype=np.float32)
    places = rng.integers(0, side, (_LEAVES, 2)).tolist()
    radii_px = np.rint(3 * rng.uniform(0.0006, 1, _LEAVES) ** -0.5).astype(int).tolist()
    shades = rng.uniform(25, 230, _LEAVES).tolist()
    for place, radius_px, shade in zip(places, radii_px, shades, strict=True):
        cv2.circle(drawn, place, radius_px, shade, -1)
    for sigma_px, levels in ((0.8, 4), (2, 5), (8, 10)):
        noise = rng.standard_normal((side, side), dtype=np.float32)
        grain = cv2.GaussianBlur(noise, (0, 0), sigma_px)
        drawn += levels * grain / grain.std()
    return spline_filter(cv2.GaussianBlur(drawn, (0, 0), 0.7))


def _taken(
    scene: MotionScene, light: Light, when: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """One picture: the mean of points and moments, lit, with noise, in whole levels."""
    width, height = scene.size
    parts = (np.arange(_SUBPIXELS) + 0.5) / _SUBPIXELS - 0.5
    x = (np.arange(width)[:, None] + parts).reshape(1, -1) + np.zeros((height * _SUBPIXELS, 1))
    y = (np.arange(height)[:, None] + parts).reshape(-1, 1) + np.zeros((1, width * _SUBPIXELS))
    moments = when + light.shutter * np.linspace(-0.5, 0.5, _EXPOSURES if light.shutter else 1)
    exposures = [scene_levels(scene, x, y, when=moment) for moment in moments]
    levels = np.mean(exposures, axis=0)
    levels = levels.reshape(height, _SUBPIXELS, width, _SUBPIXELS).mean(axis=(1, 3))
    lit = 255 * light.gain * np.clip(levels / 255, 0, 1) ** light.gamma
    lit *= 1 - light.shadow * _shade(scene.size)
    lit += light.noise_levels * rng.standard_normal(lit.shape)
    return np.rint(np.clip(lit, 0, 255)).astype(np.uint8)


def _shade(size: tuple[int, int]) -> _Plane:
    """(H, W), 1 at a third of the picture, falling off softly."""
    width, height = size
    x, y = np.arange(width)[None, :] - width / 3, np.arange(height)[:, None] - height / 3
    return np.exp(-8 * (x**2 + y**2) / (width**2 + height**2))
