"""What is seen in a picture: regions with boxes, a verdict, and what a detector is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Kind = Literal["face", "plate"]
Verdict = Literal["found", "clear", "unknown"]


@dataclass(frozen=True)
class Region:
    """A box around a face or a licence plate, in pixels of the picture it was found in.

    Args:
        kind: what it is.
        left_px: first column, from 0.
        top_px: first row, from 0.
        width_px: columns, >= 1.
        height_px: rows, >= 1.
        confidence: how sure the detector is, between 0 and 1. Comparable within one kind and one
            detector version only.
    """

    kind: Kind
    left_px: int
    top_px: int
    width_px: int
    height_px: int
    confidence: float


@dataclass(frozen=True)
class Sighting:
    """What a detector says of one picture.

    Args:
        verdict: `found`: there are regions. `clear`: there are none, and the picture is one in
            which the detector would have seen what its working range promises. `unknown`: there
            are none, but the picture is not; treat it as private.
        regions: faces before plates, each kind by falling confidence.
        why: the verdict in words, with the limits it rests on.
    """

    verdict: Verdict
    regions: tuple[Region, ...]
    why: str


@dataclass(frozen=True)
class WorkingRange:
    """Where a detector's silence means something. The measures are those of `Fitness`.

    Args:
        least_face_px: height from forehead to chin of the smallest frontal face it finds; None
            for a detector that looks for no faces.
        least_plate_px: width of the smallest plate; None for a detector that looks for none.
        most_pixels: the largest picture in which it finds the smallest face.
        most_plate_pixels: likewise of plates; in a larger one the smallest plate grows with it.
        least_side_px: the shorter side of the smallest picture it can search.
        least_brightness: of the brightest hundredth, 0 to 1.
        least_contrast: between the darkest and the brightest hundredth, 0 to 1.
        most_blur_px: width of the sharpest edges.
        most_blockiness: how much the steps at the borders of 8x8 blocks exceed the others.
        most_noise: standard deviation of noise over the contrast.
    """

    least_face_px: int | None
    least_plate_px: int | None
    most_pixels: int
    most_plate_pixels: int
    least_side_px: int
    least_brightness: float
    least_contrast: float
    most_blur_px: float
    most_blockiness: float
    most_noise: float


class Detector(Protocol):
    """Finds faces and plates. One instance serves a process, from any thread.

    Attributes:
        version: readable; changes when its regions change.
        working_range: where finding nothing means that nothing is there.
    """

    @property
    def version(self) -> str:
        """What changes when its regions change."""
        ...

    @property
    def working_range(self) -> WorkingRange:
        """Where finding nothing means that nothing is there."""
        ...

    def find(self, picture: Picture) -> Sequence[Region]:
        """Every face and plate it sees.

        Args:
            picture: (H, W, 3), uint8, upright, in OpenCV's channel order; H and W at least 1. It
                is not changed.

        Returns:
            Regions within the picture, in any order; the same for the same picture.
        """
        ...
