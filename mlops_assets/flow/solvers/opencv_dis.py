"""The `opencv-dis` backend: dense inverse search, the quick choice on a CPU."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.fields import Backend, Preset

_PATCH_PX = 8
_SMALLEST_LONG_SIDE_PX = 12  # below it OpenCV refuses
_FINEST_SCALE: dict[Preset, int] = {"fast": 2, "balanced": 1, "quality": 0}


def solve_dis(pairs: NDArray[np.uint8], preset: Preset) -> NDArray[np.float32]:
    """Flow by OpenCV's `DISOpticalFlow`.

    `fast`, `balanced` and `quality` are OpenCV's presets fast, medium, and medium refined down to
    full resolution. Ultrafast is left out: against fast it saves some 2 ms a pair at 640 x 360
    and errs a quarter more.

    Args:
        pairs: gray (B, 2, H, W), B >= 1, sides >= 8.
        preset: effort.

    Returns:
        (B, 2, H, W) planar (dx, dy), pixels per pair, finite.

    Reference: Kroeger et al. 2016, doi:10.1007/978-3-319-46493-0_29.
    """
    height, width = pairs.shape[2:]
    missing_px = max(0, _SMALLEST_LONG_SIDE_PX - max(height, width))
    edges = ((0, 0), (0, 0), (0, missing_px), (0, missing_px))
    padded = np.pad(pairs, edges, mode="edge") if missing_px else np.ascontiguousarray(pairs)
    flow = np.empty((len(pairs), 2, height, width), dtype=np.float32)
    for index, (first, second) in enumerate(padded):
        flow[index] = _solve_pair(first, second, preset)[:height, :width].transpose(2, 0, 1)
    return flow


def _solve_pair(
    first: NDArray[np.uint8], second: NDArray[np.uint8], preset: Preset
) -> NDArray[np.float32]:
    """(H, W, 2) flow. A new solver each time: one keeps settings and buffers of its last size."""
    import cv2

    solver = cv2.DISOpticalFlow.create(
        cv2.DISOPTICAL_FLOW_PRESET_FAST if preset == "fast" else cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    )
    solver.setFinestScale(min(_FINEST_SCALE[preset], _coarsest_scale(*first.shape)))
    # the stub wants an array; given one, OpenCV starts from it
    found = solver.calc(first, second, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return np.asarray(found, dtype=np.float32)


def _coarsest_scale(height: int, width: int) -> int:
    """The coarsest pyramid level OpenCV will use, by its own formula (dis_flow.cpp, `calc`).

    Asked for a finest level above it, OpenCV chooses levels by the width alone, and a flat strip
    such as 8 x 100 then crashes the process.
    """
    by_motion = math.log2(max(height, width) / (4 * _PATCH_PX)) + 0.5
    by_patch = math.log2(min(height, width) // _PATCH_PX)
    return max(0, int(min(by_motion, by_patch)))


OPENCV_DIS = Backend(name="opencv-dis", method="dis", version="1", solve=solve_dis)
