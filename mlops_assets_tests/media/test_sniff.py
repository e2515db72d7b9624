from __future__ import annotations

import io
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mlops_assets.media.probing.sniff import Sniffed, sniff_kind


def sniffed(head: bytes, name: str = "") -> tuple[str, str]:
    found = sniff_kind(head, size_bytes=len(head), name=name)
    return found.kind, found.mime


@pytest.mark.parametrize(
    ("format_name", "mime"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("AVIF", "image/avif"),
    ],
)
def test_an_image_is_known_by_its_bytes_whatever_its_name(format_name, mime):
    stored = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stored, format=format_name)
    assert sniffed(stored.getvalue(), name="clip.mp4.md") == ("image", mime)


@pytest.mark.parametrize(
    ("head", "kind", "mime"),
    [
        (b"\0\0\0\x18ftypisom", "video", "video/mp4"),
        (b"\0\0\0\x18ftypqt  ", "video", "video/quicktime"),
        (b"\0\0\0\x18ftypM4A ", "audio", "audio/mp4"),
        (b"\0\0\0\x18ftypheic", "image", "image/heic"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm", "video", "video/webm"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x88matroska", "video", "video/x-matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "video", "video/x-msvideo"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio", "audio/wav"),
        (b"ID3\3\0\0\0\0\0\0\0\0", "audio", "audio/mpeg"),
        (b"fLaC\0\0\0\0", "audio", "audio/flac"),
        ((b"G" + bytes(187)) * 4, "video", "video/mp2t"),
        (b"%PDF-1.7\n%\xe2\xe3", "document", "application/pdf"),
        (b"\xef\xbb\xbf junk \xff\n%PDF-1.4\n", "document", "application/pdf"),
        (b"PK\3\4" + bytes(40), "archive", "application/zip"),
        (b"", "unknown", ""),
        (bytes(100), "unknown", ""),
        (b"PIEH" + bytes(range(256)) * 4, "unknown", ""),
    ],
)
def test_a_signature_decides_the_kind(head, kind, mime):
    assert sniffed(head) == (kind, mime)


@pytest.mark.parametrize(
    ("text", "name", "mime"),
    [
        ("hello world", "", "text/plain"),
        ("a,b\n1,2\n", "a.csv", "text/plain"),
        ('{"a": 1}', "a.json", "text/plain"),
        ("# Title\n\n- one\n- two\n", "", "text/markdown"),
        ("no marks at all", "README.md", "text/markdown"),
        ("# a comment\nx = 1\n", "", "text/plain"),
        ("<!-- c --><!DOCTYPE html><html></html>", "a.md", "text/html"),
        ("  <HTML><body>", "", "text/html"),
        ("#EXTM3U\nfile:///secret\n", "a.m3u8", "text/plain"),
        ("BMW makes cars, GIF89a makes pictures", "", "text/plain"),
        ("the magic of %PDF-1.7 explained", "", "text/plain"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_a_document_in_any_encoding(text, name, mime, encoding):
    assert sniffed(text.encode(encoding), name=name) == ("document", mime)


def test_text_of_an_old_encoding_is_text():
    text = (
        "Die Würde des Menschen ist unantastbar. Sie zu achten, für alle Zeit, ist Pflicht.\n" * 9
    )
    assert sniffed(text.encode("cp1252")) == ("document", "text/plain")


def test_a_head_cut_inside_a_character_is_still_text():
    head = ("x" * 99 + "é").encode()[:-1]
    assert sniff_kind(head, size_bytes=200) == Sniffed("document", "text/plain")


def test_a_scalable_picture_is_an_image_and_no_text():
    assert sniffed(b'<?xml version="1.0"?><svg xmlns="x"/>') == ("image", "image/svg+xml")


@pytest.mark.parametrize(
    "unit", [b"[a", b"<!-- -->", b"|", b"<?xml ", b"**", b"[a](", b"# ", b"&<"]
)
def test_no_text_makes_the_patterns_slow(unit):
    head = (unit * 65_536)[:65_536]
    began = time.perf_counter()
    assert sniffed(head)[0] == "document"
    assert time.perf_counter() - began < 1.0


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=600), st.binary(max_size=20))
def test_any_bytes_have_an_answer(head, tail):
    found = sniff_kind(head, size_bytes=len(head) + len(tail), tail=tail)
    assert found.kind in ("video", "image", "audio", "document", "archive", "unknown")


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=200))
def test_a_text_never_passes_for_a_picture_or_a_clip(text):
    if text.strip() and not text.startswith("%PDF-"):
        assert sniffed(text.encode())[0] == "document"
