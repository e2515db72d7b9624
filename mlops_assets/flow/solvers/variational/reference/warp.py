"""The second picture, looked up where the flow points."""

from __future__ import annotations

from mlops_assets.flow.arrays import Array, array_module


def warp(pictures: Array, u: Array, v: Array) -> tuple[Array, Array]:
    """Cubic interpolation (Catmull-Rom, Keys 1981 with a = -1/2) at x + u, y + v.

    Args:
        pictures: float32 (B, H, W).
        u: float32 (B, H, W), pixels to the right.
        v: the same, pixels down.

    Returns:
        float32 (B, H, W) warped pictures, positions outside moved to the nearest pixel; and
        float32 (B, H, W) visibility: 1 inside, falling to 0 one pixel outside.

    Reference: Keys 1981, doi:10.1109/TASSP.1981.1163711.
    """
    xp = array_module(pictures)
    batch, height, width = pictures.shape
    x = xp.arange(width, dtype="float32") + u
    y = xp.arange(height, dtype="float32")[:, None] + v
    columns, column_weights, seen_x = _taps(x, width)
    rows, row_weights, seen_y = _taps(y, height)
    flat = pictures.reshape(-1)
    origin = (xp.arange(batch) * (height * width))[:, None, None]
    warped = xp.zeros_like(u)
    for row, row_weight in zip(rows, row_weights, strict=True):
        start = origin + row * width
        line = xp.zeros_like(u)
        for column, column_weight in zip(columns, column_weights, strict=True):
            line += column_weight * xp.take(flat, start + column)
        warped += row_weight * line
    return warped, seen_x * seen_y


def _taps(position: Array, length: int) -> tuple[list[Array], list[Array], Array]:
    """Four pixel indices and weights along one axis, and the visibility."""
    xp = array_module(position)
    inside = xp.clip(position, 0, length - 1)
    visibility = xp.clip(1 - xp.abs(position - inside), 0, 1)
    first = xp.floor(inside)
    t = inside - first
    left = first.astype("int64")
    indices = [xp.clip(left + offset, 0, length - 1) for offset in (-1, 0, 1, 2)]
    half = xp.float32(0.5)
    weights = [
        half * t * (t * (2 - t) - 1),
        half * (t * t * (3 * t - 5) + 2),
        half * t * (t * (4 - 3 * t) + 1),
        half * t * t * (t - 1),
    ]
    return indices, weights, visibility
