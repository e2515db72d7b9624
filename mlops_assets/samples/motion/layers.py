"""What a scene of moving layers is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Texture = Literal["leaves", "plain"]


@dataclass(frozen=True)
class Motion:
    """How a layer moves from the first picture to the second, about its centre.

    Attributes:
        shift_px: (dx, dy) of the centre.
        rotation_deg: from x towards y, that is clockwise as seen.
        zoom: factor, > 0; 1 keeps the size.
        shear: dx per px of y.
        perspective: change of the projective denominator per px of x and of y.
    """

    shift_px: tuple[float, float] = (0.0, 0.0)
    rotation_deg: float = 0.0
    zoom: float = 1.0
    shear: float = 0.0
    perspective: tuple[float, float] = (0.0, 0.0)

    def matrix(self, centre: tuple[float, float], when: float) -> NDArray[np.float64]:
        """The (3, 3) homography from the first moment, 0, to `when`; the second moment is 1."""
        angle, zoom = np.radians(self.rotation_deg * when), self.zoom**when
        cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
        about = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        sheared = np.array([[1.0, self.shear * when, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        tilted = np.eye(3)
        tilted[2, :2] = np.multiply(self.perspective, when)
        there, back = np.eye(3), np.eye(3)
        there[:2, 2] = np.add(centre, np.multiply(self.shift_px, when))
        back[:2, 2] = np.negative(centre)
        return there @ tilted @ about @ sheared @ back


@dataclass(frozen=True)
class Layer:
    """A textured sheet: everything, or the inside of an outline.

    Attributes:
        motion: how it moves.
        centre: about which it moves, and of its outline.
        radius_px: mean radius of the outline; infinite for a background.
        stretch: width of the outline over its height.
        wobble: how far the outline departs from an ellipse, 0 to 0.4 of the radius.
        texture: `leaves`: overlapping discs of every size and fine grain, as natural pictures have;
            `plain`: a faint slope, next to nothing to hold on to.
        seed: of texture and outline.
    """

    motion: Motion = field(default_factory=Motion)
    centre: tuple[float, float] = (0.0, 0.0)
    radius_px: float = np.inf
    stretch: float = 1.0
    wobble: float = 0.0
    texture: Texture = "leaves"
    seed: int = 0


@dataclass(frozen=True)
class Light:
    """How one picture is lit and taken: `255 gain (level / 255)^gamma`, shadow, noise.

    Attributes:
        gain: factor, > 0.
        gamma: exponent, > 0; over 1 darkens middle gray.
        shadow: share of light a soft round shadow takes away at its centre, 0 to 1.
        noise_levels: standard deviation of sensor noise, gray levels.
        shutter: how long the picture is exposed, as a share of the time between the two, 0 to 1.
    """

    gain: float = 1.0
    gamma: float = 1.0
    shadow: float = 0.0
    noise_levels: float = 0.0
    shutter: float = 0.0


@dataclass(frozen=True)
class MotionScene:
    """Layers, the last in front, and the light of the two pictures.

    Attributes:
        size: (width, height), px.
        layers: the first is the background and has no outline.
        first: light of the first picture.
        second: light of the second.
        seed: of the noise; equal scenes are equal pixel by pixel.
    """

    size: tuple[int, int]
    layers: tuple[Layer, ...]
    first: Light = field(default_factory=Light)
    second: Light = field(default_factory=Light)
    seed: int = 0
