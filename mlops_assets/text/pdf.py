"""The text layer of a PDF, page by page."""

from __future__ import annotations

import mmap
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from mlops_assets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pypdfium2 import PdfDocument


class PdfText(NamedTuple):
    """What a PDF says: its pages as they came, '' for an empty or unreadable one."""

    pages: tuple[str, ...]
    title: str
    pages_lost: int


def read_pdf(path: Path, *, name: str, max_pages: int, max_chars: int) -> PdfText:
    """Read the text layer of a PDF. Nothing is rendered, fetched or run.

    A page that cannot be read counts as lost and leaves the others. PDFium is not thread-safe: one
    call at a time in a process.

    Args:
        path: the file.
        name: the file's name, for messages only.
        max_pages: a longer document is refused.
        max_chars: a document with more characters is refused.

    Returns:
        One string per page in reading order of the file, not cleaned yet.

    Raises:
        InputError: reason `encrypted` (a password is needed), `damaged` (no PDF, or no page can be
            read), `empty` (no pages), `no_text_layer` (pages without any text), `too_many_pages`,
            `too_many_chars`.
    """
    with closing(_open(path, name=name)) as document:
        _check_pages(len(document), name=name, max_pages=max_pages)
        pages = list(_page_texts(document, name=name, max_chars=max_chars))
        title = document.get_metadata_value("Title")
    lost = pages.count(None)
    if lost == len(pages):
        raise InputError(f"none of the {lost} pages of {name} can be read", reason="damaged")
    if not any(page and page.strip() for page in pages):
        raise InputError(
            f"{name} has {len(pages)} pages and no text on any (a scan?); expected a text layer. "
            "Text recognition (OCR) is not done yet",
            reason="no_text_layer",
        )
    return PdfText(tuple(page or "" for page in pages), title, lost)


def _open(path: Path, *, name: str) -> PdfDocument:
    import pypdfium2
    from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY

    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as err:
        locked = err.err_code in (FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY)
        if locked and _declares_encryption(path):
            raise InputError(
                f"{name} is encrypted; expected a PDF that opens without a password",
                reason="encrypted",
            ) from err
        raise InputError(f"{name} is not a readable PDF: {err}", reason="damaged") from err


def _declares_encryption(path: Path) -> bool:
    """PDFium may report the error of the file before, so the file itself is asked too."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"/Encrypt") >= 0


def _check_pages(count: int, *, name: str, max_pages: int) -> None:
    if count == 0:
        raise InputError(f"{name} has no pages; expected at least one", reason="empty")
    if count > max_pages:
        raise InputError(
            f"{name} has {count} pages; expected at most {max_pages}", reason="too_many_pages"
        )


def _page_texts(document: PdfDocument, *, name: str, max_chars: int) -> Iterator[str | None]:
    left = max_chars
    for index in range(len(document)):
        text = _page_text(document, index, left=left)
        left -= len(text or "")
        if left < 0:
            raise InputError(
                f"{name} has more than {max_chars} characters by page {index + 1}; expected fewer",
                reason="too_many_chars",
            )
        yield text


def _page_text(document: PdfDocument, index: int, *, left: int) -> str | None:
    """The text of one page, or `left` + 1 or more characters of it; None if it cannot be read.

    PDFium's text by range sets superscripts apart, but cuts characters to 16 bits; its text by
    area has every character, but glues a footnote's mark to the number before it.
    """
    import pypdfium2

    try:
        with closing(document[index]) as page, closing(page.get_textpage()) as text:
            bounded = text.get_text_bounded()
            if bounded and max(bounded) > "\uffff":
                return bounded
            return text.get_text_range(0, min(text.count_chars(), left + 1))
    except pypdfium2.PdfiumError:
        return None
