"""A document file to its text, page by page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Literal

from mlops_assets.errors import InputError
from mlops_assets.text.clean import clean_text
from mlops_assets.text.encodings import DecodedText, EncodingFrom, decode_text
from mlops_assets.text.language import SAMPLE_CHARS, tell_language
from mlops_assets.text.markup import read_html, read_markdown
from mlops_assets.text.pdf import read_pdf
from mlops_assets.text.quality import TextQuality, measure_text

Format = Literal["txt", "md", "html", "pdf"]

PAGE_BREAK = "\f"
EXTRACTION_VERSION = "1"
MAX_MARKDOWN_CHARS = 2_000_000
MAX_BYTES_PER_CHAR = 4
MAX_TITLE_CHARS = 500

_OF_A_FORMAT = DecodedText("", "", "format", 1.0)
_HTML_START = re.compile(
    r"\s{0,1000}(?:<\?xml[^>]{0,200}>\s{0,100})?(?:<!--.{0,5000}?-->\s{0,100}){0,3}"
    r"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_ANY_TAG = re.compile(r"</?[a-z][a-z0-9]*[\s/>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a document.

    Attributes:
        pages: cleaned text of each page, '' for a page without text; never empty. A text file has
            a page per form feed; HTML and Markdown have one page.
        format: what the content is, whatever the file is called.
        title: the document's own title, '' if it names none; at most 500 characters.
        language: ISO 639-1, '' when there are fewer than about 20 letters.
        char_count: characters of `text`, page breaks included.
        page_count: length of `pages`.
        pages_lost: pages of a damaged PDF that could not be read; '' stands in their place.
        language_confidence: 0 to 1, see `tell_language`.
        encoding: of the file's text; '' for a PDF.
        encoding_from: what told it.
        encoding_confidence: how sure that is, 0 to 1.
        quality: how much of the text is damaged or garbage.
    """

    pages: tuple[str, ...]
    format: Format
    title: str
    language: str
    char_count: int
    page_count: int
    pages_lost: int = 0
    language_confidence: float = 0.0
    encoding: str = ""
    encoding_from: EncodingFrom = "format"
    encoding_confidence: float = 1.0
    quality: TextQuality = field(default_factory=TextQuality)

    @property
    def text(self) -> str:
        r"""The text as it is stored: the pages joined by ``\f``."""
        return PAGE_BREAK.join(self.pages)


def page_spans(pages: Sequence[str]) -> list[tuple[int, int]]:
    r"""Where each page lies in the pages joined by ``\f``.

    Args:
        pages: text of each page, without form feeds.

    Returns:
        (start, end) in characters per page, end exclusive; the break is in no span.
    """
    spans, start = [], 0
    for page in pages:
        spans.append((start, start + len(page)))
        start += len(page) + len(PAGE_BREAK)
    return spans


def extract_document(
    path: Path, *, name: str, max_pages: int = 2000, max_chars: int = 20_000_000
) -> Extracted:
    """Read the text of a document.

    Content decides the format: a PDF by its header, HTML by its first element. Among plain text,
    HTML fragments and Markdown the name's suffix decides. Markdown above two million characters is
    kept as plain text, since parsing it takes seconds per million.

    Args:
        path: the file's bytes, whatever it is called.
        name: the name it arrived under.
        max_pages: a longer document is refused, 1 or more.
        max_chars: a document with more text is refused, and a text file above four times as many
            bytes.

    Returns:
        The cleaned text (see `clean_text`), its language and its form.

    Raises:
        InputError: `empty`, `not_text` (binary data), `encrypted`, `no_text_layer` (a scanned PDF;
            text recognition is not done yet), `damaged`, `too_many_pages`, `too_many_chars`,
            `nested_too_deep`.
        OSError: the file cannot be opened or read.
    """
    if is_pdf(path):
        pdf = read_pdf(path, name=name, max_pages=max_pages, max_chars=max_chars)
        made = _extracted(pdf.pages, "pdf", pdf.title, pages_lost=pdf.pages_lost)
    else:
        made = _read_text_file(path, name=name, max_chars=max_chars)
    return _checked(made, name=name, max_pages=max_pages, max_chars=max_chars)


