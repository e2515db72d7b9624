"""Picture pairs in, flow fields out, whichever backend does the work."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ConfigurationError, ShapeError
from mlops_assets.flow.fields import MIN_SIDE_PX, Backend, FlowBatch, Preset, check_size
from mlops_assets.flow.solvers.opencv_dis import OPENCV_DIS

BackendName = Literal["auto", "opencv-dis"]

BACKENDS: dict[str, Backend] = {backend.name: backend for backend in (OPENCV_DIS,)}
"""Every backend by name, the preferred one first."""


def dense_flow(
    pairs: NDArray[np.uint8], *, preset: Preset = "balanced", backend: BackendName = "auto"
) -> FlowBatch:
    """Motion of every pixel from the first to the second picture of each pair.

    Deterministic; a pair's flow does not depend on the other pairs of the batch. The backward flow
    of the same pairs is `dense_flow(pairs[:, ::-1])`; the pairs of a clip are `clip_pairs(frames)`.

    Args:
        pairs: uint8 (B, 2, H, W) gray, or (B, 2, H, W, 3) sRGB, reduced to luma (BT.601).
            Sides from 8 up. B may be 0.
        preset: effort: `fast`, `balanced` or `quality`.
        backend: the implementation; `auto` takes the first that runs here.

    Returns:
        The fields, finite, 0 where the two pictures are identical or constant, and their origin.

    Raises:
        ShapeError: another shape or dtype, sides under 8, or more pixels than are worked on.
        ConfigurationError: no such preset or backend.
    """
    if preset not in get_args(Preset):
        raise ConfigurationError(f"preset is {preset!r}; expected one of {get_args(Preset)}")
    chosen = _choose(backend)
    gray = _gray(pairs)
    flow = chosen.solve(gray, preset) if len(gray) else np.empty(gray.shape, dtype=np.float32)
    return FlowBatch(flow, chosen.method, preset, chosen.name, chosen.version)


def clip_pairs(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The consecutive pairs of one clip, without a copy.

    Args:
        frames: (N, H, W) gray or (N, H, W, 3) sRGB.

    Returns:
        A read-only view (N - 1, 2, H, W) or (N - 1, 2, H, W, 3); empty when N < 2.

    Raises:
        ShapeError: another shape.
    """
    if frames.ndim not in (3, 4):
        raise ShapeError(f"frames have shape {frames.shape}; expected (N, H, W) or (N, H, W, 3)")
    if len(frames) < 2:
        return np.empty((0, 2, *frames.shape[1:]), dtype=frames.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(frames, 2, axis=0)
    return np.moveaxis(windows, -1, 1)


def _choose(backend: str) -> Backend:
    if backend == "auto":
        return next(iter(BACKENDS.values()))
    if backend not in BACKENDS:
        raise ConfigurationError(f"backend is {backend!r}; expected auto or one of {[*BACKENDS]}")
    return BACKENDS[backend]


def _gray(pairs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(B, 2, H, W) of checked gray or colour pairs."""
    gray_or_colour = pairs.ndim == 4 or (pairs.ndim == 5 and pairs.shape[-1] == 3)
    if not gray_or_colour or pairs.shape[1] != 2:
        raise ShapeError(
            f"pairs have shape {pairs.shape}; expected (B, 2, H, W) or (B, 2, H, W, 3)"
        )
    if pairs.dtype != np.uint8:
        raise ShapeError(f"pairs have dtype {pairs.dtype}; expected uint8", reason="wrong_dtype")
    check_size(*pairs.shape[2:4], min_side_px=MIN_SIDE_PX)
    return pairs if pairs.ndim == 4 else _luma(pairs)


def _luma(pairs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    if not len(pairs):
        return pairs[..., 0]
    rows = pairs.reshape(-1, *pairs.shape[3:])
    return np.asarray(cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY), np.uint8).reshape(pairs.shape[:4])
