"""Chunk embeddings: what a passage means, as a vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import polars as pl

from mlops_assets.embeddings import DEFAULT_TEXT_ENCODER, encoder_version, text_encoder
from mlops_assets.lake import Lake, Partition
from mlops_assets.rows import How, Row, Rows, each, table
from mlops_assets.tables.frame_embeddings import (
    VECTOR,
    is_off_unit_length,
    map_of,
    vector_column,
)
from mlops_assets.tables.text_chunks import text_chunks


class ChunkEmbedding(Row, key="chunk_id", vectors=("media_id", "vector")):
    """The vector of one passage."""

    chunk_id: str
    media_id: str
    encoder: str
    encoder_version: str
    vector: Annotated[list[float], VECTOR, "unit length"]


def _version(lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str:
    return encoder_version(values["encoder"], "text")


@table(
    each(text_chunks.words),
    version="1",
    how=How(batch_size=64, slice_units=1024, pool="model"),
    pins={"encoder_version": _version},
)
def chunk_embeddings(
    passages: pl.DataFrame,
    *,
    encoder: Annotated[
        str, "any sentence-transformers model by name or folder"
    ] = DEFAULT_TEXT_ENCODER,
    encoder_version: str = "",
) -> Rows[ChunkEmbedding]:
    """Vectors of passages.

    Grain: one row per passage. Key: `chunk_id`. Partition: source and arrival day. Replaced when
    the text or the encoder changes; until then the old vectors stay, and say which encoder made
    them. Limits: all-MiniLM-L6-v2 reads the first 256 tokens of a passage, in English best.
    """
    vectors = text_encoder(encoder).encode(passages["text"].to_list())
    return passages.select(
        "chunk_id",
        "media_id",
        encoder=pl.lit(encoder),
        encoder_version=pl.lit(encoder_version),
        vector=vector_column(vectors),
    )


@chunk_embeddings.check(blocking=True)
def passages_have_unit_vectors(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every vector has length 1."""
    return rows.filter(is_off_unit_length())


@chunk_embeddings.picture
def map_of_passages(rows: pl.LazyFrame) -> bytes | None:
    """See `frame_embeddings.map_of`."""
    return map_of(rows)
