"""Documents: the text of what can be read."""

from __future__ import annotations

from typing import Annotated

import polars as pl
from annotated_types import Gt

from mlops_assets.filters import inspect_document
from mlops_assets.rows import How, Row, expand, table
from mlops_assets.tables.raw_media import Media, accepted, raw_media
from mlops_assets.text import extract_document

_JUDGED = (
    *("media_id", "flags", "evidence", "language", "language_confidence"),
    *("damaged_share", "garbage_share"),
)


class Document(
    Row,
    key="media_id",
    content=("media_id", "text"),
    judged=_JUDGED,
):
    """The text of one document."""

    media_id: str
    format: Annotated[str, "txt, md, html or pdf"]
    title: str
    language: Annotated[str, "ISO 639-1; empty when there is too little text to tell"]
    language_confidence: Annotated[float, "0 to 1"]
    encoding: Annotated[str, "such as utf-8; empty of a PDF"]
    encoding_from: Annotated[str, "mark, escapes, bytes, guess or format"]
    encoding_confidence: Annotated[float, "0 to 1; below 1 for a guess, or where bytes are broken"]
    damaged_share: Annotated[float, "of its characters: lost, or read in a wrong encoding"]
    garbage_share: Annotated[float, "of its characters: no text in any language"]
    char_count: int
    page_count: int
    pages_lost: Annotated[int, "pages that could not be read"]
    flags: Annotated[list[str], "codes of docs/gates.md: what it hides, or orders a model to do"]
    evidence: Annotated[list[str], "the proof of each flag"]
    text: Annotated[str, "cleaned, NFC; pages separated by a form feed"]


@table(
    expand(raw_media.content, by="media_id", where=accepted("document")),
    version="2",
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
        finds = inspect_document(file, read, name=media.path)
    return Document(
        media_id=media.media_id,
        format=read.format,
        title=read.title,
        language=read.language,
        language_confidence=read.language_confidence,
        encoding=read.encoding,
        encoding_from=read.encoding_from,
        encoding_confidence=read.encoding_confidence,
        damaged_share=read.quality.damaged_share,
        garbage_share=read.quality.garbage_share,
        char_count=read.char_count,
        page_count=read.page_count,
        pages_lost=read.pages_lost,
        flags=[find.code for find in finds],
        evidence=[find.detail for find in finds],
        text=read.text,
    )


@documents.check()
def documents_have_text(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every document has some text."""
    return rows.filter(pl.col("char_count") == 0)
