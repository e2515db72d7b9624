"""From what the device added up to the `FlowStatistics` that `describe_flow` would give."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.describing.camera import camera_motion
from mlops_assets.flow.describing.histograms import BINS, MAGNITUDE_EDGES, direction_entropy
from mlops_assets.flow.describing.statistics import (
    MOVING_DIAG_PER_S,
    NOISE_PX,
    STATIC_PX,
    STILL_DIAG_PER_S,
    FlowStatistics,
)
from mlops_assets.flow.solvers.variational.fused.measures import (
    LIMITS,
    PERCENTILES,
    SUMS,
    CameraGrid,
    Measures,
)
from mlops_assets.flow.solvers.variational.fused.steps import Size


def limits_of(size: Size, interval_s: float) -> NDArray[np.float32]:
    """What counts as still and as moving in one pair, and the edges of its histogram.

    Args:
        size: (height, width).
        interval_s: seconds between the two pictures.

    Returns:
        float32 (LIMITS,), the members of `Limits` in `statistics.cu`.
    """
    speed_per_px = _speed_per_px(size, interval_s)
    limits = np.empty(LIMITS, dtype=np.float32)
    limits[0] = STATIC_PX
    limits[1] = STILL_DIAG_PER_S / speed_per_px
    limits[2] = max(MOVING_DIAG_PER_S / speed_per_px, NOISE_PX)
    limits[3] = speed_per_px
    limits[4:] = MAGNITUDE_EDGES / speed_per_px
    return limits


def statistics_of(
    measured: Measures, place: int, *, size: Size, interval_s: float, is_checked: bool
) -> FlowStatistics:
    """The statistics of one pair.

    Args:
        measured: on the host.
        place: of the pair.
        size: (height, width).
        interval_s: seconds between the two pictures.
        is_checked: whether the pair was solved backward too.

    Returns:
        What `describe_flow` gives, within rounding; `photo_mae` and `census_mae` within what
        OpenCV's own bilinear interpolation differs.
    """
    totals = measured.totals[place]
    sums = dict(zip(SUMS, totals.tolist(), strict=False))
    directions, magnitudes = np.split(totals[len(SUMS) :], 2)
    pixels, speed_per_px = math.prod(size), _speed_per_px(size, interval_s)
    found = {
        "mean": sums["sum_px"] / pixels,
        "max": sums["max_px"],
        **_percentiles(measured.ranked[place, :, 0], pixels),
    }
    return FlowStatistics(
        **{f"{name}_px": value for name, value in found.items()},
        **{f"{name}_diag_per_s": value * speed_per_px for name, value in found.items()},
        static_share=sums["static"] / pixels,
        still_share=sums["still"] / pixels,
        magnitude_histogram=(magnitudes / pixels).tolist(),
        **_directions(sums, directions / pixels),
        **_derivatives(sums, pixels, mean_px=found["mean"], diagonal_px=math.hypot(*size)),
        **_camera(measured.grid[place], size, interval_s),
        photo_mae=_share(sums["photo"], sums["photo_pixels"]),
        census_mae=_share(sums["census_differing"], sums["census_relations"]),
        **_round_trip(sums, pixels, is_checked),
    )


def _speed_per_px(size: Size, interval_s: float) -> float:
    """Diagonals per second of one pixel."""
    return 1 / (math.hypot(*size) * interval_s)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _percentiles(bits: NDArray[np.uint32], pixels: int) -> dict[str, float]:
    """Interpolated between the two magnitudes around each place, as NumPy does."""
    found = {}
    around = bits.view(np.float32).astype(np.float64).reshape(-1, 2)
    for share, (below, above) in zip(PERCENTILES, around, strict=True):
        rest = share * (pixels - 1) % 1
        found[f"p{round(100 * share)}"] = float(below + (above - below) * rest)
    return found


def _directions(sums: dict[str, float], weights: NDArray[np.float64]) -> dict[str, Any]:
    if not sums["moving"]:
        names = ("direction_entropy", "direction_resultant", "mean_direction_deg")
        return {"direction_histogram": [0.0] * BINS, **dict.fromkeys(names)}
    x, y = sums["moving_dx"], sums["moving_dy"]
    resultant = min(1.0, math.hypot(x, y) / sums["moving_px"])
    degrees = math.degrees(math.atan2(y, x)) % 360 % 360  # -1e-20 % 360 is 360
    return {
        "direction_entropy": direction_entropy(weights),
        "direction_resultant": resultant,
        "mean_direction_deg": degrees if resultant > 1e-6 else None,
        "direction_histogram": weights.tolist(),
    }


def _derivatives(
    sums: dict[str, float], pixels: int, *, mean_px: float, diagonal_px: float
) -> dict[str, Any]:
    divergence, curl = sums["divergence"] / pixels, sums["curl"] / pixels
    per_motion = diagonal_px / mean_px if mean_px >= NOISE_PX else None
    return {
        "divergence_abs": divergence,
        "curl_abs": curl,
        "divergence_per_motion": per_motion and divergence * per_motion,
        "curl_per_motion": per_motion and curl * per_motion,
    }


def _camera(grid: NDArray[np.float32], size: Size, interval_s: float) -> dict[str, Any]:
    points, speed_per_px = CameraGrid(size), _speed_per_px(size, interval_s)
    start = points.stride_px // 2
    field = np.zeros((2, *size), dtype=np.float32)  # read on the grid only
    field[:, start :: points.stride_px, start :: points.stride_px] = grid
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


def _round_trip(sums: dict[str, float], pixels: int, is_checked: bool) -> dict[str, Any]:
    if not is_checked:
        return {"fb_fail_share": None, "fb_mean_px": None}
    return {
        "fb_fail_share": 1 - sums["returning"] / pixels,
        "fb_mean_px": _share(sums["round_trip_px"], sums["round_trips"]),
    }
