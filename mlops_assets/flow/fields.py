"""What a flow field is, what a backend gives, and the bounds both keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError

Preset = Literal["fast", "balanced", "quality"]

MIN_SIDE_PX = 8
MAX_SIDE_PX = 16_384  # cv2.remap refuses sides of 32,767
MAX_PIXELS = 2**26
UNKNOWN_ABOVE = 1e9  # as in .flo files


@dataclass(frozen=True, eq=False)
class FlowBatch:
    """Flow fields of a batch of picture pairs, and what made them.

    `method`, `preset`, `backend` and `version` belong on every row kept: numbers of different
    methods must never meet in one drift test.

    Attributes:
        flow: float32 (B, 2, H, W), planar (dx, dy), pixels per pair, x right and y down.
        method: the algorithm, such as `dis`.
        preset: its effort: `fast`, `balanced` or `quality`.
        backend: the implementation that ran, never `auto`.
        version: of the backend; another version may give other numbers.
    """

    flow: NDArray[np.float32]
    method: str
    preset: Preset
    backend: str
    version: str


@dataclass(frozen=True)
class Backend:
    """One implementation of dense flow.

    A backend promises: sizes from 8 x 8 up, odd ones too; finite values; the same numbers for the
    same pair whatever the batch, the threads or the call before; 0 for identical pictures.

    Attributes:
        name: what a caller asks for, such as `opencv-dis`.
        method: the algorithm, such as `dis`.
        version: changes whenever the numbers do.
        solve: gray uint8 pairs (B, 2, H, W), B >= 1, and a preset in; float32 (B, 2, H, W) out.
    """

    name: str
    method: str
    version: str
    solve: Callable[[NDArray[np.uint8], Preset], NDArray[np.float32]]


def check_size(height: int, width: int, *, min_side_px: int = 1) -> None:
    """Refuse pictures and fields that are too small or too large to work on.

    Args:
        height: pixels.
        width: pixels.
        min_side_px: the smallest side allowed.

    Raises:
        ShapeError: a side is under `min_side_px` or over 16,384, or there are over 2**26 pixels.
    """
    if min(height, width) < min_side_px:
        raise ShapeError(
            f"picture is {height} x {width}; expected at least {min_side_px} x {min_side_px}",
            reason="too_small",
        )
    if max(height, width) > MAX_SIDE_PX or height * width > MAX_PIXELS:
        raise ShapeError(
            f"picture is {height} x {width}; expected sides up to {MAX_SIDE_PX} and at most "
            f"{MAX_PIXELS} pixels",
            reason="too_large",
        )


def float32_field(flow: NDArray[np.floating], *, min_side_px: int = 1) -> NDArray[np.float32]:
    """A flow field of any floating type, checked.

    Args:
        flow: floating (2, H, W).
        min_side_px: the smallest side allowed.

    Returns:
        float32 (2, H, W); the argument itself when it is that already.

    Raises:
        ShapeError: another shape or dtype, or a size out of bounds.
    """
    if flow.ndim != 3 or flow.shape[0] != 2:
        raise ShapeError(f"flow has shape {flow.shape}; expected (2, H, W)")
    if not np.issubdtype(flow.dtype, np.floating):
        raise ShapeError(f"flow has dtype {flow.dtype}; expected float32", reason="wrong_dtype")
    check_size(*flow.shape[1:], min_side_px=min_side_px)
    with np.errstate(over="ignore"):
        return flow.astype(np.float32, copy=False)


def known_vectors(flow: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which vectors say something.

    Args:
        flow: (2, H, W), pixels.

    Returns:
        (H, W), False where a component is NaN or beyond 1e9.
    """
    return np.all(np.abs(flow) <= UNKNOWN_ABOVE, axis=0)
