from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ConfigurationError
from mlops_assets.text import Chunk, chunk_text, page_spans

LETTERS = "ab é日\U0001f600\u0301.\n\t\u00a0"


def covered(chunks: list[Chunk]) -> set[int]:
    return {at for chunk in chunks for at in range(chunk.char_start, chunk.char_end)}


def assert_lawful(pages: list[str], chunks: list[Chunk], *, max_chars: int) -> None:
    joined, spans = "\f".join(pages), page_spans(pages)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        assert joined[chunk.char_start : chunk.char_end] == chunk.text
        assert 0 < len(chunk.text) <= max_chars
        assert spans[chunk.page_from - 1][0] <= chunk.char_start <= spans[chunk.page_from - 1][1]
        assert spans[chunk.page_to - 1][0] < chunk.char_end <= spans[chunk.page_to - 1][1] + 1
    for one, two in itertools.pairwise(chunks):
        assert one.char_start < two.char_start
        assert one.char_end < two.char_end
    spoken = {at for at, char in enumerate(joined) if not char.isspace()}
    assert spoken <= covered(chunks)


@settings(max_examples=150, deadline=None)
@given(
    pages=st.lists(st.text(LETTERS, max_size=60), max_size=4),
    max_chars=st.integers(1, 30),
    share=st.floats(0, 0.9),
)
def test_spans_are_exact_nothing_is_lost_and_nothing_is_too_long(
    pages: list[str], max_chars: int, share: float
) -> None:
    chunks = chunk_text(pages, max_chars=max_chars, overlap_chars=int(share * max_chars))
    assert_lawful(pages, chunks, max_chars=max_chars)


def test_offsets_count_characters_not_bytes() -> None:
    pages = ["Ünïcödé wörds.\n\n日本語の文章です。", "\U0001f600 größer"]
    chunks = chunk_text(pages, max_chars=16, overlap_chars=0)
    assert [chunk.text for chunk in chunks] == [
        "Ünïcödé wörds.",
        "日本語の文章です。",
        "\U0001f600 größer",
    ]
    assert [(chunk.page_from, chunk.page_to) for chunk in chunks] == [(1, 1), (1, 1), (2, 2)]


def test_a_chunk_over_a_page_break_names_both_pages() -> None:
    (chunk,) = chunk_text(["one", "", "three"])
    assert (chunk.text, chunk.page_from, chunk.page_to) == ("one\f\fthree", 1, 3)


def test_neighbours_share_at_most_the_overlap() -> None:
    words = " ".join(f"word{number}" for number in range(500))
    chunks = chunk_text([words], max_chars=100, overlap_chars=30)
    shared = [one.char_end - two.char_start for one, two in itertools.pairwise(chunks)]
    assert min(shared) > 0
    assert max(shared) <= 30


@pytest.mark.parametrize(
    "text",
    [
        "ä" * 400_000,
        "wörd. " * 70_000,
        " " * 400_000 + "end",
        "x" + " " * 99_999 + "\n" * 99_999 + "y",
    ],
    ids=["one word", "one line", "spaces", "gaps"],
)
def test_a_long_document_is_cut_lawfully_in_short_time(text: str) -> None:
    begin = time.perf_counter()
    chunks = chunk_text([text])
    assert time.perf_counter() - begin < 5
    assert_lawful([text], chunks, max_chars=800)


def test_a_window_border_leaves_no_trace() -> None:
    paragraphs = [f"Paragraph {number} says öne thing. And another." for number in range(3000)]
    chunks = chunk_text(["\n\n".join(paragraphs)], max_chars=60, overlap_chars=0)
    assert [chunk.text for chunk in chunks] == paragraphs


def test_no_text_gives_no_chunks() -> None:
    assert chunk_text([]) == []
    assert chunk_text(["", " \n\t", ""]) == []


@pytest.mark.parametrize(("longest", "overlap"), [(0, 0), (10, 10), (10, -1)])
def test_lengths_that_do_not_fit_are_a_configuration_error(longest: int, overlap: int) -> None:
    with pytest.raises(ConfigurationError, match="overlap"):
        chunk_text(["text"], max_chars=longest, overlap_chars=overlap)
