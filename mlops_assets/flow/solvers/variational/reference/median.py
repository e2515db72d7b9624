"""The median of each 3 x 3 neighbourhood: it takes out spikes and keeps edges of the flow."""

from __future__ import annotations

from mlops_assets.flow.arrays import Array, array_module

# Paeth 1990, "Median finding on a 3x3 grid", Graphics Gems: 19 exchanges leave the median at 4.
_EXCHANGES = (
    (1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3),
    (5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2),
)  # fmt: skip


def median(flow: Array) -> Array:
    """Median of 3 x 3 pixels; beyond a border its pixel repeats.

    Args:
        flow: float32 (B, H, W), one component.

    Returns:
        float32 (B, H, W).
    """
    xp = array_module(flow)
    height, width = flow.shape[1:]
    padded = xp.pad(flow, ((0, 0), (1, 1), (1, 1)), mode="edge")
    values = [
        padded[:, row : row + height, column : column + width]
        for row in range(3)
        for column in range(3)
    ]
    for low, high in _EXCHANGES:
        values[low], values[high] = (
            xp.minimum(values[low], values[high]),
            xp.maximum(values[low], values[high]),
        )
    return values[4]
