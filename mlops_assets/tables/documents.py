"""Documents: the text of what can be read."""

from __future__ import annotations

from typing import Annotated

import polars as pl
from annotated_types import Gt

from mlops_assets.rows import How, Row, expand, table
from mlops_assets.tables.raw_media import Media, accepted, raw_media
from mlops_assets.text import extract_document


class Document(Row, key="media_id", content=("media_id", "text")):
    """The text of one document."""

    media_id: str
    format: Annotated[str, "txt, md, html or pdf"]
    title: str
    language: Annotated[str, "ISO 639-1; empty when there is too little text to tell"]
    char_count: int
    page_count: int
    pages_lost: Annotated[int, "pages that could not be read"]
    text: Annotated[str, "cleaned, NFC; pages separated by a form feed"]


@table(
    expand(raw_media.content, by="media_id", where=accepted("document")),
    version="1",
    how=How(executor="processes", slice_units=64, weigh_by="size_bytes", pool="decode"),
)
def documents(
    media: Media,
    *,
    max_pages: Annotated[int, Gt(0)] = 5_000,
    max_chars: Annotated[int, Gt(0)] = 20_000_000,
) -> Document:
    """Text of plain text, Markdown, HTML and the text layer of PDF.

    Grain: one row per accepted document. Key: `media_id`. Partition: source and arrival day.
    Replaced when the bytes change. Limits: a PDF of pictures only is skipped (`no_text_layer`).
    """
    with media.open() as file:
        read = extract_document(file, name=media.path, max_pages=max_pages, max_chars=max_chars)
    return Document(
        media_id=media.media_id,
        format=read.format,
        title=read.title,
        language=read.language,
        char_count=read.char_count,
        page_count=read.page_count,
        pages_lost=read.pages_lost,
        text=read.text,
    )


@documents.check()
def documents_have_text(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every document has some text."""
    return rows.filter(pl.col("char_count") == 0)
