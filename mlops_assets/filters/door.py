"""What can be told of a file before it is decoded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlops_assets.filters.evidence import Evidence
from mlops_assets.filters.polyglots import polyglot
from mlops_assets.filters.texts.reading import read_text

MAX_TEXTS = 200
MAX_TEXT_CHARS = 20_000


def inspect_media(path: Path, kind: str, *, texts: Iterable[str] = ()) -> tuple[Evidence, ...]:
    """Find a second file in a file, and orders to a model in what is written beside its content.

    Args:
        path: the file.
        kind: what it was taken for; see `polyglot`.
        texts: out of its headers and its sidecar; the first 200, of 20,000 characters each.

    Returns:
        At most one find of each code; those in texts say so.

    Raises:
        OSError: the file cannot be read.
    """
    finds: dict[str, Evidence] = {}
    second = polyglot(path, kind)
    if second is not None:
        finds[second.code] = second
    for text in list(texts)[:MAX_TEXTS]:
        for find in read_text(text[:MAX_TEXT_CHARS]):
            finds.setdefault(find.code, Evidence(find.code, f"in its metadata, {find.detail}"))
    return tuple(finds.values())
