"""Look at a picture: what is there, or that nothing is there, or that nobody can know."""

from __future__ import annotations

import numpy as np

from mlops_assets.errors import ShapeError
from mlops_assets.privacy.detectors import DEFAULT_DETECTOR, find_detector
from mlops_assets.privacy.fitness import Fitness, measure_fitness
from mlops_assets.privacy.regions import Picture, Region, Sighting, WorkingRange


def look(picture: Picture, *, detector: str = DEFAULT_DETECTOR) -> Sighting:
    """Look for faces and licence plates.

    Promised of the default detector: of frontal faces of at least 40 px from forehead to chin, in
    a picture within its working range, nine in ten are found (measured: docs/privacy.md). Not
    promised: faces in profile, behind masks or hands, in a dark corner of a bright picture, and
    plates, of which it finds most of the European shape and about half of the others.

    Args:
        picture: (H, W, 3), uint8, upright, in OpenCV's channel order; H and W at least 1.
        detector: see `find_detector`.

    Returns:
        `found` with its regions; `clear` when there are none and the picture is within the
        detector's working range; `unknown` when there are none and it is not: too small, too large,
        dark, flat, blurred, compressed or noisy.

    Raises:
        ShapeError: the picture is no such array.
        ConfigurationError: there is no such detector.
    """
    _require_picture(picture)
    chosen = find_detector(detector)
    regions = sorted(chosen.find(picture), key=lambda one: (one.kind, -one.confidence))
    if regions:
        return Sighting("found", tuple(regions), _counted(regions))
    height, width = picture.shape[:2]
    lacking = _size_shortfall(width, height, chosen.working_range) or _shortfall(
        measure_fitness(picture), chosen.working_range
    )
    if lacking:
        return Sighting("unknown", (), lacking)
    return Sighting("clear", (), _promise(width * height, chosen.working_range))


def _require_picture(picture: Picture) -> None:
    is_picture = picture.ndim == 3 and picture.shape[2:] == (3,) and picture.dtype == np.uint8
    if not is_picture or not picture.size:
        raise ShapeError(
            f"picture has shape {picture.shape} and dtype {picture.dtype}; expected (H, W, 3) of "
            "uint8 with H and W at least 1"
        )


def _counted(regions: list[Region]) -> str:
    kinds = [region.kind for region in regions]
    told = [
        f"{kinds.count(kind)} {kind}{'s' if kinds.count(kind) > 1 else ''}"
        for kind in dict.fromkeys(kinds)
    ]
    return " and ".join(told)


def _size_shortfall(width_px: int, height_px: int, limits: WorkingRange) -> str | None:
    if min(width_px, height_px) < limits.least_side_px:
        return (
            f"too small: {width_px} x {height_px} px; "
            f"limit {limits.least_side_px} px for the shorter side"
        )
    if width_px * height_px > limits.most_pixels:
        return (
            f"too large: {width_px * height_px / 1e6:.3g} megapixels are searched as "
            f"{limits.most_pixels / 1e6:.3g}; smaller faces go unseen"
        )
    return None


def _shortfall(fitness: Fitness, limits: WorkingRange) -> str | None:
    """The first measure that is outside the working range, in words."""
    if fitness.brightness < limits.least_brightness:
        return f"too dark: brightness {fitness.brightness:.2f}; limit {limits.least_brightness}"
    if fitness.contrast < limits.least_contrast:
        return f"too flat: contrast {fitness.contrast:.2f}; limit {limits.least_contrast}"
    if fitness.noise > limits.most_noise:
        return f"too noisy: {fitness.noise:.2f} of the contrast; limit {limits.most_noise}"
    if fitness.blockiness > limits.most_blockiness:
        return f"too compressed: blocks {fitness.blockiness:.1f}; limit {limits.most_blockiness}"
    if fitness.blur_px > limits.most_blur_px:
        return f"too blurred: edges of {fitness.blur_px:.1f} px; limit {limits.most_blur_px}"
    return None


def _promise(pixels: int, limits: WorkingRange) -> str:
    told = []
    if limits.least_face_px is not None:
        told.append(f"no frontal face of {limits.least_face_px} px or more")
    if limits.least_plate_px is not None:
        grown = limits.least_plate_px * max(1.0, pixels / limits.most_plate_pixels) ** 0.5
        told.append(f"no plate of {round(grown)} px or more")
    return ", ".join(told)