def is_pdf(path: Path) -> bool:
    """Whether a file is a PDF by its content.

    Args:
        path: the file.

    Returns:
        True when the header is at the start, or in the first 1,024 bytes (as readers allow) of a
        file that also ends like a PDF; False for an empty file.
    """
    with path.open("rb") as file:
        head = file.read(1024)
        file.seek(max(0, path.stat().st_size - 2048))
        tail = file.read(2048)
    return head.lstrip().startswith(b"%PDF-") or (b"%PDF-" in head and b"startxref" in tail)


def _read_text_file(path: Path, *, name: str, max_chars: int) -> Extracted:
    limit = MAX_BYTES_PER_CHAR * max_chars
    size = path.stat().st_size
    if size > limit:
        raise InputError(f"{name} has {size} bytes; expected <= {limit}", reason="too_many_chars")
    decoded = decode_text(path.read_bytes(), name=name)
    source = decoded.text
    if len(source) > max_chars:
        raise InputError(
            f"{name} has {len(source)} characters; expected at most {max_chars}",
            reason="too_many_chars",
        )
    form = text_format(source, name=name)
    if form == "txt":
        return _extracted(source.rstrip().split(PAGE_BREAK), "txt", "", decoded=decoded)
    if form == "html":
        marked = read_html(source, name=name)
    else:
        marked = read_markdown(source.replace("\r\n", "\n"), name=name)
    return _extracted([marked.text], form, marked.title, decoded=decoded)


def text_format(source: str, *, name: str) -> Literal["txt", "md", "html"]:
    """Decide which kind of text a decoded file holds.

    Args:
        source: the decoded file.
        name: its name; the suffix counts only where the content does not decide.

    Returns:
        'html' for a document that starts like one, or is named so and has a tag; 'md' by its name;
        else 'txt'.
    """
    suffix = PurePath(name).suffix.lower()
    if _HTML_START.match(source):
        return "html"
    if suffix in (".html", ".htm", ".xhtml") and _ANY_TAG.search(source):
        return "html"
    if suffix in (".md", ".markdown", ".mkd") and len(source) <= MAX_MARKDOWN_CHARS:
        return "md"
    return "txt"


def _extracted(
    raw: Sequence[str],
    form: Format,
    title: str,
    *,
    pages_lost: int = 0,
    decoded: DecodedText = _OF_A_FORMAT,
) -> Extracted:
    pages = tuple(clean_text(page) for page in raw)
    language, language_confidence = tell_language(_sample(pages))
    return Extracted(
        pages=pages,
        format=form,
        title=" ".join(clean_text(title).split())[:MAX_TITLE_CHARS],
        language=language,
        char_count=page_spans(pages)[-1][1],
        page_count=len(pages),
        pages_lost=pages_lost,
        language_confidence=language_confidence,
        encoding=decoded.encoding,
        encoding_from=decoded.encoding_from,
        encoding_confidence=decoded.confidence,
        quality=measure_text(raw),
    )


def _sample(pages: Sequence[str]) -> str:
    """The first characters of a document, without joining all of it."""
    sample = ""
    for page in pages:
        if len(sample) >= SAMPLE_CHARS:
            break
        sample += page[:SAMPLE_CHARS] + "\n"
    return sample


def _checked(made: Extracted, *, name: str, max_pages: int, max_chars: int) -> Extracted:
    if not any(made.pages):
        raise InputError(f"{name} holds no text; expected some", reason="empty")
    if made.page_count > max_pages:
        raise InputError(
            f"{name} has {made.page_count} pages; expected at most {max_pages}",
            reason="too_many_pages",
        )
    if made.char_count > max_chars:
        raise InputError(
            f"{name} has {made.char_count} characters; expected at most {max_chars}",
            reason="too_many_chars",
        )
    return made
