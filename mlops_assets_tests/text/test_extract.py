from __future__ import annotations

import subprocess
import sys
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import InputError
from mlops_assets.text import (
    Extracted,
    TextQuality,
    clean_text,
    detect_language,
    extract_document,
    is_pdf,
    page_spans,
)

ENGLISH = "The camera stood on the roof and filmed the street from morning until night."
ENCRYPTION = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<%s> <%s>]" % (
    b"41" * 32,
    b"42" * 32,
    b"43" * 16,
    b"43" * 16,
)


def pdf(texts: Sequence[str], *, title: str = "", trailer: bytes = b"") -> bytes:
    """A PDF with one page per text; no text on a page for ''."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * i) for i in range(len(texts)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(texts)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for i, text in enumerate(texts):
        shown = b"BT /F1 12 Tf 72 700 Td (%s) Tj ET" % text.encode("cp1252") if text else b""
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * i)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown))
    objects.append(b"<< /Title (%s) >>" % title.encode())
    return assembled(objects, trailer)


def assembled(objects: Sequence[bytes], trailer: bytes) -> bytes:
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % at for at in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    sizes = b"/Size %d /Root 1 0 R /Info %d 0 R" % (len(objects) + 1, len(objects))
    tail = b"trailer\n<< %s %s >>\nstartxref\n%d\n%%%%EOF\n" % (sizes, trailer, len(data))
    return data + head + table + tail


def extracted(tmp_path: Path, data: bytes, name: str = "note.txt", **limits: int) -> Extracted:
    path = tmp_path / "content"
    path.write_bytes(data)
    return extract_document(path, name=name, **limits)


def refusal(tmp_path: Path, data: bytes, name: str = "note.txt", **limits: int) -> str:
    with pytest.raises(InputError) as caught:
        extracted(tmp_path, data, name, **limits)
    assert name in str(caught.value)
    return caught.value.reason


def test_plain_text_comes_back_as_it_was_with_its_facts(tmp_path: Path) -> None:
    made = extracted(tmp_path, ENGLISH.encode())
    assert (made.pages, made.format, made.title, made.language) == ((ENGLISH,), "txt", "", "en")
    assert (made.char_count, made.page_count, made.pages_lost) == (len(ENGLISH), 1, 0)
    assert (made.encoding, made.encoding_from, made.encoding_confidence) == ("ascii", "bytes", 1)
    assert made.language_confidence > 0.9
    assert made.quality == TextQuality(0.0, 0.0)
    assert made.text == ENGLISH


def test_form_feeds_divide_plain_text_into_pages(tmp_path: Path) -> None:
    made = extracted(tmp_path, b"one\ftwo\r\nlines\f")
    assert made.pages == ("one", "two\nlines")
    assert made.text == "one\ftwo\nlines"
    assert made.char_count == len(made.text)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Où est le café à côté de l'élève ? Ça va bien, merci.", "cp1252"),
        ("Die Größe ist schön und kostet nichts für alle Mädchen.", "latin-1"),
        ("Každý člověk má svůj dům a žije v něm příliš dlouho.", "cp1250"),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.", "cp1251"),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.", "koi8_r"),
        ("これは日本語の文章です。映像を解析します。", "cp932"),
        ("A wide text, with ümläuts.", "utf-16"),
        ("A wide text, with ümläuts.", "utf-8-sig"),
    ],
)
def test_a_text_is_read_in_the_encoding_it_was_written_in(
    tmp_path: Path, text: str, encoding: str
) -> None:
    assert extracted(tmp_path, text.encode(encoding)).text == text


def test_one_broken_byte_does_not_change_how_the_rest_of_utf8_is_read(tmp_path: Path) -> None:
    data = ("Größe und Übermaß. " * 20).encode() + b"\xff" + "schön".encode()
    assert extracted(tmp_path, data).text.endswith("\ufffdschön")
    assert "Größe und Übermaß." in extracted(tmp_path, data).text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\f\r\n ", "empty"),
        (b"<html><body><script>x()</script></body></html>", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not_text"),
        (np.random.default_rng(1).bytes(5000), "not_text"),
        (b"word \x00\x01\x02\x03" * 100, "not_text"),
        (b"%PDF-1.4\nnothing of the kind", "damaged"),
    ],
)
def test_what_holds_no_text_is_refused_with_its_reason(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    assert refusal(tmp_path, data) == reason


def test_html_gives_what_a_reader_sees(tmp_path: Path) -> None:
    page = """<!DOCTYPE html><html><head><title>Street &amp; roof</title><style>p{}</style>
    <script>secret()</script></head><body><h1>Head</h1><p>Hello <b>wor</b>ld<br>second
    line</p>tail<ul><li>one<li>two</ul><table><tr><td>a<td>b<tr><td>c</table><pre>x
  y</pre><div hidden>secret</div><span style="color:red; DISPLAY : none">secret</span>
    <noscript>secret</noscript><iframe src="http://example.invalid/">secret</iframe></body>"""
    made = extracted(tmp_path, page.encode(), "anything.bin")
    assert (made.format, made.title) == ("html", "Street & roof")
    seen = "Head\n\nHello world\nsecond line\n\ntail\n\none\n\ntwo\n\na b\n\nc\n\nx\n  y"
    assert made.text == seen


def test_html_in_a_declared_encoding_is_read_in_it(tmp_path: Path) -> None:
    page = "<html><head><meta charset='windows-1251'></head><body>Привет, мир, друзья</body></html>"
    assert extracted(tmp_path, page.encode("cp1251"), "page.html").text == "Привет, мир, друзья"


def test_a_text_that_mentions_a_tag_is_html_only_if_it_is_named_so(tmp_path: Path) -> None:
    data = b"the <b>bold</b> one"
    assert extracted(tmp_path, data, "a.txt").text == data.decode()
    assert extracted(tmp_path, data, "a.HTML").text == "the bold one"


@pytest.mark.parametrize(
    "bomb", ["<div>" * 300_000, "<b>" * 1500 + "<p>" * 100_000], ids=["deep", "repeated"]
)
def test_html_built_to_take_hours_is_refused_at_once(tmp_path: Path, bomb: str) -> None:
    begin = time.perf_counter()
    assert refusal(tmp_path, b"<html>" + bomb.encode(), "a.html") == "nested_too_deep"
    assert time.perf_counter() - begin < 5


def test_markdown_keeps_headings_items_and_code_as_lines(tmp_path: Path) -> None:
    source = (
        "# Head *it*\n\nPara with [link](http://x.invalid) and `code`\nnext ![alt](u)  \nhard\n\n"
        "- a\n- b\n\n```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<div>raw</div>\n"
    )
    made = extracted(tmp_path, source.encode(), "notes.md")
    assert (made.format, made.title) == ("md", "Head it")
    assert made.text == (
        "Head it\n\nPara with link and code next alt\nhard\n\na\nb\n\nx = 1\n\na b\n1 2\n\nraw"
    )


def test_front_matter_gives_markdown_its_title_and_leaves_the_text(tmp_path: Path) -> None:
    source = b"---\r\ntitle: 'From above'\r\nday: 3\r\n---\r\n# Head\r\n\r\nBody"
    made = extracted(tmp_path, source, "notes.md")
    assert (made.title, made.text) == ("From above", "Head\n\nBody")


def test_a_pdf_gives_its_pages_whatever_it_is_called(tmp_path: Path) -> None:
    made = extracted(tmp_path, pdf([ENGLISH, "", "Café"], title="Roof"), "a.txt")
    assert made.pages == (ENGLISH, "", "Café")
    assert (made.format, made.title, made.page_count, made.language) == ("pdf", "Roof", 3, "en")
    assert made.pages_lost == 0


def test_a_pdf_after_other_bytes_is_still_a_pdf_and_a_text_about_pdf_is_not(tmp_path: Path) -> None:
    (tmp_path / "late").write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + pdf([ENGLISH]))
    (tmp_path / "about").write_bytes(b"A file that starts with %PDF-1.7 is a PDF.")
    assert is_pdf(tmp_path / "late")
    assert not is_pdf(tmp_path / "about")


def test_a_pdf_without_text_a_locked_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, pdf(["", ""]), "scan.pdf") == "no_text_layer"
    assert refusal(tmp_path, pdf([ENGLISH], trailer=ENCRYPTION), "locked.pdf") == "encrypted"
    assert refusal(tmp_path, pdf([]), "void.pdf") == "damaged"


def test_what_is_longer_than_allowed_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, pdf(["a", "b", "c"]), max_pages=2) == "too_many_pages"
    assert refusal(tmp_path, b"a\fb\fc", max_pages=2) == "too_many_pages"
    assert refusal(tmp_path, pdf(["abcdef", "ghijkl"]), max_chars=8) == "too_many_chars"
    assert refusal(tmp_path, b"abcdefghi", max_chars=8) == "too_many_chars"
    assert refusal(tmp_path, b"a" * 100, max_chars=8) == "too_many_chars"


@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=400), cut=st.integers(0, 2000), at=st.integers(0, 1500))
def test_a_mangled_file_gives_text_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, at: int
) -> None:
    whole = pdf([ENGLISH, "two"])
    mangled = (whole[:at] + data + whole[at:])[:cut]
    for name, content in (("a.pdf", mangled), ("a.html", b"<html>" + data), ("a.md", data)):
        path = tmp_path_factory.getbasetemp() / "mangled"
        path.write_bytes(content)
        try:
            made = extract_document(path, name=name)
        except InputError:
            continue
        made.text.encode("utf-8")
        assert made.char_count == len(made.text)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_clean_text_is_normal_writable_and_stable(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not set(cleaned) & set("\f\r\x00\x7f\x85\ufeff\ufffe")
    cleaned.encode("utf-8")


def test_clean_text_joins_hyphenated_words_and_bounds_combining_marks() -> None:
    assert clean_text("adip\ufffeiscing\x02elit  \r\n\r\n\r\n\r\ne\u0301\tend") == (
        "adipiscingelit\n\n\u00e9\tend"
    )
    assert len(clean_text("a" + "\u0301\u0323" * 100_000)) <= 31


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ab é\n", max_size=9), max_size=5))
def test_page_spans_cut_the_joined_text_into_its_pages(pages: list[str]) -> None:
    joined = "\f".join(pages)
    assert [joined[start:end] for start, end in page_spans(pages)] == pages


def test_language_is_named_by_two_letters_or_not_at_all() -> None:
    assert detect_language("Das ist ein deutscher Satz über Kamera und Film.") == "de"
    assert detect_language("これは日本語の文章です。この映像を解析します。") == "ja"
    assert detect_language("12345 67890 " * 20) == ""
    assert detect_language("too short") == ""


def test_importing_the_room_imports_no_reader() -> None:
    heavy = "py3langid selectolax markdown_it pypdfium2 charset_normalizer semantic_text_splitter"
    code = (
        f"import sys, mlops_assets.text; sys.exit(any(m in sys.modules for m in {heavy.split()}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
