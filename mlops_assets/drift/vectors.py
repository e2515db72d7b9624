"""Vectors as a few numbers that can be profiled."""

from __future__ import annotations

import hashlib

import numpy as np

from mlops_assets.errors import ShapeError


def vector_features(
    vectors: np.ndarray, *, projections: int = 4, seed: int = 0
) -> dict[str, np.ndarray]:
    """Reduce vectors to their norm and a few fixed random projections.

    If the distribution of the vectors moves, so does, with probability one, that of a random
    projection (Cramér and Wold 1936); few projections see large moves only. The directions are
    signs read off a hash of seed, index and width, so they are the same for ever, on every machine
    and version, and profiles made years apart can be compared.

    Args:
        vectors: (N, D) float32.
        projections: how many directions, >= 0.
        seed: chooses the directions.

    Returns:
        `norm` and `projection_0`, `projection_1`, ...: each (N,) float64, in the unit of the
        vectors; NaN for a vector with a NaN. Empty arrays for no vectors.

    Raises:
        ShapeError: the array does not have two axes.

    Reference: Achlioptas 2003, section 1, doi:10.1016/S0022-0000(03)00025-4 (projection by signs).
    """
    if vectors.ndim != 2:
        raise ShapeError(f"vectors have shape {vectors.shape}; expected (N, D)")
    exact = vectors.astype(np.float64)
    features = {"norm": np.sqrt(np.square(exact).sum(axis=1))}
    for index in range(projections):
        direction = _signs(vectors.shape[1], label=f"{seed}/{index}/{vectors.shape[1]}")
        features[f"projection_{index}"] = (exact * direction).sum(axis=1)
    return features


def _signs(width: int, *, label: str) -> np.ndarray:
    """(D,) float64 of +-1/sqrt(D), fixed by the label."""
    stream = hashlib.shake_256(label.encode()).digest((width + 7) // 8)
    bits = np.unpackbits(np.frombuffer(stream, dtype=np.uint8))[:width]
    return (2.0 * bits - 1.0) / np.sqrt(max(width, 1))
