"""What a file is, told from its bytes: never from its name.

Three witnesses, in this order: the few signatures this platform must never get wrong, whether the
head decodes as clean text, and `puremagic` for the long tail.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from mlops_assets.media.probing.signatures import (
    DISTANT_SIGNATURES,
    ISO_BRANDS,
    OFFICE_PARTS,
    RIFF_FORMS,
    SIGNATURES,
    Kind,
)

__all__ = ["HEAD_BYTES", "Kind", "Sniffed", "is_nothing", "sniff_kind"]

HEAD_BYTES = 65_536
"""How much of the front of a file `sniff_kind` likes to see."""

_LEGACY_TEXT_BYTES = 4_096
_MARKDOWN_NAMES = (".md", ".markdown")
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\v\x0e\x0f\x1b")
_TEXT_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_QUICKTIME_FIRST_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_NETPBM = re.compile(
    rb"P[1-6]\s+(?:#[^\n]*\n\s*)*\d{1,9}\s+(?:#[^\n]*\n\s*)*\d{1,9}\s"
    rb"|P[fF]\n\d+ \d+\n|P7\nWIDTH"
)
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"
_TGA_TYPES = {
    1: (8, 16),
    2: (15, 16, 24, 32),
    3: (8, 16),
    9: (8, 16),
    10: (15, 16, 24, 32),
    11: (8,),
}
_NOTHING = b"\0 \t\r\n"
_PROLOGUE = r"\s*+(?><\?xml.*?\?>\s*)?(?><!--.*?-->\s*)*+"
_HTML = re.compile(_PROLOGUE + r"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_TYPED = r"(?><!doctype\b[^>\[]*(?:\[[^\]]*\])?\s*>\s*)?"
_SVG = re.compile(_PROLOGUE + _TYPED + r"<svg\b", re.IGNORECASE | re.DOTALL)
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


def is_nothing(head: bytes, tail: bytes = b"") -> bool:
    """Whether what is seen of a file is white space and zeros only."""
    return not head.strip(_NOTHING) and not tail.strip(_NOTHING)


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
        or _by_targa(head, tail, size_bytes)
        or _by_puremagic(head, tail, least_match=4)
        or _by_text(_decode_legacy(head), name)
        or _by_puremagic(head, tail, least_match=1)
        or Sniffed("unknown", "")
    )


def _by_signature(head: bytes) -> Sniffed | None:
    if head.startswith(b"%PDF-"):
        return _PDF
    for signature, kind, mime in SIGNATURES:
        if head.startswith(signature):
            return Sniffed(kind, mime)
    for place, signature, kind, mime in DISTANT_SIGNATURES:
        if head.startswith(signature, place):
            return Sniffed(kind, mime)
    if _is_old_tar(head):
        return Sniffed("archive", "application/x-tar")
    return _by_container(head) or _by_bitmap(head) or _by_elementary_stream(head)


def _is_old_tar(head: bytes) -> bool:
    """A tar from before POSIX has no signature, and a sum over its header (in octal digits)."""
    told = head[148:154].strip(b" \0")
    if len(head) < 512 or not told.isdigit() or not head[:1].strip(b"\0"):
        return False
    total = sum(head[:148]) + 8 * 32 + sum(head[156:512])
    return not set(told) - set(b"01234567") and int(told, 8) == total


def _by_container(head: bytes) -> Sniffed | None:
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[4:8] in _QUICKTIME_FIRST_BOXES and head[:2] in (b"\0\0", b"\0\1"):
        return Sniffed("video", "video/quicktime")
    if head[:4] in (b"RIFF", b"RF64"):
        return Sniffed(*RIFF_FORMS.get(head[8:12], ("unknown", "application/x-riff")))
    if head[:4] == b"PK\3\4":
        return _by_zip(head)
    if head[:4] == b"\x1aE\xdf\xa3":
        return Sniffed("video", "video/webm" if b"webm" in head[:128] else "video/x-matroska")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Sniffed("audio", "audio/aiff")
    if head[:5] == b"OggS\0":
        is_video = b"\x80theora" in head[:4096]
        return Sniffed("video", "video/ogg") if is_video else Sniffed("audio", "audio/ogg")
    return None


def _by_brand(head: bytes) -> Sniffed:
    """By the major brand; a general HEIF is told by what else it is compatible with."""
    kind, mime = ISO_BRANDS.get(head[8:12], ("video", "video/mp4"))
    if mime == "image/heif":
        others = head[16 : min(int.from_bytes(head[:4], "big"), 256)]
        named = [ISO_BRANDS.get(others[at : at + 4]) for at in range(0, len(others), 4)]
        closer = [one for one in named if one is not None and one[1] != mime and one[0] == kind]
        kind, mime = closer[0] if closer else (kind, mime)
    return Sniffed(kind, mime)


def _by_zip(head: bytes) -> Sniffed:
    """Office documents and books are ZIP archives with a known first part."""
    if head.startswith(b"mimetypeapplication/", 30):
        mime = re.match(rb"application/[\w.+-]+?(?=PK|[^\w.+-]|$)", head[38:138])
        return Sniffed("document", mime[0].decode() if mime else "application/zip")
    if b"[Content_Types].xml" in head or b"_rels/.rels" in head:
        for part, mime in OFFICE_PARTS:
            if part in head:
                return Sniffed("document", mime)
    return Sniffed("archive", "application/zip")


def _by_bitmap(head: bytes) -> Sniffed | None:
    """Bitmaps whose signature is too short to stand alone."""
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return Sniffed("image", "image/bmp")
    if _NETPBM.match(head[:2048]):
        return Sniffed("image", "image/x-portable-anymap")
    if head[:4] == b"\0\0\1\0" and head[4:5] not in (b"", b"\0") and head[9:10] == b"\0":
        return Sniffed("image", "image/x-icon")
    if head[:2] == b"\1\xda" and head[2:4] in (b"\0\1", b"\0\2", b"\1\1", b"\1\2"):
        return Sniffed("image", "image/sgi")
    if head[:1] == b"\x0a" and head[1:2] in b"\0\2\3\4\5" and head[2:3] == b"\1":
        is_deep = head[3:4] in (b"\1", b"\2", b"\4", b"\x08")
        return Sniffed("image", "image/x-pcx") if is_deep else None
    return None


def _by_elementary_stream(head: bytes) -> Sniffed | None:
    for lead, stride in ((0, 188), (4, 192)):
        if len(head) > lead + 2 * stride and head[lead : lead + 2 * stride + 1 : stride] == b"GGG":
            return Sniffed("video", "video/mp2t")
    if head[:3] == b"\0\0\1" or head[:4] == b"\0\0\0\1":
        return _by_start_code(head[head.index(b"\1") + 1 :])
    if head[:4] == b"MAC " and head[5:6] == b"\x0f":
        return Sniffed("audio", "audio/x-ape")
    if head[:3] == b"ID3" and len(head) > 10 and head[3] in (2, 3, 4):
        return Sniffed("audio", "audio/mpeg")
    return _by_audio_sync(head)


def _by_start_code(unit: bytes) -> Sniffed | None:
    """Raw H.264 and H.265 begin with a parameter set, a delimiter or a message (annex B)."""
    if len(unit) < 3:
        return None
    if unit[1] == 1 and unit[0] >> 1 in (32, 33, 34, 35, 39) and not unit[0] & 1:
        return Sniffed("video", "video/h265")
    if unit[0] < 128 and (unit[0] & 31) in (6, 7, 8, 9):
        return Sniffed("video", "video/h264")
    is_visual = unit[0] < 32 and b"\0\0\1\x20" in unit[:64]
    return Sniffed("video", "video/mp4v-es") if is_visual else None


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


def _by_targa(head: bytes, tail: bytes, size_bytes: int) -> Sniffed | None:
    """Targa has no signature in front: its footer, else a header that fits the file's size."""
    targa = Sniffed("image", "image/x-tga")
    if tail.endswith(_TGA_FOOTER) or head.endswith(_TGA_FOOTER):
        return targa
    if len(head) < 19 or head[1] > 1 or head[16] not in _TGA_TYPES.get(head[2], ()):
        return None
    is_mapped, kind = head[1] == 1, head[2]
    width_px, height_px = (int.from_bytes(head[at : at + 2], "little") for at in (12, 14))
    if not width_px or not height_px or head[17] & 0xC0 or is_mapped != (kind in (1, 9)):
        return None
    if not is_mapped and any(head[3:8]):
        return None
    least = width_px * height_px * ((head[16] + 7) // 8) // (1 if kind < 8 else 128)
    return targa if least <= size_bytes <= 18 + 256 + 1024 + 8 * (least + 1) * 64 else None


def _by_puremagic(head: bytes, tail: bytes, *, least_match: int) -> Sniffed | None:
    """Ask `puremagic`; of its guesses the surest one with a media type and a long enough match."""
    import puremagic

    try:
        guesses = puremagic.magic_string(head + tail)
    except (puremagic.PureError, ValueError):
        return None
    for guess in guesses:
        if guess.mime_type and len(guess.byte_match) >= least_match:
            kind = _kind_of_mime(guess.mime_type)
            return Sniffed(kind, guess.mime_type if not guess.mime_type.startswith("text") else "")
    return None


def _kind_of_mime(mime: str) -> Kind:
    family = mime.partition("/")[0]
    if family == "image" or family == "audio" or family == "video":
        return family
    return "unknown"
