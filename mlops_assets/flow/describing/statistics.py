"""One flow field in narrow columns: what drift, dashboards and models read instead of blobs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.describing.camera import camera_motion
from mlops_assets.flow.describing.quality import round_trip, warp_error
from mlops_assets.flow.fields import MIN_SIDE_PX, float32_field, known_vectors

STATIC_PX = 0.25
MOVING_PX = 0.5
BINS = 16
MAGNITUDE_EDGES = 2.0 ** np.arange(-11, 4)
"""Inner edges of the magnitude histogram, diagonals per second: each bin doubles the one before."""


@dataclass(frozen=True)
class FlowStatistics:
    """What one pair's motion is like. Every number is finite; None is "cannot be said".

    `_px` is pixels per pair at the working size. `_diag_per_s` is frame diagonals per second, which
    a change of resolution or of frame rate leaves as it is: test drift on those. Magnitudes have
    heavy tails: take log1p first. Divergence and curl grow with magnitude: divide by it.

    Attributes:
        mean_px: mean magnitude.
        p50_px: median magnitude.
        p95_px: 95th percentile of magnitude.
        max_px: largest magnitude.
        mean_diag_per_s: mean magnitude, normalised.
        p95_diag_per_s: 95th percentile, normalised.
        static_share: share of pixels that move less than 0.25 px, 0-1.
        direction_entropy: spread of direction over 16 bins, 0 (one) to 1 (all alike), weighted by
            magnitude over pixels that move more than 0.5 px; None when none does.
        direction_resultant: agreement of direction, 0-1, same weights and None.
        mean_direction_deg: 0 right, 90 down, in [0, 360); None also when directions cancel out.
        divergence_abs: mean absolute divergence, per pair; None when no known pixels touch.
        curl_abs: mean absolute curl, per pair; None likewise.
        camera_dx_px: shift of the content at the centre to the right. Camera columns are None when
            no similarity fits.
        camera_dy_px: shift of the content at the centre down.
        camera_zoom: growth, 1 is none.
        camera_rotation_deg: clockwise as seen.
        camera_inliers: share of the picture within 1 px (or 1/500 diagonal) of it, 0-1.
        camera_residual_px: mean distance from the camera's motion.
        photo_mae: gray levels by which the second picture drawn back differs from the first; None
            when every pixel leaves the frame.
        census_mae: share of neighbour relations that differ, 0-1; None likewise.
        fb_fail_share: share of pixels the backward flow does not bring back, 0-1; None without it.
        fb_mean_px: mean miss of the round trip; None without it or when nothing stays in the frame.
        direction_histogram: 16 shares of magnitude, bin k centred on 22.5 k degrees; sums to 1, or
            all 0 when nothing moves.
        magnitude_histogram: 16 shares of pixels; bin 0 is below 2**-11 diagonals per second, bin k
            from 2**(k - 12) to 2**(k - 11), bin 15 from 8 up; sums to 1.
    """

    mean_px: float
    p50_px: float
    p95_px: float
    max_px: float
    mean_diag_per_s: float
    p95_diag_per_s: float
    static_share: float
    direction_entropy: float | None
    direction_resultant: float | None
    mean_direction_deg: float | None
    divergence_abs: float | None
    curl_abs: float | None
    camera_dx_px: float | None
    camera_dy_px: float | None
    camera_zoom: float | None
    camera_rotation_deg: float | None
    camera_inliers: float | None
    camera_residual_px: float | None
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
        backward: flow from the second picture to the first, same shape, for the round trip.

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
    known = field.reshape(2, -1) if is_known.all() else field[:, is_known]
    if not known.size:
        raise InputError("no vector of the flow is known; expected some", reason="no_known_flow")
    field = np.where(is_known, field, np.float32(np.nan))
    magnitude = np.sqrt(known[0] ** 2 + known[1] ** 2)
    return FlowStatistics(
        **_magnitudes(magnitude, diagonals_per_px=1 / (math.hypot(*first.shape) * interval_s)),
        **_directions(known, magnitude),
        **_derivatives(field),
        **_camera(field),
        **_quality(field, first, second, backward),
    )


def _check_companions(
    flow: NDArray[np.floating],
    pictures: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    backward: NDArray[np.floating] | None,
) -> None:
    for picture in pictures:
        if picture.shape != flow.shape[1:]:
            raise ShapeError(f"picture has shape {picture.shape}; expected {flow.shape[1:]}")
    if backward is not None and backward.shape != flow.shape:
        raise ShapeError(f"backward flow has shape {backward.shape}; expected {flow.shape}")


def _magnitudes(magnitude: NDArray[np.float32], *, diagonals_per_px: float) -> dict[str, Any]:
    mean = float(magnitude.mean(dtype=np.float64))
    p50, p95 = np.percentile(magnitude, (50, 95))
    edges_px = (MAGNITUDE_EDGES / diagonals_per_px).astype(np.float32)
    bins = np.searchsorted(edges_px, magnitude, side="right")
    return {
        "mean_px": mean,
        "p50_px": float(p50),
        "p95_px": float(p95),
        "max_px": float(magnitude.max()),
        "mean_diag_per_s": mean * diagonals_per_px,
        "p95_diag_per_s": float(p95) * diagonals_per_px,
        "static_share": float((magnitude < STATIC_PX).mean()),
        "magnitude_histogram": (np.bincount(bins, minlength=BINS) / magnitude.size).tolist(),
    }


def _directions(known: NDArray[np.float32], magnitude: NDArray[np.float32]) -> dict[str, Any]:
    moving = magnitude > MOVING_PX
    if not moving.any():
        names = ("direction_entropy", "direction_resultant", "mean_direction_deg")
        return {"direction_histogram": [0.0] * BINS, **dict.fromkeys(names)}
    dx, dy, weight = known[0][moving], known[1][moving], magnitude[moving].astype(np.float64)
    total = weight.sum()
    bins = np.rint(np.arctan2(dy, dx) * np.float32(BINS / math.tau)).astype(np.int8) % BINS
    x, y = float(dx.sum(dtype=np.float64)), float(dy.sum(dtype=np.float64))
    shares = np.bincount(bins, weights=weight, minlength=BINS) / total
    used = shares[shares > 0]
    resultant = min(1.0, math.hypot(x, y) / total)
    degrees = math.degrees(math.atan2(y, x)) % 360 % 360  # -1e-20 % 360 is 360
    return {
        "direction_entropy": max(0.0, float(-(used * np.log(used)).sum() / math.log(BINS))),
        "direction_resultant": float(resultant),
        "mean_direction_deg": degrees if resultant > 1e-6 else None,
        "direction_histogram": shares.tolist(),
    }


def _derivatives(field: NDArray[np.float32]) -> dict[str, Any]:
    dx_by_y, dx_by_x = np.gradient(field[0])
    dy_by_y, dy_by_x = np.gradient(field[1])
    return {
        "divergence_abs": _mean_abs(dx_by_x + dy_by_y),
        "curl_abs": _mean_abs(dy_by_x - dx_by_y),
    }


def _mean_abs(values: NDArray[np.float32]) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.abs(known).mean(dtype=np.float64)) if known.size else None


def _camera(field: NDArray[np.float32]) -> dict[str, Any]:
    motion = camera_motion(field)
    names = ("dx_px", "dy_px", "zoom", "rotation_deg", "inliers", "residual_px")
    return {f"camera_{name}": motion and getattr(motion, name) for name in names}


def _quality(
    field: NDArray[np.float32],
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    backward: NDArray[np.floating] | None,
) -> dict[str, Any]:
    warped = warp_error(field, first, second)
    trip = None if backward is None else round_trip(field, backward.astype(np.float32))
    return {
        "photo_mae": warped and warped.photo_mae,
        "census_mae": warped and warped.census_mae,
        "fb_fail_share": trip and trip.fail_share,
        "fb_mean_px": trip and trip.mean_px,
    }
