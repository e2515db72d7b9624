"""The `opencv-dis` backend: dense inverse search, the quick choice on a CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.fields import Backend, Preset

Patches = Literal["ultrafast", "fast", "medium"]
Search = Callable[[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]], None]

_PATCH_PX = 8
_SMALLEST_LONG_SIDE_PX = 12  # below it OpenCV refuses
_PRESETS: dict[Preset, tuple[Patches, int]] = {
    "fast": ("fast", 2),
    "balanced": ("medium", 1),
    "quality": ("medium", 0),
}


def solve_dis(
    frames: NDArray[np.uint8], pairs: NDArray[np.intp], preset: Preset
) -> NDArray[np.float32]:
    """Flow by OpenCV's `DISOpticalFlow`, on as many threads as OpenCV is set to use.

    `fast`, `balanced` and `quality` are OpenCV's presets fast, medium, and medium refined down to
    full resolution. Ultrafast is left out: against fast it saves some 2 ms a pair at 640 x 360
    and errs a quarter more.

    Args:
        frames: gray (N, H, W), contiguous, sides >= 8.
        pairs: (B, 2) indices into the frames.
        preset: effort.

    Returns:
        (B, 2, H, W) planar (dx, dy), pixels per pair, finite.

    Reference: Kroeger et al. 2016, doi:10.1007/978-3-319-46493-0_29.
    """
    patches, finest_scale = _PRESETS[preset]
    search = inverse_search(*frames.shape[1:], patches=patches, finest_scale=finest_scale)
    flow = np.empty((len(pairs), 2, *frames.shape[1:]), dtype=np.float32)
    for index, (first, second) in enumerate(pairs):
        search(frames[first], frames[second], flow[index])
    return flow


def inverse_search(height: int, width: int, *, patches: Patches, finest_scale: int) -> Search:
    """A search for pairs of one size, which keeps its buffers from pair to pair.

    Args:
        height: of the pictures, >= 8 px.
        width: of the pictures, >= 8 px.
        patches: how densely they are laid and how long each is searched for: OpenCV's presets.
        finest_scale: pictures are halved so many times for the finest search.

    Returns:
        A function of two gray uint8 (H, W) pictures and the float32 (2, H, W) to write flow to.
    """
    import cv2

    solver = cv2.DISOpticalFlow.create({"ultrafast": 0, "fast": 1, "medium": 2}[patches])
    missing_px = max(0, _SMALLEST_LONG_SIDE_PX - max(height, width))
    coarsest = _coarsest_scale(height + missing_px, width + missing_px)
    solver.setFinestScale(min(finest_scale, coarsest))

    def search(
        first: NDArray[np.uint8], second: NDArray[np.uint8], out: NDArray[np.float32]
    ) -> None:
        if missing_px:
            first, second = (np.pad(one, (0, missing_px), mode="edge") for one in (first, second))
        # the stub wants an array; given one, OpenCV starts from it
        found = solver.calc(first, second, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
        for component in range(2):
            cv2.extractChannel(found[:height, :width], component, out[component])

    return search


def _coarsest_scale(height: int, width: int) -> int:
    """The coarsest pyramid level OpenCV will use, by its own formula (dis_flow.cpp, `calc`).

    Asked for a finest level above it, OpenCV chooses levels by the width alone, and a flat strip
    such as 8 x 100 then crashes the process.
    """
    by_motion = math.log2(max(height, width) / (4 * _PATCH_PX)) + 0.5
    by_patch = math.log2(min(height, width) // _PATCH_PX)
    return max(0, int(min(by_motion, by_patch)))


OPENCV_DIS = Backend(name="opencv-dis", method="dis", version="1", solve=solve_dis)
