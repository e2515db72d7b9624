"""Text cut into overlapping pieces at its natural borders."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlops_assets.errors import ConfigurationError
from mlops_assets.text.extract import PAGE_BREAK, page_spans

CHUNKING_VERSION = "1"

_WINDOW_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class Chunk:
    r"""A piece of a document.

    Attributes:
        index: 0, 1, ... in the document.
        text: the piece; equals the pages joined by ``\f`` from `char_start` to `char_end`.
        page_from: page it begins on, counted from 1.
        page_to: page it ends on, counted from 1.
        char_start: first character, counted from 0.
        char_end: one past the last character.
    """

    index: int
    text: str
    page_from: int
    page_to: int
    char_start: int
    char_end: int


def chunk_text(
    pages: Sequence[str], *, max_chars: int = 800, overlap_chars: int = 100
) -> list[Chunk]:
    r"""Cut a document into chunks at paragraphs, else sentences, else words.

    Every character that is not white space is in a chunk, chunks begin and end with none, and they
    start in strictly rising order. A chunk may go over a page break, and then holds its ``\f``.

    Args:
        pages: text of each page, without form feeds.
        max_chars: longest chunk in characters, at least 1.
        overlap_chars: at most so much of a chunk's end is repeated at the start of the next; at
            least 0, less than `max_chars`.

    Returns:
        The chunks in order; [] when there is nothing but white space.

    Raises:
        ConfigurationError: the two lengths do not fit each other.

    Method: semantic-text-splitter, which takes time quadratic in the length of a line; it sees
    50,000 characters at a time, each window beginning where the last one's last chunk began.
    """
    if not 0 <= overlap_chars < max_chars:
        raise ConfigurationError(
            f"chunks of {max_chars} characters cannot overlap by {overlap_chars}; "
            "expected 0 <= overlap_chars < max_chars"
        )
    text = PAGE_BREAK.join(pages)
    starts = [start for start, _ in page_spans(pages)]
    pieces = _pieces(text, max_chars=max_chars, overlap_chars=overlap_chars)
    return [_chunk(index, at, piece, starts) for index, (at, piece) in enumerate(pieces)]


def _pieces(text: str, *, max_chars: int, overlap_chars: int) -> Iterator[tuple[int, str]]:
    from semantic_text_splitter import TextSplitter

    splitter = TextSplitter(max_chars, overlap=overlap_chars)
    window = max(_WINDOW_CHARS, 20 * max_chars)
    begin = 0
    while begin < len(text):
        end = min(begin + window, len(text))
        found = splitter.chunk_indices(text[begin:end])
        complete = found if end == len(text) or len(found) < 2 else found[:-1]
        yield from ((begin + at, piece) for at, piece in complete)
        begin = end if len(complete) == len(found) else begin + found[-1][0]


def _chunk(index: int, start: int, text: str, page_starts: Sequence[int]) -> Chunk:
    end = start + len(text)
    return Chunk(
        index=index,
        text=text,
        page_from=bisect_right(page_starts, start),
        page_to=bisect_right(page_starts, end - 1),
        char_start=start,
        char_end=end,
    )
