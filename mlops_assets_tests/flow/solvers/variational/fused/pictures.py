"""Small odd pictures with motion, for comparing two programs of the method."""

from __future__ import annotations

import numpy as np

from mlops_assets_tests.flow import scenes

SHAPES = ((33, 47), (41, 64), (57, 39))


def clip(height, width, count, *, seed=3):
    """(count, H, W): a texture that drifts and turns, under a little noise."""
    rng = np.random.default_rng(seed)
    x, y = scenes.grid(height, width)
    frames = []
    for index in range(count):
        turn = 0.03 * index
        moved_x = np.cos(turn) * x + np.sin(turn) * y - 2.3 * index
        moved_y = np.cos(turn) * y - np.sin(turn) * x - 0.9 * index
        frames.append(scenes.texture(moved_x, moved_y) + rng.normal(0, 2, (height, width)))
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)
