"""A picture of vectors: what lies close together looks, or means, alike."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError

_MOST = 2_000


def likeness_map(vectors: NDArray[np.float32], groups: Sequence[str]) -> bytes:
    """Draw vectors in the plane of their two largest principal components.

    Args:
        vectors: (N, D) float32, N >= 2; the first 2,000 are drawn.
        groups: N names; equal names get one colour.

    Returns:
        PNG, 640 x 480 pixels. Axes are in the unit of the vectors, with the share of the variance
        each explains.

    Raises:
        ShapeError: fewer than two vectors, or not as many names.

    Reference: Jolliffe 2002, Principal Component Analysis, section 3.5 (by singular values).
    """
    if vectors.ndim != 2 or len(vectors) < 2 or len(groups) != len(vectors):
        raise ShapeError(
            f"vectors have shape {vectors.shape}, {len(groups)} names; expected (N, D)"
        )
    centred = (vectors[:_MOST] - vectors[:_MOST].mean(axis=0)).astype(np.float64)
    left, scales, _ = np.linalg.svd(centred, full_matrices=False)
    shares = scales**2 / max(float((scales**2).sum()), 1e-12)
    _, colours = np.unique(np.array(groups[:_MOST]), return_inverse=True)
    return _draw((left * scales)[:, :2], colours, shares[:2])


def _draw(
    places: NDArray[np.float64], colours: NDArray[np.intp], shares: NDArray[np.float64]
) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    second = places[:, 1] if places.shape[1] > 1 else np.zeros(len(places))
    axes.scatter(places[:, 0], second, c=colours % 20, cmap="tab20", s=14)
    axes.set_xlabel(f"first component, {shares[0]:.0%} of the variance")
    axes.set_ylabel(f"second, {shares[1] if len(shares) > 1 else 0:.0%}")
    buffer = BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
