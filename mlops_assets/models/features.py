"""What a head sees of an item: one preprocessing for training, scoring and serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from mlops_assets.errors import InputError, ShapeError

FEATURE_VERSION = "1"
"""Changes whenever `join_features` gives other numbers for the same input."""

MOTION_COLUMNS = (
    "mean_diag_per_s",
    "p95_diag_per_s",
    "static_share",
    "direction_entropy",
    "divergence_abs",
    "curl_abs",
    "camera_residual_px",
)
"""The motion statistics a head sees unless told otherwise, in this order."""


def feature_names(width: int, *, columns: Sequence[str] = MOTION_COLUMNS) -> list[str]:
    """Names of the columns of `join_features`, in order.

    Args:
        width: width D of the embedding.
        columns: the motion columns.
    """
    return [*(f"embedding_{i}" for i in range(width)), *columns, "has_motion"]


def join_features(
    embeddings: np.ndarray,
    motion: pl.DataFrame | Mapping[str, np.ndarray] | None = None,
    *,
    columns: Sequence[str] = MOTION_COLUMNS,
) -> np.ndarray:
    """Put embeddings and motion statistics side by side.

    A motion value x becomes sign(x) log(1 + |x|), because magnitudes have heavy tails. A missing
    one (null, NaN, infinite, or a column that is not there) becomes 0. The last column is 1 for an
    item with any motion value and 0 for one with none, such as a still image.

    Args:
        embeddings: (N, D) float32, finite.
        motion: columns of N values each, in the order of the embeddings; None if there is none.
        columns: which motion columns, M of them, in this order.

    Returns:
        (N, D + M + 1) float32, finite, whether or not there is motion. No rows for no items.

    Raises:
        ShapeError: the embeddings do not have two axes, or a motion column has another length.
        InputError: `not_finite`, an embedding has a NaN or an infinite value.
    """
    if embeddings.ndim != 2:
        raise ShapeError(f"embeddings have shape {embeddings.shape}; expected (N, D)")
    bad = int((~np.isfinite(embeddings).all(axis=1)).sum())
    if bad:
        raise InputError(
            f"{bad} of {len(embeddings)} embeddings are not finite; expected none",
            reason="not_finite",
        )
    raw = np.full((len(embeddings), len(columns)), np.nan)
    for index, name in enumerate(columns):
        if motion is not None and name in motion:
            raw[:, index] = _column(motion[name], name=name, length=len(embeddings))
    known = np.isfinite(raw)
    squeezed = np.where(known, np.sign(raw) * np.log1p(np.abs(raw)), 0.0)
    flag = known.any(axis=1, keepdims=True)
    return np.concatenate([embeddings, squeezed, flag], axis=1, dtype=np.float32)


def _column(values: pl.Series | np.ndarray, *, name: str, length: int) -> np.ndarray:
    if isinstance(values, pl.Series):
        values = values.cast(pl.Float64).to_numpy()
    column = np.asarray(values, dtype=np.float64)
    if column.shape != (length,):
        raise ShapeError(f"motion column {name!r} has shape {column.shape}; expected ({length},)")
    return np.where(np.isfinite(column), column, np.nan)
