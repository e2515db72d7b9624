"""How far a flow field can be believed, with and without ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError
from mlops_assets.flow.fields import known_vectors

_CENSUS_LEVELS = 2
_NEIGHBOURS = ((0, 1), (1, -1), (1, 0), (1, 1))
"""Rows down and columns right of a pixel: half of its neighbours, so that each relation of two
pixels counts once."""


@dataclass(frozen=True)
class WarpError:
    """How well the second picture, drawn back along the flow, equals the first.

    Attributes:
        photo_mae: mean absolute difference, gray levels 0-255.
        census_mae: share of neighbour relations (darker, alike within 2 levels, brighter) that
            differ, 0-1; blind to a change of illumination. None when no two neighbours stay.
    """

    photo_mae: float
    census_mae: float | None


@dataclass(frozen=True)
class RoundTrip:
    """How well the backward flow undoes the forward flow.

    Attributes:
        fail_share: share of known pixels that leave the frame or miss their start, 0-1. Above
            about 0.1 the pair is not to be trusted.
        mean_px: mean distance to the start of those that stay in the frame; None when none do.
    """

    fail_share: float
    mean_px: float | None


def endpoint_error(flow: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Mean end-point error of a flow field.

    Args:
        flow: (2, H, W), pixels.
        truth: same shape and unit; a vector with NaN is unknown and left out.

    Returns:
        Mean Euclidean distance in pixels, >= 0. NaN if the flow is NaN where the truth is known,
        or if no truth is known.

    Raises:
        ShapeError: the shapes differ.

    Reference: Baker et al. 2011, section 4, doi:10.1007/s11263-010-0390-2.
    """
    if flow.shape != truth.shape or flow.ndim != 3 or flow.shape[0] != 2:
        raise ShapeError(f"flow has shape {flow.shape}, truth {truth.shape}; expected (2, H, W)")
    known = known_vectors(truth)
    if not known.any():
        return float("nan")
    dx, dy = flow[:, known].astype(np.float64) - truth[:, known]
    return float(np.hypot(dx, dy).mean())


def warp_error(
    flow: NDArray[np.float32], first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> WarpError | None:
    """Compare the first picture with the second drawn back along the flow.

    Args:
        flow: (2, H, W), pixels; NaN is unknown and left out.
        first: gray (H, W).
        second: gray (H, W).

    Returns:
        The errors over pixels whose target is in the frame; None when there is none.
    """
    x, y, inside = _targets(flow)
    if not inside.any():
        return None
    warped = _sample(second.astype(np.float32), x, y)
    difference = np.abs(warped - first)
    return WarpError(
        photo_mae=float(difference[inside].mean(dtype=np.float64)),
        census_mae=_census_error(first.astype(np.int16), np.rint(warped).astype(np.int16), inside),
    )


def round_trip(forward: NDArray[np.float32], backward: NDArray[np.float32]) -> RoundTrip | None:
    """Follow the forward flow, then the backward flow, and see where one ends.

    A pixel fails where |f + b|^2 > 0.01 (|f|^2 + |b|^2) + 0.5, b read at the target of f, or where
    b is unknown there.

    Args:
        forward: (2, H, W), from the first picture to the second.
        backward: (2, H, W), from the second to the first.

    Returns:
        The share that fails and the mean miss; None when no forward vector is known.

    Reference: Sundaram et al. 2010, section 4, doi:10.1007/978-3-642-15549-9_32.
    """
    known = known_vectors(forward)
    if not known.any():
        return None
    x, y, inside = _targets(forward)
    back = np.stack([_sample(part, x, y) for part in backward])
    inside &= known_vectors(back)
    with np.errstate(invalid="ignore", over="ignore"):  # where a vector is unknown
        miss = _squared(forward + back)
        passes = inside & (miss <= 0.01 * (_squared(forward) + _squared(back)) + 0.5)
    return RoundTrip(
        fail_share=1 - int(passes.sum()) / int(known.sum()),
        mean_px=float(np.sqrt(miss[inside]).mean(dtype=np.float64)) if inside.any() else None,
    )


def _squared(field: NDArray[np.float32]) -> NDArray[np.float32]:
    return field[0] ** 2 + field[1] ** 2


def _targets(
    flow: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Where each pixel goes (x, y), kept within the frame, and whether it was in the frame."""
    _, height, width = flow.shape
    x = flow[0] + np.arange(width, dtype=np.float32)
    y = flow[1] + np.arange(height, dtype=np.float32)[:, np.newaxis]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)  # False for NaN
    x[~inside], y[~inside] = 0, 0
    return x, y, inside


def _sample(
    picture: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Bilinear values of a picture at (x, y); NaN where a neighbour is."""
    import cv2

    values = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, dtype=np.float32)


def _census_error(
    before: NDArray[np.int16], after: NDArray[np.int16], inside: NDArray[np.bool_]
) -> float | None:
    """Share of the relations between known neighbours that differ between two pictures."""
    differing = counted = 0
    for down, right in _NEIGHBOURS:
        both = np.logical_and(*_beside(inside, down, right))
        one, other = (_relation(picture, down, right) for picture in (before, after))
        differing += int(np.count_nonzero((one != other) & both))
        counted += int(np.count_nonzero(both))
    return differing / counted if counted else None


def _relation(picture: NDArray[np.int16], down: int, right: int) -> NDArray[np.int8]:
    """Of each pixel with such a neighbour, whether that is darker -1, alike 0 or brighter 1."""
    pixel, neighbour = _beside(picture, down, right)
    step = neighbour - pixel
    brighter, darker = step > _CENSUS_LEVELS, step < -_CENSUS_LEVELS
    return brighter.view(np.int8) - darker.view(np.int8)


def _beside(picture: NDArray, down: int, right: int) -> tuple[NDArray, NDArray]:
    """Views of the pixels that have a neighbour so many rows down and columns right, and of it."""
    height, width = picture.shape
    left, cut = max(0, -right), max(0, right)
    pixel = picture[: height - down, left : width - cut]
    return pixel, picture[down:, left + right : width - cut + right]
