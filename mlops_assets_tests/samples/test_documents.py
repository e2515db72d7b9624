from __future__ import annotations

import numpy as np
import pytest

from mlops_assets.errors import InputError
from mlops_assets.samples import render_pdf
from mlops_assets.samples.documents import TOPICS, as_html, as_markdown, as_text, write_report


def pdf_pages(path) -> list[str]:
    import pypdfium2

    with pypdfium2.PdfDocument(str(path)) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def test_the_text_layer_of_a_pdf_is_the_text_given(tmp_path) -> None:
    texts = [
        "First page (with brackets) and a \\ backslash\nnext line",
        "Zweite Seite: Größe, café",
    ]

    render_pdf(tmp_path / "a.pdf", texts)

    pages = [page.replace("\r\n", "\n") for page in pdf_pages(tmp_path / "a.pdf")]
    assert pages == texts


def test_long_lines_of_a_pdf_are_wrapped_and_no_word_is_lost(tmp_path) -> None:
    words = [f"word{number}" for number in range(200)]

    render_pdf(tmp_path / "a.pdf", [" ".join(words)])

    assert pdf_pages(tmp_path / "a.pdf")[0].split() == words


@pytest.mark.parametrize(
    ("pages", "reason"),
    [([], "no_pages"), (["a\n" * 53], "page_too_long"), (["日本"], "unsupported_character")],
)
def test_what_a_page_cannot_hold_is_refused(tmp_path, pages, reason) -> None:
    with pytest.raises(InputError) as refused:
        render_pdf(tmp_path / "a.pdf", pages)

    assert refused.value.reason == reason


def test_an_empty_page_is_a_page(tmp_path) -> None:
    render_pdf(tmp_path / "a.pdf", ["", "text"])

    assert pdf_pages(tmp_path / "a.pdf") == ["", "text"]


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_report_keeps_to_its_topic_and_is_the_same_for_the_same_seed(topic: str) -> None:
    report, again = (write_report(np.random.default_rng(4), topic) for _ in range(2))

    text = " ".join(report.paragraphs).lower()
    assert report == again
    assert 1 <= len(report.paragraphs) <= 4
    assert any(subject.lower() in text for subject in TOPICS[topic].subjects)


def test_every_format_holds_every_word_of_the_report() -> None:
    report = write_report(np.random.default_rng(1), "weather")
    words = set(" ".join((report.title, *report.paragraphs)).split())

    for formatted in (as_text(report), as_markdown(report), as_html(report)):
        assert all(word in formatted for word in words)


def test_an_unknown_topic_is_refused() -> None:
    with pytest.raises(InputError, match="expected one of"):
        write_report(np.random.default_rng(1), "cooking")
