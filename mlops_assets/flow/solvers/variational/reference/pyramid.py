"""Pictures at falling sizes: blur, then interpolate.

Arrays are (N, H, W) throughout; every step treats the N pictures alike and apart.
"""

from __future__ import annotations

from mlops_assets.flow.arrays import Array, array_module
from mlops_assets.flow.solvers.variational.schedule import (
    Schedule,
    gaussian_taps,
    level_sizes,
    reduction_sigma_px,
)


def pyramid(frames: Array, schedule: Schedule) -> list[Array]:
    """Every level of every picture.

    Args:
        frames: uint8 (N, H, W), gray.
        schedule: gives the first blur, the ratio and the smallest side.

    Returns:
        float32 (N, h, w) per level, gray values 0..255, full size first.
    """
    height, width = frames.shape[1:]
    levels = [blur(frames.astype("float32"), schedule.presmooth_px)]
    sigma_px = reduction_sigma_px(schedule.ratio)
    for size in level_sizes(height, width, schedule)[1:]:
        levels.append(resize(blur(levels[-1], sigma_px), size))
    return levels


def blur(pictures: Array, sigma_px: float) -> Array:
    """Gaussian blur, columns then rows; beyond a border its pixel repeats.

    Args:
        pictures: float32 (N, H, W).
        sigma_px: standard deviation, > 0; weights end at three of them.

    Returns:
        float32 (N, H, W).
    """
    return _convolve(
        _convolve(pictures, gaussian_taps(sigma_px), axis=1), gaussian_taps(sigma_px), axis=2
    )


def resize(pictures: Array, size: tuple[int, int]) -> Array:
    """Bilinear interpolation between pixel centres; beyond the outermost centres, their value.

    Args:
        pictures: float32 (N, h, w).
        size: the (height, width) wanted.

    Returns:
        float32 (N, height, width).
    """
    return _interpolate(_interpolate(pictures, size[0], axis=1), size[1], axis=2)


def _convolve(pictures: Array, taps: list[float], *, axis: int) -> Array:
    xp = array_module(pictures)
    index = xp.arange(pictures.shape[axis])
    total = pictures * xp.float32(taps[0])
    for offset, tap in enumerate(taps[1:], start=1):
        before = xp.take(pictures, xp.maximum(index - offset, 0), axis=axis)
        after = xp.take(pictures, xp.minimum(index + offset, len(index) - 1), axis=axis)
        total += xp.float32(tap) * (before + after)
    return total


def _interpolate(pictures: Array, length: int, *, axis: int) -> Array:
    xp = array_module(pictures)
    old_length = pictures.shape[axis]
    position = (xp.arange(length, dtype="float32") + xp.float32(0.5)) * xp.float32(
        old_length / length
    ) - xp.float32(0.5)
    position = xp.clip(position, 0, old_length - 1)
    left = xp.minimum(xp.floor(position).astype("int64"), max(old_length - 2, 0))
    share = (position - left).astype("float32")
    share = share[:, None] if axis == 1 else share
    before = xp.take(pictures, left, axis=axis)
    after = xp.take(pictures, xp.minimum(left + 1, old_length - 1), axis=axis)
    return before + share * (after - before)
