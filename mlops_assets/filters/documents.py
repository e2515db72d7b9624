"""What a document hides: in its characters, its words, and its layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlops_assets.errors import InputError
from mlops_assets.filters.evidence import Evidence
from mlops_assets.filters.markup import read_markup
from mlops_assets.filters.pages import read_pages
from mlops_assets.filters.texts.reading import read_text
from mlops_assets.text import Extracted
from mlops_assets.text.encodings import decode_text
from mlops_assets.text.markup import read_html


def inspect_document(path: Path, read: Extracted, *, name: str) -> tuple[Evidence, ...]:
    """Find what a document says to a machine and hides from people.

    Args:
        path: the file's bytes.
        read: what `extract_document` made of it.
        name: the name it arrived under.

    Returns:
        Finds of `read_text`, and `hidden_in_markup`; at most one of each code.

    Raises:
        InputError: as `extract_document`, which has read the file before.
        OSError: the file cannot be read.
    """
    finds: dict[str, Evidence] = {}
    for find in _finds(path, read, name):
        finds.setdefault(find.code, find)
    return tuple(finds.values())


def _finds(path: Path, read: Extracted, name: str) -> Iterator[Evidence]:
    if read.format == "pdf":
        yield from read_text(read.text)
        yield from read_text(read.title)
        yield from read_pages(path)
        return
    source = decode_text(path.read_bytes(), name=name).text
    if read.format == "html":
        yield from read_text(read_html(source, name=name).text)
    else:
        yield from read_text(source)
    if read.format in ("html", "md"):
        yield from _in_markup(source, name)


def _in_markup(source: str, name: str) -> Iterator[Evidence]:
    """Markdown that was read may hold HTML that, taken by itself, is too deep to parse."""
    try:
        yield from read_markup(source, name=name)
    except InputError:
        return
