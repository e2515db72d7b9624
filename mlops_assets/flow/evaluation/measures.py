"""How wrong a flow field is, and where: the figures of the benchmarks, over kinds of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.evaluation.data_sets.pairs import TruePair
from mlops_assets.flow.fields import known_vectors

Region = Literal["visible", "occluded", "fast", "textureless", "edges"]
REGIONS: tuple[Region, ...] = ("visible", "occluded", "fast", "textureless", "edges")

FAST_PX = 10.0
EDGE_PX = 0.5
TEXTURE_LEVELS = 2.0
_EDGE_BOX_PX = 9
_TEXTURE_BOX_PX = 3


@dataclass(frozen=True)
class FlowErrors:
    """How wrong a flow is over some pixels. Shares are 0 to 1.

    Attributes:
        pixels: how many are judged, >= 1.
        epe_px: mean end-point error.
        mse_px2: mean squared end-point error.
        aae_deg: mean angle between (u, v, 1) and its truth, 0 to 180.
        over_1px: share with an end-point error above 1 px.
        over_3px: share above 3 px.
        fl: share above both 3 px and 5 % of the true length, KITTI's outliers.
    """

    pixels: int
    epe_px: float
    mse_px2: float
    aae_deg: float
    over_1px: float
    over_3px: float
    fl: float


def error_map(flow: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.float64]:
    """End-point error of every pixel.

    Args:
        flow: (2, H, W), pixels.
        truth: same shape and unit; NaN is unknown.

    Returns:
        (H, W), pixels; NaN where the truth is unknown.

    Raises:
        ShapeError: the shapes differ.
        InputError: `flow_not_finite`: the flow is not finite where the truth is known.
    """
    if flow.shape != truth.shape or flow.ndim != 3 or flow.shape[0] != 2:
        raise ShapeError(f"flow has shape {flow.shape}, truth {truth.shape}; expected (2, H, W)")
    known = known_vectors(truth)
    missing = int((known & ~np.isfinite(flow).all(axis=0)).sum())
    if missing:
        raise InputError(f"flow is not finite at {missing} pixels", reason="flow_not_finite")
    error = np.full(known.shape, np.nan)
    error[known] = np.hypot(*(flow[:, known].astype(np.float64) - truth[:, known]))
    return error


def flow_errors(
    flow: NDArray[np.floating],
    truth: NDArray[np.floating],
    *,
    where: NDArray[np.bool_] | None = None,
) -> FlowErrors | None:
    """Every figure over the pixels whose truth is known.

    Args:
        flow: (2, H, W), pixels.
        truth: same shape and unit; NaN is unknown.
        where: (H, W), the pixels to judge; all for None.

    Returns:
        The figures; None when there is no pixel to judge.

    Raises:
        ShapeError: the shapes differ.
        InputError: `flow_not_finite`: the flow is not finite where the truth is known.

    Reference: Baker et al. 2011, section 4, doi:10.1007/s11263-010-0390-2 (EPE, AAE, shares);
        Menze and Geiger 2015, section 5, doi:10.1109/CVPR.2015.7298925 (Fl).
    """
    error = error_map(flow, truth)
    judged = np.isfinite(error) if where is None else np.isfinite(error) & where
    if not judged.any():
        return None
    epe = error[judged]
    (u, v), (true_u, true_v) = (field[:, judged].astype(np.float64) for field in (flow, truth))
    is_outlier = (epe > 3) & (epe > 0.05 * np.hypot(true_u, true_v))
    return FlowErrors(
        pixels=epe.size,
        epe_px=float(epe.mean()),
        mse_px2=float(np.square(epe).mean()),
        aae_deg=float(_angle_deg(u, v, true_u, true_v).mean()),
        over_1px=float((epe > 1).mean()),
        over_3px=float((epe > 3).mean()),
        fl=float(is_outlier.mean()),
    )


def pixel_regions(pair: TruePair) -> dict[Region, NDArray[np.bool_]]:
    """Kinds of pixels that are hard for different reasons. They overlap.

    - `visible`, `occluded`: as the data set says; absent when it says nothing.
    - `fast`: true motion above 10 px.
    - `textureless`: nowhere in the 3 x 3 px around does the first picture, smoothed by 1 px, change
      by more than 2 gray levels per px.
    - `edges`: within 4 px of a place where the true flow changes by more than 0.5 px per px.

    Args:
        pair: pictures and truth.

    Returns:
        Masks (H, W) by name.

    Reference: Baker et al. 2011, section 4, for `textureless` and `edges`, with thresholds of our
        own, as theirs are not stated; Butler et al. 2012, doi:10.1007/978-3-642-33783-3_44, for
        matched and unmatched pixels and speeds above 10 px.
    """
    regions: dict[Region, NDArray[np.bool_]] = {}
    if pair.occluded is not None:
        regions = {"visible": ~pair.occluded, "occluded": pair.occluded}
    with np.errstate(invalid="ignore"):
        regions["fast"] = np.hypot(*pair.truth) > FAST_PX
    regions["textureless"] = ~_dilated(_slope(pair.frames[0]) > TEXTURE_LEVELS, _TEXTURE_BOX_PX)
    regions["edges"] = _dilated(_motion_slope(pair.truth) > EDGE_PX, _EDGE_BOX_PX)
    return regions


def errors_by_region(flow: NDArray[np.floating], pair: TruePair) -> dict[Region, FlowErrors | None]:
    """The figures over each kind of pixel; None for a kind that the pair has none of."""
    masks = pixel_regions(pair)
    return {
        name: flow_errors(flow, pair.truth, where=masks[name]) if name in masks else None
        for name in REGIONS
    }


def _angle_deg(
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    true_u: NDArray[np.float64],
    true_v: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Angle between (u, v, 1) and (true_u, true_v, 1); exact for equal vectors, unlike arccos."""
    dot = u * true_u + v * true_v + 1
    cross = np.sqrt((v - true_v) ** 2 + (true_u - u) ** 2 + (u * true_v - v * true_u) ** 2)
    return np.degrees(np.arctan2(cross, dot))


def _slope(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W), gray levels per pixel."""
    import cv2

    gray = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(np.asarray(gray, dtype=np.float32), (0, 0), 1.0)
    along_y, along_x = np.gradient(np.asarray(smooth, dtype=np.float32))
    return np.hypot(along_x, along_y)


def _motion_slope(truth: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W), the largest change of the true flow towards a neighbour; 0 where that is unknown."""
    slope = np.zeros(truth.shape[1:], dtype=np.float32)
    for axis in (1, 2):
        step = np.nan_to_num(np.hypot(*np.diff(truth, axis=axis)), nan=0.0)
        ahead = np.pad(step, [(0, 1) if side == axis - 1 else (0, 0) for side in (0, 1)])
        np.maximum(slope, ahead, out=slope)
    return slope


def _dilated(mask: NDArray[np.bool_], box_px: int) -> NDArray[np.bool_]:
    import cv2

    grown = cv2.dilate(mask.astype(np.uint8), np.ones((box_px, box_px), np.uint8))
    return np.asarray(grown, dtype=bool)
