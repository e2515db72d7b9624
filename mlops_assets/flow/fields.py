"""What a flow field is, what a backend gives, and the bounds both keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError

Array: TypeAlias = Any
"""A NumPy array, or a CuPy array where the text says that it may be one."""

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
        flow: float32 (B, 2, H, W), planar (dx, dy), pixels per pair, x right and y down. A CuPy
            array when the pictures were one and the backend works on the device.
        method: the algorithm, such as `dis`.
        preset: its effort: `fast`, `balanced` or `quality`.
        backend: the implementation that ran, never `auto`.
        version: of the method, and `-` and its variant where it has one; another may give other
            numbers.
    """

    flow: Array
    method: str
    preset: Preset
    backend: str
    version: str


def _always_runs() -> None:
    """Nothing is missing."""


def _no_variant() -> str:
    """The version says it all."""
    return ""


@dataclass(frozen=True)
class Backend:
    """One program that solves for dense flow.

    It is given frames and pairs of indices into them, so that what it needs of a frame is made
    once, however many pairs use it. It promises: sizes from 8 x 8 up, odd ones and thin strips too;
    finite values; 0 for identical and for constant pictures; the same numbers for the same pair
    whatever the batch, the threads or the call before.

    Attributes:
        name: what a caller asks for, such as `opencv-dis`.
        method: the algorithm, such as `dis`. Backends of one method agree to 1e-3 px.
        version: of the method; changes whenever its numbers do.
        solve: contiguous uint8 frames (N, H, W), pairs (B, 2) of indices with B >= 1, and a preset
            in; float32 (B, 2, H, W) out, of the same kind of array as the frames.
        unavailable: why it cannot run here, None when it can. Imports nothing until asked, and is
            quick when asked again.
        variant: what else its numbers depend on, such as a digest of weights; empty when nothing.
        takes_colour: frames may be (N, H, W, 3) sRGB as well; others get luma.
        takes_device: frames may be CuPy arrays; others get NumPy arrays.
    """

    name: str
    method: str
    version: str
    solve: Callable[[Array, NDArray[np.intp], Preset], Array]
    unavailable: Callable[[], str | None] = _always_runs
    variant: Callable[[], str] = _no_variant
    takes_colour: bool = False
    takes_device: bool = False


def is_still(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Whether two pictures show no motion for certain: they are identical, or both of one colour.

    For backends whose arithmetic would make next to nothing of that instead of nothing.

    Args:
        first: (H, W) or (H, W, 3).
        second: the same shape.
    """
    if np.array_equal(first, second):
        return True
    return all(bool((one == one[0, 0]).all()) for one in (first, second))


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
