"""One flow field in narrow columns: what drift, dashboards and models read instead of blobs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.describing.camera import camera_motion
from mlops_assets.flow.describing.histograms import (
    BINS,
    direction_entropy,
    direction_weights,
    magnitude_shares,
)
from mlops_assets.flow.describing.quality import round_trip, warp_error
from mlops_assets.flow.fields import MIN_SIDE_PX, float32_field, known_vectors

STATIC_PX = 0.25
STILL_DIAG_PER_S = 1 / 200
"""What `STATIC_PX` is at 640 x 360 and 15 pairs a second."""
MOVING_DIAG_PER_S = 1 / 100
NOISE_PX = 0.1
"""A direction counts from here on: twice as fast as still, and above what solvers make of noise."""


@dataclass(frozen=True)
class FlowStatistics:
    """What one pair's motion is like. Every number is finite; None is "cannot be said".

    `_px` is pixels per pair at the working size. `_diag_per_s` is frame diagonals per second, and
    `_per_s`, `_per_motion` and the still share are made so as well: a change of resolution or of
    frame rate leaves them as they are, so test drift on those. Magnitudes have heavy tails.

    Attributes:
        mean_px: mean magnitude.
        p50_px: median magnitude.
        p95_px: 95th percentile of magnitude.
        max_px: largest magnitude.
        mean_diag_per_s: mean magnitude, normalised.
        p50_diag_per_s: median, normalised.
        p95_diag_per_s: 95th percentile, normalised.
        max_diag_per_s: largest magnitude, normalised.
        static_share: share of pixels that move less than 0.25 px, 0-1.
        still_share: share of pixels slower than 1/200 diagonal per second, 0-1.
        direction_entropy: spread of direction over 16 bins, 0 (one) to 1 (all alike), weighted by
            magnitude over pixels faster than 1/100 diagonal per second and 0.1 px; None when none
            is.
        direction_resultant: agreement of direction, 0-1, same weights and None.
        mean_direction_deg: 0 right, 90 down, in [0, 360); None also when directions cancel out.
        divergence_abs: mean absolute divergence, per pair; None when no known pixels touch.
        curl_abs: mean absolute curl, per pair; None likewise.
        divergence_per_motion: mean absolute divergence times the diagonal over mean magnitude: how
            uneven motion is, whatever its speed; None also when the mean is under 0.1 px.
        curl_per_motion: the same of curl.
        camera_dx_px: shift of the content at the centre to the right. Camera columns are None when
            no similarity fits.
        camera_dy_px: shift of the content at the centre down.
        camera_zoom: growth, 1 is none.
        camera_rotation_deg: clockwise as seen.
        camera_inliers: share of the picture within 1 px (or 1/500 diagonal) of it, 0-1.
        camera_residual_px: mean distance from the camera's motion.
        camera_dx_diag_per_s: shift to the right, normalised.
        camera_dy_diag_per_s: shift down, normalised.
        camera_zoom_per_s: natural logarithm of growth per second, 0 is none.
        camera_rotation_deg_per_s: clockwise as seen.
        camera_residual_diag_per_s: mean distance from the camera's motion, normalised.
        photo_mae: gray levels by which the second picture drawn back differs from the first; None
            when every pixel leaves the frame.
        census_mae: share of neighbour relations that differ, 0-1; None likewise.
        fb_fail_share: share of pixels the backward flow does not bring back, 0-1; None without it.
        fb_mean_px: mean miss of the round trip; None without it or when nothing stays in the frame.
        direction_histogram: see `direction_weights`; adds up over pairs.
        magnitude_histogram: see `magnitude_shares`; adds up over pairs.
    """

    mean_px: float
    p50_px: float
    p95_px: float
    max_px: float
    mean_diag_per_s: float
    p50_diag_per_s: float
    p95_diag_per_s: float
    max_diag_per_s: float
    static_share: float
    still_share: float
    direction_entropy: float | None
    direction_resultant: float | None
    mean_direction_deg: float | None
    divergence_abs: float | None
    curl_abs: float | None
    divergence_per_motion: float | None
    curl_per_motion: float | None
    camera_dx_px: float | None
    camera_dy_px: float | None
    camera_zoom: float | None
    camera_rotation_deg: float | None
    camera_inliers: float | None
    camera_residual_px: float | None
    camera_dx_diag_per_s: float | None
    camera_dy_diag_per_s: float | None
    camera_zoom_per_s: float | None
    camera_rotation_deg_per_s: float | None
    camera_residual_diag_per_s: float | None
    photo_mae: float | None
    census_mae: float | None
    fb_fail_share: float | None
    fb_mean_px: float | None
    direction_histogram: list[float]
    magnitude_histogram: list[float]


def describe_flow(
    flow: NDArray[np.floating],
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    *,
    interval_s: float,
    backward: NDArray[np.floating] | None = None,
) -> FlowStatistics:
    """Describe the motion of one pair and how far its estimate can be believed.

    Args:
        flow: (2, H, W), pixels; vectors with NaN are unknown and left out. Sides from 8 up.
        first: gray (H, W).
        second: gray (H, W).
        interval_s: seconds from the first picture to the second, 1e-6 to 1e6.
        backward: flow from the second picture to the first, same shape, for the round trip;
            `with_round_trip` adds it later.

    Returns:
        The statistics.

    Raises:
        ShapeError: shapes differ, or sides under 8.
        InputError: `bad_interval`, or `no_known_flow` when no vector is known.
    """
    field = float32_field(flow, min_side_px=MIN_SIDE_PX)
    _check_companions(flow, (first, second), backward)
    if not 1e-6 <= interval_s <= 1e6:
        raise InputError(f"interval is {interval_s} s; expected 1e-6 to 1e6", reason="bad_interval")
    is_known = known_vectors(field)
    if not is_known.any():
        raise InputError("no vector of the flow is known; expected some", reason="no_known_flow")
    if is_known.all():
        known = field.reshape(2, -1)
    else:
        known, field = field[:, is_known], np.where(is_known, field, np.float32(np.nan))
    magnitude = np.sqrt(known[0] ** 2 + known[1] ** 2)
    diagonal_px = math.hypot(*first.shape)
    speed_per_px = 1 / (diagonal_px * interval_s)
    magnitudes = _magnitudes(magnitude, speed_per_px=speed_per_px)
    return FlowStatistics(
        **magnitudes,
        **_directions(known, magnitude, speed_per_px=speed_per_px),
        **_derivatives(field, mean_px=magnitudes["mean_px"], diagonal_px=diagonal_px),
        **_camera(field, interval_s=interval_s, speed_per_px=speed_per_px),
        **_warped(field, first, second),
        **_round_trip(field, backward),
    )


def with_round_trip(
    statistics: FlowStatistics, flow: NDArray[np.floating], backward: NDArray[np.floating]
) -> FlowStatistics:
    """Statistics with the round trip that a later backward flow gives.

    Args:
        statistics: of `flow`.
        flow: (2, H, W), pixels.
        backward: from the second picture to the first, same shape.

    Raises:
        ShapeError: the shapes differ.
    """
    _check_companions(flow, (), backward)
    return replace(statistics, **_round_trip(float32_field(flow), backward))


def _check_companions(
    flow: NDArray[np.floating],
    pictures: tuple[NDArray[np.uint8], ...],
    backward: NDArray[np.floating] | None,
) -> None:
    for picture in pictures:
        if picture.shape != flow.shape[1:]:
            raise ShapeError(f"picture has shape {picture.shape}; expected {flow.shape[1:]}")
    if backward is not None and backward.shape != flow.shape:
        raise ShapeError(f"backward flow has shape {backward.shape}; expected {flow.shape}")


def _magnitudes(magnitude: NDArray[np.float32], *, speed_per_px: float) -> dict[str, Any]:
    p50, p95 = np.percentile(magnitude, (50, 95))
    found = {
        "mean": float(magnitude.mean(dtype=np.float64)),
        "p50": float(p50),
        "p95": float(p95),
        "max": float(magnitude.max()),
    }
    return {
        **{f"{name}_px": value for name, value in found.items()},
        **{f"{name}_diag_per_s": value * speed_per_px for name, value in found.items()},
        "static_share": float((magnitude < STATIC_PX).mean()),
        "still_share": float((magnitude < STILL_DIAG_PER_S / speed_per_px).mean()),
        "magnitude_histogram": magnitude_shares(magnitude, speed_per_px=speed_per_px).tolist(),
    }


def _directions(
    known: NDArray[np.float32], magnitude: NDArray[np.float32], *, speed_per_px: float
) -> dict[str, Any]:
    moving = magnitude > max(MOVING_DIAG_PER_S / speed_per_px, NOISE_PX)
    if not moving.any():
        names = ("direction_entropy", "direction_resultant", "mean_direction_deg")
        return {"direction_histogram": [0.0] * BINS, **dict.fromkeys(names)}
    dx, dy, weight = known[0][moving], known[1][moving], magnitude[moving]
    x, y = float(dx.sum(dtype=np.float64)), float(dy.sum(dtype=np.float64))
    resultant = min(1.0, math.hypot(x, y) / float(weight.sum(dtype=np.float64)))
    degrees = math.degrees(math.atan2(y, x)) % 360 % 360  # -1e-20 % 360 is 360
    weights = direction_weights(dx, dy, weight * np.float32(speed_per_px)) / magnitude.size
    return {
        "direction_entropy": direction_entropy(weights),
        "direction_resultant": resultant,
        "mean_direction_deg": degrees if resultant > 1e-6 else None,
        "direction_histogram": weights.tolist(),
    }


def _derivatives(
    field: NDArray[np.float32], *, mean_px: float, diagonal_px: float
) -> dict[str, Any]:
    dx_by_y, dx_by_x = np.gradient(field[0])
    dy_by_y, dy_by_x = np.gradient(field[1])
    divergence, curl = _mean_abs(dx_by_x + dy_by_y), _mean_abs(dy_by_x - dx_by_y)
    per_motion = diagonal_px / mean_px if mean_px >= NOISE_PX else None
    return {
        "divergence_abs": divergence,
        "curl_abs": curl,
        "divergence_per_motion": _product(divergence, per_motion),
        "curl_per_motion": _product(curl, per_motion),
    }


def _product(value: float | None, factor: float | None) -> float | None:
    return None if value is None or factor is None else value * factor


def _mean_abs(values: NDArray[np.float32]) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.abs(known).mean(dtype=np.float64)) if known.size else None


def _camera(
    field: NDArray[np.float32], *, interval_s: float, speed_per_px: float
) -> dict[str, Any]:
    motion = camera_motion(field)
    if motion is None:
        return dict.fromkeys(one for one in FlowStatistics.__annotations__ if "camera" in one)
    return {
        "camera_dx_px": motion.dx_px,
        "camera_dy_px": motion.dy_px,
        "camera_zoom": motion.zoom,
        "camera_rotation_deg": motion.rotation_deg,
        "camera_inliers": motion.inliers,
        "camera_residual_px": motion.residual_px,
        "camera_dx_diag_per_s": motion.dx_px * speed_per_px,
        "camera_dy_diag_per_s": motion.dy_px * speed_per_px,
        "camera_zoom_per_s": math.log(motion.zoom) / interval_s,
        "camera_rotation_deg_per_s": motion.rotation_deg / interval_s,
        "camera_residual_diag_per_s": motion.residual_px * speed_per_px,
    }


def _warped(
    field: NDArray[np.float32], first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> dict[str, Any]:
    warped = warp_error(field, first, second)
    return {
        "photo_mae": warped and warped.photo_mae,
        "census_mae": warped and warped.census_mae,
    }


def _round_trip(
    field: NDArray[np.float32], backward: NDArray[np.floating] | None
) -> dict[str, Any]:
    trip = None if backward is None else round_trip(field, backward.astype(np.float32, copy=False))
    return {"fb_fail_share": trip and trip.fail_share, "fb_mean_px": trip and trip.mean_px}
