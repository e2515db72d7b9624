"""What a file is, told from its bytes: never from its name.

Three witnesses, in this order: the few signatures this platform must never get wrong, whether the
head decodes as clean text, and `puremagic` for the long tail.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["video", "image", "audio", "document", "unknown"]

HEAD_BYTES = 65_536
"""How much of the front of a file `sniff_kind` likes to see."""

_LEGACY_TEXT_BYTES = 4_096
_MARKDOWN_NAMES = (".md", ".markdown")
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\v\x1b")
_TEXT_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SIGNATURES: tuple[tuple[bytes, Kind, str], ...] = (
    (b"\xff\xd8\xff", "image", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image", "image/png"),
    (b"GIF87a", "image", "image/gif"),
    (b"GIF89a", "image", "image/gif"),
    (b"II*\0", "image", "image/tiff"),
    (b"MM\0*", "image", "image/tiff"),
    (b"II+\0", "image", "image/tiff"),
    (b"MM\0+", "image", "image/tiff"),
    (b"\0\0\0\x0cjP  \r\n", "image", "image/jp2"),
    (b"\0\0\1\xba", "video", "video/mpeg"),
    (b"\0\0\1\xb3", "video", "video/mpeg"),
    (b"FLV\1", "video", "video/x-flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video", "video/x-ms-asf"),
    (b"PK\3\4", "unknown", "application/zip"),
    (b"fLaC", "audio", "audio/flac"),
    (b"#!AMR", "audio", "audio/amr"),
    (b"\x06\x0e\x2b\x34", "video", "application/mxf"),
)
_RIFF = {
    b"AVI ": ("video", "video/x-msvideo"),
    b"WAVE": ("audio", "audio/wav"),
    b"WEBP": ("image", "image/webp"),
}
_ISO_BRANDS = {
    b"heic": ("image", "image/heic"),
    b"heix": ("image", "image/heic"),
    b"heim": ("image", "image/heic"),
    b"heis": ("image", "image/heic"),
    b"mif1": ("image", "image/heif"),
    b"msf1": ("image", "image/heif"),
    b"avif": ("image", "image/avif"),
    b"avis": ("image", "image/avif"),
    b"M4A ": ("audio", "audio/mp4"),
    b"M4B ": ("audio", "audio/mp4"),
    b"qt  ": ("video", "video/quicktime"),
    b"3gp4": ("video", "video/3gpp"),
    b"3gp5": ("video", "video/3gpp"),
    b"3g2a": ("video", "video/3gpp2"),
}
_QUICKTIME_FIRST_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_PROLOGUE = r"\s*+(?><\?xml.*?\?>\s*)?(?><!--.*?-->\s*)*+"
_HTML = re.compile(_PROLOGUE + r"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_SVG = re.compile(_PROLOGUE + r"(?><!doctype\s+svg[^>]*>\s*)?<svg\b", re.IGNORECASE | re.DOTALL)
_MARKDOWN_HEADING = re.compile(r"^#{1,6} \S", re.MULTILINE)
_MARKDOWN_MARK = re.compile(
    r"^(```|~~~|[-*+] \S|\d{1,9}\. \S|> \S|\|.*\|[ \t]*$)"
    r"|\[[^\]\n]{1,200}\]\([^)\n]{1,200}\)|\*\*[^*\n]{1,200}\*\*",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Sniffed:
    """What the first bytes say.

    Attributes:
        kind: `unknown` when no witness claims it, or when it is of no kind this platform takes.
        mime: media type, also for some of the unknown (`application/zip`); empty if not known.
            A container counts as video until a probe has seen that it holds sound only.
    """

    kind: Kind
    mime: str


_PDF = Sniffed("document", "application/pdf")


def sniff_kind(head: bytes, *, size_bytes: int, tail: bytes = b"", name: str = "") -> Sniffed:
    """Tell the kind of a file from its bytes.

    Args:
        head: the first bytes of the file; `HEAD_BYTES` of them, or all there are.
        size_bytes: size of the whole file; tells whether `head` is cut.
        tail: the last bytes, for the formats that sign at the end; may be empty.
        name: file name; used only to tell Markdown among texts, never for the kind.

    Returns:
        The kind and media type. Empty input is `Sniffed("unknown", "")`.
    """
    if not head:
        return Sniffed("unknown", "")
    return (
        _by_signature(head)
        or _by_text(_decode_unicode(head, is_cut=size_bytes > len(head)), name)
        or (_PDF if b"%PDF-" in head[:1024] else None)
        or _by_puremagic(head, tail, least_match=4)
        or _by_text(_decode_legacy(head), name)
        or _by_puremagic(head, tail, least_match=1)
        or Sniffed("unknown", "")
    )


def _by_signature(head: bytes) -> Sniffed | None:
    if head.startswith(b"%PDF-"):
        return _PDF
    for signature, kind, mime in _SIGNATURES:
        if head.startswith(signature):
            return Sniffed(kind, mime)
    return _by_container(head) or _by_elementary_stream(head)


def _by_container(head: bytes) -> Sniffed | None:
    if head[4:8] == b"ftyp":
        return Sniffed(*_ISO_BRANDS.get(head[8:12], ("video", "video/mp4")))  # type: ignore[arg-type]
    if head[4:8] in _QUICKTIME_FIRST_BOXES and head[:2] in (b"\0\0", b"\0\1"):
        return Sniffed("video", "video/quicktime")
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return Sniffed(*_RIFF[head[8:12]])  # type: ignore[arg-type]
    if head[:4] == b"\x1aE\xdf\xa3":
        return Sniffed("video", "video/webm" if b"webm" in head[:128] else "video/x-matroska")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Sniffed("audio", "audio/aiff")
    if head[:5] == b"OggS\0":
        is_video = b"\x80theora" in head[:4096]
        return Sniffed("video", "video/ogg") if is_video else Sniffed("audio", "audio/ogg")
    return None


def _by_elementary_stream(head: bytes) -> Sniffed | None:
    for lead, stride in ((0, 188), (4, 192)):
        if len(head) > lead + 2 * stride and head[lead : lead + 2 * stride + 1 : stride] == b"GGG":
            return Sniffed("video", "video/mp2t")
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return Sniffed("image", "image/bmp")
    if head[:3] == b"ID3" and len(head) > 10 and head[3] in (2, 3, 4):
        return Sniffed("audio", "audio/mpeg")
    return _by_audio_sync(head)


def _by_audio_sync(head: bytes) -> Sniffed | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[:2] == b"\xff\xfe":
        return None
    layer = head[1] >> 1 & 3
    if layer == 0 and head[1] & 0xF0 == 0xF0 and head[2] >> 2 & 15 < 13:
        return Sniffed("audio", "audio/aac")
    is_frame = layer != 0 and head[1] >> 3 & 3 != 1 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3
    return Sniffed("audio", "audio/mpeg") if is_frame else None


def _decode_unicode(head: bytes, *, is_cut: bool) -> str | None:
    for bom, encoding in _TEXT_BOMS:
        if head.startswith(bom):
            return _decode(head, encoding, is_cut=is_cut)
    for encoding, nuls in (("utf-16-le", head[1:400:2]), ("utf-16-be", head[0:400:2])):
        if nuls.count(0) * 2 > len(nuls) and (text := _decode(head, encoding, is_cut=is_cut)):
            return text
    return _decode(head, "utf-8", is_cut=is_cut)


def _decode(head: bytes, encoding: str, *, is_cut: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(head, not is_cut)
    except UnicodeError:
        return None
    return text if _is_clean(text) else None


def _is_clean(text: str) -> bool:
    controls = sum(1 for mark in text if mark < " " and mark not in _ALLOWED_CONTROLS)
    return bool(text.strip()) and "\0" not in text and controls * 200 <= len(text)


def _decode_legacy(head: bytes) -> str | None:
    """Decode text of an old one- or multi-byte encoding; None for what is no text."""
    part = head[:_LEGACY_TEXT_BYTES]
    if not _is_clean(part.decode("latin-1")):
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(part).best()
    return None if best is None else str(best)


def _by_text(text: str | None, name: str) -> Sniffed | None:
    if text is None:
        return None
    if _SVG.match(text):
        return Sniffed("image", "image/svg+xml")
    if _HTML.match(text):
        return Sniffed("document", "text/html")
    is_markdown = name.lower().endswith(_MARKDOWN_NAMES) or (
        _MARKDOWN_HEADING.search(text) is not None and _MARKDOWN_MARK.search(text) is not None
    )
    return Sniffed("document", "text/markdown" if is_markdown else "text/plain")


def _by_puremagic(head: bytes, tail: bytes, *, least_match: int) -> Sniffed | None:
    """Ask `puremagic`; of its guesses the surest one with a media type and a long enough match."""
    import puremagic

    try:
        guesses = puremagic.magic_string(head + tail)
    except (puremagic.PureError, ValueError):
        return None
    for guess in guesses:
        if guess.mime_type and len(guess.byte_match) >= least_match:
            return Sniffed(_kind_of_mime(guess.mime_type), guess.mime_type)
    return None


def _kind_of_mime(mime: str) -> Kind:
    family = mime.partition("/")[0]
    if family == "image" or family == "audio" or family == "video":
        return family
    return "unknown"
