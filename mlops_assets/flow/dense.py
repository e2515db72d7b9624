"""Pictures in, flow fields out, whichever backend does the work."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ConfigurationError, ShapeError
from mlops_assets.flow.arrays import array_module, to_host
from mlops_assets.flow.backends import find_backend
from mlops_assets.flow.fields import MIN_SIDE_PX, Array, Backend, FlowBatch, Preset, check_size

BackendName = Literal["auto", "cupy", "reference", "opencv-vr", "opencv-dis", "raft"]

_RED, _GREEN, _BLUE, _SHIFT = 9798, 19235, 3735, 15  # BT.601 as OpenCV computes it


def dense_flow(
    pictures: Array,
    *,
    between: NDArray[np.integer] | None = None,
    preset: Preset = "balanced",
    backend: BackendName = "auto",
) -> FlowBatch:
    """Motion of every pixel from the first to the second picture of each pair.

    Deterministic; a pair's flow does not depend on the other pairs of the batch. What a backend
    prepares of a frame it prepares once, so forward and backward flow of a clip in one call,
    `between=[(0, 1), (1, 0), ...]`, costs less than in two.

    Args:
        pictures: uint8 frames of one clip, (N, H, W) gray or (N, H, W, 3) sRGB; or pairs,
            (B, 2, H, W) or (B, 2, H, W, 3). Sides from 8 up. N and B may be 0. A NumPy array or a
            CuPy array. Colour is reduced to luma (BT.601) unless the backend takes colour.
        between: (B, 2) indices into the frames: from, to. Each frame to its successor for None.
        preset: effort: `fast`, `balanced` or `quality`.
        backend: the implementation; `auto` takes `cupy` where a device works, else `opencv-vr`.

    Returns:
        The fields, finite, 0 where the two pictures are identical or constant, and their origin:
        N - 1 fields of N frames, B of B pairs. CuPy pictures give CuPy fields where the backend
        works on the device; else they are copied to the host and the fields are NumPy arrays.

    Raises:
        ShapeError: another shape or dtype, sides under 8, more pixels than are worked on, or
            indices that point at no frame.
        ConfigurationError: no such preset or backend, or one that cannot run here.
    """
    if preset not in get_args(Preset):
        raise ConfigurationError(f"preset is {preset!r}; expected one of {get_args(Preset)}")
    chosen = find_backend(backend)
    frames, pairs = _frames_and_pairs(pictures, between)
    frames = _prepared(frames, chosen)
    if len(pairs):
        flow = chosen.solve(frames, pairs, preset)
    else:
        flow = array_module(frames).empty((0, 2, *frames.shape[1:3]), dtype=np.float32)
    version = "-".join(filter(None, (chosen.version, chosen.variant())))
    return FlowBatch(flow, chosen.method, preset, chosen.name, version)


def _frames_and_pairs(
    pictures: Array, between: NDArray[np.integer] | None
) -> tuple[Array, NDArray[np.intp]]:
    """Checked frames (N, H, W) or (N, H, W, 3), and (B, 2) indices into them."""
    shape = pictures.shape
    in_colour = len(shape) in (4, 5) and shape[-1] == 3
    tail = shape[: len(shape) - in_colour][-2:]
    in_pairs = len(shape) == 4 + in_colour and shape[1] == 2
    if not in_pairs and len(shape) != 3 + in_colour:
        raise ShapeError(
            f"pictures have shape {shape}; expected frames (N, H, W) or pairs (B, 2, H, W), "
            "with or without 3 colours behind"
        )
    if pictures.dtype != np.uint8:
        raise ShapeError(
            f"pictures have dtype {pictures.dtype}; expected uint8", reason="wrong_dtype"
        )
    check_size(*tail, min_side_px=MIN_SIDE_PX)
    if not in_pairs:
        return pictures, _checked_indices(between, len(pictures))
    if between is not None:
        raise ShapeError("pairs were given, and indices between frames; expected only one of them")
    frames = pictures.reshape(-1, *shape[2:])
    return frames, np.arange(len(frames), dtype=np.intp).reshape(-1, 2)


def _checked_indices(between: NDArray[np.integer] | None, frames: int) -> NDArray[np.intp]:
    if between is None:
        first = np.arange(max(0, frames - 1), dtype=np.intp)
        return np.stack([first, first + 1], axis=1)
    pairs = np.asarray(between)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not np.issubdtype(pairs.dtype, np.integer):
        raise ShapeError(
            f"between is {pairs.dtype} of shape {pairs.shape}; expected integers (B, 2)"
        )
    if pairs.size and not 0 <= pairs.min() <= pairs.max() < frames:
        raise ShapeError(
            f"between points at frames {pairs.min()} to {pairs.max()}; expected 0 to {frames - 1}"
        )
    return pairs.astype(np.intp, copy=False)


def _prepared(frames: Array, backend: Backend) -> Array:
    """Frames as the backend takes them: gray or colour, on the host or the device, contiguous."""
    if not backend.takes_device:
        frames = to_host(frames)
    if frames.ndim == 4 and not backend.takes_colour:
        frames = _luma(frames)
    return frames if frames.flags.c_contiguous else frames.copy()


def _luma(frames: Array) -> Array:
    """(N, H, W) of (N, H, W, 3), the same numbers on the host and on the device."""
    if array_module(frames) is not np or not len(frames):
        return _device_luma(frames)
    import cv2

    rows = np.ascontiguousarray(frames).reshape(-1, *frames.shape[2:])
    return np.asarray(cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY), np.uint8).reshape(frames.shape[:3])


def _device_luma(frames: Array) -> Array:
    """What `cv2.cvtColor` computes, for arrays that OpenCV cannot read."""
    wide = frames.astype(np.uint32)
    total = wide[..., 0] * _RED + wide[..., 1] * _GREEN + wide[..., 2] * _BLUE
    return ((total + (1 << _SHIFT - 1)) >> _SHIFT).astype(np.uint8)
