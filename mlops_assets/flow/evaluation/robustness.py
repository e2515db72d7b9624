"""What becomes of the error when pictures are noisy, blurred, squeezed, darker, or far apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError
from mlops_assets.flow.evaluation.data_sets.pairs import TruePair
from mlops_assets.flow.evaluation.following import read_at_targets
from mlops_assets.flow.evaluation.measures import flow_errors

Solve = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Two pictures, uint8 (2, H, W) or (2, H, W, 3), in; flow (2, H, W) out."""

Disturbance = Literal["noise", "blur", "jpeg", "darker", "gamma", "frame_drop"]

_NOISE_LEVELS = 10.0
_BLUR_PX = 1.5
_JPEG_QUALITY = 30
_DARKER = 0.6
_GAMMA = 1.5
_EDGE_PX = 0.5


def _noise(frames: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return _whole_levels(frames + rng.normal(0, _NOISE_LEVELS, frames.shape))


def _blur(frames: NDArray[np.uint8], _: np.random.Generator) -> NDArray[np.uint8]:
    import cv2

    blurred = [cv2.GaussianBlur(frame, (0, 0), _BLUR_PX) for frame in frames]
    return np.stack(blurred).astype(np.uint8)


def _jpeg(frames: NDArray[np.uint8], _: np.random.Generator) -> NDArray[np.uint8]:
    import cv2

    squeezed = []
    for frame in frames:  # channels in the wrong order would be squeezed by the wrong weights
        bgr = np.ascontiguousarray(frame[..., ::-1] if frame.ndim == 3 else frame)
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        read = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        squeezed.append(np.asarray(read)[..., ::-1] if frame.ndim == 3 else np.asarray(read))
    return np.stack(squeezed).astype(np.uint8)


def _darker(frames: NDArray[np.uint8], _: np.random.Generator) -> NDArray[np.uint8]:
    return np.stack([frames[0], _whole_levels(_DARKER * frames[1])])


def _gamma(frames: NDArray[np.uint8], _: np.random.Generator) -> NDArray[np.uint8]:
    return np.stack([frames[0], _whole_levels(255 * (frames[1] / 255) ** _GAMMA)])


def _whole_levels(levels: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


_Disturb = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]

_DISTURB: dict[str, _Disturb] = {
    "noise": _noise,
    "blur": _blur,
    "jpeg": _jpeg,
    "darker": _darker,
    "gamma": _gamma,
}

DISTURBANCES: dict[Disturbance, str] = {
    "noise": "both pictures: Gaussian noise of 10 gray levels",
    "blur": "both pictures: Gaussian blur of 1.5 px",
    "jpeg": "both pictures: JPEG of quality 30",
    "darker": "second picture: 60 % of the light",
    "gamma": "second picture: gamma 1.5",
    "frame_drop": "the picture after the second stands in its place",
}
"""Each disturbance and what it does."""


def disturbed_errors(
    pair: TruePair, solve: Solve, *, rng: np.random.Generator, dropped: TruePair | None = None
) -> dict[Disturbance, float | None]:
    """End-point error of one pair under each disturbance.

    Args:
        pair: undisturbed.
        solve: the method.
        rng: of the noise.
        dropped: the pair with its second picture left out, as `drop_frame` makes it.

    Returns:
        Mean end-point error in px by name; None for `frame_drop` without `dropped`.

    Raises:
        InputError: what `solve` raises, or a flow that is not finite.
    """
    errors: dict[Disturbance, float | None] = {}
    for name in DISTURBANCES:
        if name == "frame_drop":
            errors[name] = None if dropped is None else _epe(solve(dropped.frames), dropped)
        else:
            errors[name] = _epe(solve(_DISTURB[name](pair.frames, rng)), pair)
    return errors


def drop_frame(pair: TruePair, following: TruePair) -> TruePair:
    """A pair from the first picture of one to the second of the next, its truth chained.

    The truth is known where both are, where nothing is known to be occluded, and where the middle
    picture has no motion edge: what moves between pixels and at the nearest one is alike to 0.5 px.

    Args:
        pair: the first step.
        following: the second step; its first picture is the second of `pair`.

    Raises:
        InputError: `sizes_differ`; `no_known_truth`: the chain leads nowhere.
    """
    if pair.frames.shape != following.frames.shape:
        raise InputError(
            f"pictures are {pair.frames.shape} and {following.frames.shape}; expected one size",
            reason="sizes_differ",
        )
    first, second = (_visible_truth(step) for step in (pair, following))
    between, nearest = read_at_targets(second, first)
    is_edge = np.abs(between - nearest).max(axis=0) > _EDGE_PX
    truth = np.where(is_edge, np.float32(np.nan), first + between)
    if not np.isfinite(truth).any():
        raise InputError("no pixel is seen in all three pictures", reason="no_known_truth")
    return TruePair(np.stack([pair.frames[0], following.frames[1]]), truth)


def _visible_truth(pair: TruePair) -> NDArray[np.float32]:
    hidden = np.zeros(pair.truth.shape[1:], dtype=bool) if pair.occluded is None else pair.occluded
    return np.where(hidden, np.float32(np.nan), pair.truth)


def _epe(flow: NDArray[np.float32], pair: TruePair) -> float | None:
    errors = flow_errors(flow, pair.truth)
    return None if errors is None else errors.epe_px
