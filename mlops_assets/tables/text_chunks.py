"""Text chunks: passages of documents, each with its page and characters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import polars as pl
from annotated_types import Ge, Gt

from mlops_assets.errors import InputError
from mlops_assets.rows import Row, expand, table
from mlops_assets.tables.documents import Document, documents
from mlops_assets.tables.screenings import usable
from mlops_assets.text import chunk_text


class TextChunk(Row, key="chunk_id", words=("media_id", "text"), size=("media_id", "char_count")):
    """One passage of a document."""

    chunk_id: str
    media_id: str
    index: Annotated[int, "within the document, from 0"]
    page_from: Annotated[int, "from 1"]
    page_to: int
    char_start: Annotated[int, "into documents.text"]
    char_end: int
    char_count: int
    text: str


@table(expand(documents.content, only=usable), version="1")
def text_chunks(
    document: Document,
    *,
    max_chars: Annotated[int, Gt(0), "longest passage"] = 800,
    overlap_chars: Annotated[int, Ge(0), "shared with the one before"] = 100,
) -> Iterator[TextChunk]:
    """Passages of documents, cut at the largest natural boundary that fits.

    Grain: one row per passage. Key: `chunk_id`, `<media_id>#<index>`. Partition: source and arrival
    day. All passages of a document are replaced together. `documents.text[char_start:char_end]` is
    the passage exactly.
    """
    if overlap_chars >= max_chars:
        raise InputError(
            f"overlap_chars is {overlap_chars}; it must be less than max_chars {max_chars}",
            reason="bad_overlap",
        )
    pages = document.text.split("\f")
    for chunk in chunk_text(pages, max_chars=max_chars, overlap_chars=overlap_chars):
        yield TextChunk(
            chunk_id=f"{document.media_id}#{chunk.index:06}",
            media_id=document.media_id,
            index=chunk.index,
            page_from=chunk.page_from,
            page_to=chunk.page_to,
            char_start=chunk.char_start,
            char_end=chunk.char_end,
            char_count=len(chunk.text),
            text=chunk.text,
        )


@text_chunks.check(blocking=True)
def spans_are_exact(rows: pl.LazyFrame) -> pl.LazyFrame:
    """A passage is as long as its span."""
    return rows.filter(pl.col("char_end") - pl.col("char_start") != pl.col("text").str.len_chars())
