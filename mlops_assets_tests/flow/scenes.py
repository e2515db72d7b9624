"""Rendered pairs whose motion is known: a texture is a formula, so any shift is exact."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def texture(x, y, *, seed=7):
    """Gray levels 0-255 at real coordinates: sixty waves of 5 to 60 px."""
    rng = np.random.default_rng(seed)
    total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)))
    for _ in range(60):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        length = 5 * 12 ** rng.uniform()
        total += np.sqrt(length) * np.sin(
            2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / length + phase
        )
    return np.clip(128 + 45 * total / 18, 0, 255)


def grid(height, width):
    y, x = np.mgrid[:height, :width].astype(float)
    return x, y


def translated_pair(height, width, dx, dy, *, seed=7):
    """(2, H, W): the content moves by (dx, dy)."""
    x, y = grid(height, width)
    first, second = texture(x, y, seed=seed), texture(x - dx, y - dy, seed=seed)
    return np.rint(np.stack([first, second])).astype(np.uint8)


def uniform_flow(height, width, dx, dy):
    return np.broadcast_to(
        np.array([dx, dy], dtype=np.float32)[:, None, None], (2, height, width)
    ).copy()


def two_layer_pair(height, width, back, front):
    """A rectangle with its own texture moves over a moving background; and the true flow."""
    x, y = grid(height, width)

    def covered(dx, dy):
        across = np.abs(x - dx - width / 2) < width / 5
        return across & (np.abs(y - dy - height / 2) < height / 5)

    pictures = [
        np.where(
            covered(*(when * np.asarray(front))),
            texture(x - when * front[0], y - when * front[1], seed=1),
            texture(x - when * back[0], y - when * back[1], seed=2),
        )
        for when in (0, 1)
    ]
    truth = np.where(
        covered(0, 0), uniform_flow(height, width, *front), uniform_flow(height, width, *back)
    )
    return np.rint(np.stack(pictures)).astype(np.uint8), truth.astype(np.float32)


def similarity_flow(height, width, *, dx=0.0, dy=0.0, zoom=1.0, rotation_deg=0.0):
    """Motion of a camera about the centre of the picture, exactly."""
    x, y = grid(height, width)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    cos, sin = zoom * np.cos(np.radians(rotation_deg)), zoom * np.sin(np.radians(rotation_deg))
    return np.stack([cos * x - sin * y + dx - x, sin * x + cos * y + dy - y]).astype(np.float32)


def jpeg(picture, *, quality=95):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="JPEG", quality=quality)
    return out.getvalue()
