"""Random scenes of a kind: how far things move, and what makes it hard to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlops_assets.errors import ConfigurationError
from mlops_assets.samples.motion.layers import Layer, Light, Motion, MotionScene, Texture

MotionKind = Literal["small", "large", "dark", "noisy", "lighting", "blurred", "plain"]


_CLEAR = Light(noise_levels=1.0)
_DARK = Light(gain=0.2, noise_levels=2.0)
_NOISY = Light(noise_levels=10.0)
_BLURRED = Light(noise_levels=1.0, shutter=0.5)
_LATER = Light(gain=0.9, gamma=1.15, shadow=0.25, noise_levels=1.0)


@dataclass(frozen=True)
class SceneKind:
    """What scenes of a kind have in common.

    Attributes:
        reach_px: the longest motion.
        size: (width, height), px, unless another is asked for.
        objects: layers before the background.
        plain_share: how likely a layer is to have next to no texture.
        first: light of the first picture.
        second: light of the second.
    """

    reach_px: float
    size: tuple[int, int] = (320, 240)
    objects: int = 4
    plain_share: float = 0.0
    first: Light = _CLEAR
    second: Light = _CLEAR


MOTION_SCENES: dict[MotionKind, SceneKind] = {
    "small": SceneKind(reach_px=6),
    "large": SceneKind(reach_px=60, size=(512, 384)),
    "dark": SceneKind(reach_px=10, first=_DARK, second=_DARK),
    "noisy": SceneKind(reach_px=10, first=_NOISY, second=_NOISY),
    "lighting": SceneKind(reach_px=10, second=_LATER),
    "blurred": SceneKind(reach_px=16, first=_BLURRED, second=_BLURRED),
    "plain": SceneKind(reach_px=10, plain_share=0.5),
}
"""The kinds of scene `motion_scene` draws: how far things move, and what makes it hard."""


def motion_scene(
    kind: MotionKind, *, seed: int = 0, size: tuple[int, int] | None = None
) -> MotionScene:
    """A random scene: a moving background and objects that move over it and one another.

    Args:
        kind: of `MOTION_SCENES`.
        seed: equal seeds give equal scenes.
        size: (width, height), px; that of the kind for None.

    Returns:
        A scene; no motion in it is longer than the reach of its kind: 6 px for `small`, 60 for
        `large`, 10 to 16 for the others.

    Raises:
        ConfigurationError: there is no such kind.
    """
    if kind not in MOTION_SCENES:
        raise ConfigurationError(f"kind is {kind!r}; expected one of {[*MOTION_SCENES]}")
    about = MOTION_SCENES[kind]
    rng = np.random.default_rng([seed, *kind.encode()])
    width, height = size or about.size
    middle = (width - 1) / 2, (height - 1) / 2
    background = Layer(
        motion=_drawn_motion(rng, about.reach_px, radius_px=float(np.hypot(*middle))),
        centre=middle,
        texture=_drawn_texture(rng, about),
        seed=int(rng.integers(2**31)),
    )
    objects = [_drawn_object(rng, about, (width, height)) for _ in range(about.objects)]
    return MotionScene((width, height), (background, *objects), about.first, about.second, seed)


def _drawn_object(rng: np.random.Generator, about: SceneKind, size: tuple[int, int]) -> Layer:
    radius_px = float(min(size) * rng.uniform(0.06, 0.22))
    x, y = np.multiply(size, rng.uniform(0.1, 0.9, 2))
    return Layer(
        motion=_drawn_motion(rng, about.reach_px, radius_px=2 * radius_px),
        centre=(float(x), float(y)),
        radius_px=radius_px,
        stretch=float(rng.uniform(0.5, 2.0)),
        wobble=float(rng.uniform(0.0, 0.4)),
        texture=_drawn_texture(rng, about),
        seed=int(rng.integers(2**31)),
    )


def _drawn_texture(rng: np.random.Generator, about: SceneKind) -> Texture:
    return "plain" if rng.random() < about.plain_share else "leaves"


def _drawn_motion(rng: np.random.Generator, reach_px: float, *, radius_px: float) -> Motion:
    """Mostly a shift; what the rest adds at `radius_px` stays within the reach."""
    direction, speed = rng.uniform(0, 2 * np.pi), 0.92 * reach_px * np.sqrt(rng.uniform(0.02, 1))
    turn, growth, shear = rng.uniform(-1, 1, 3) * min(0.06 * reach_px / radius_px, 0.12)
    tilt = rng.uniform(-1, 1, 2) * min(0.02 * reach_px / radius_px, 0.05) / radius_px
    return Motion(
        shift_px=(float(speed * np.cos(direction)), float(speed * np.sin(direction))),
        rotation_deg=float(np.degrees(turn)),
        zoom=float(1 + growth),
        shear=float(shear),
        perspective=(float(tilt[0]), float(tilt[1])),
    )
