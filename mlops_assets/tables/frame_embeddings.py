"""Frame embeddings: what a picture looks like, as a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import polars as pl

from mlops_assets.embeddings import DEFAULT_IMAGE_ENCODER, encoder_version, image_encoder
from mlops_assets.lake import Lake, Partition
from mlops_assets.rows import How, Row, Rows, each, table
from mlops_assets.tables.decodings import frames
from mlops_assets.tables.screenings import usable

VECTOR = pl.List(pl.Float32())


class FrameEmbedding(Row, key="frame_id", vectors=("media_id", "vector")):
    """The vector of one frame."""

    frame_id: str
    media_id: str
    encoder: str
    encoder_version: str
    vector: Annotated[list[float], VECTOR, "unit length"]


def _version(lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str:
    return encoder_version(values["encoder"], "image")


@table(
    each(frames.image, only=usable),
    version="1",
    how=How(batch_size=128, slice_units=1024, pool="model"),
    pins={"encoder_version": _version},
)
def frame_embeddings(
    pictures: pl.DataFrame,
    *,
    encoder: Annotated[
        str, "descriptor, or a sentence-transformers CLIP by name or folder"
    ] = DEFAULT_IMAGE_ENCODER,
    encoder_version: str = "",
) -> Rows[FrameEmbedding]:
    """Vectors of frames.

    Grain: one row per frame. Key: `frame_id`. Partition: source and arrival day. Replaced when the
    picture or the encoder changes; until then the old vectors stay, and say which encoder made
    them. Limits: the built-in descriptor finds what looks alike, not what means the same.
    """
    vectors = image_encoder(encoder).encode(pictures["jpeg"].to_list())
    return pictures.select(
        "frame_id",
        "media_id",
        encoder=pl.lit(encoder),
        encoder_version=pl.lit(encoder_version),
        vector=vector_column(vectors),
    )


def vector_column(vectors: np.ndarray) -> pl.Series:
    """(N, D) float32 as a column of lists, as Delta can store it."""
    return pl.Series("vector", vectors, pl.Array(pl.Float32, vectors.shape[1])).cast(VECTOR)


def matrix(vectors: pl.Series) -> np.ndarray:
    """A column of vectors as (N, D) float32; (0, 0) for none."""
    if not len(vectors):
        return np.zeros((0, 0), np.float32)
    return vectors.cast(pl.Array(pl.Float32, len(vectors[0]))).to_numpy()


def is_off_unit_length() -> pl.Expr:
    """Whether a vector's length is not 1."""
    squares = pl.col("vector").list.eval(pl.element() ** 2).list.sum()
    return (squares - 1).abs() > 1e-3


@frame_embeddings.check(blocking=True)
def vectors_have_unit_length(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every vector has length 1."""
    return rows.filter(is_off_unit_length())


def map_of(rows: pl.LazyFrame) -> bytes | None:
    """The vectors of a partition in the plane of their principal components, a colour per file."""
    from mlops_assets.embeddings.plots import likeness_map

    shown = rows.select("media_id", "vector").head(2_000).collect()
    return (
        likeness_map(matrix(shown["vector"]), shown["media_id"].to_list())
        if shown.height > 1
        else None
    )


@frame_embeddings.picture
def map_of_frames(rows: pl.LazyFrame) -> bytes | None:
    """See `map_of`."""
    return map_of(rows)
