"""Files of two kinds at once: one to the gate that looks first, another to who opens them."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from mlops_assets.filters.endings import end_of_media
from mlops_assets.filters.evidence import Evidence, evidence

_HEAD_BYTES = 1 << 20
_TAIL_BYTES = 1 << 20
_PDF_HEAD_BYTES = 1_024
_ZIP_TAIL_BYTES = 65_557
_MIN_TRAILER_BYTES = 1_024
_HTML = re.compile(
    rb"<(?:script|html|!doctype html|iframe|svg)\b[\s>/]|<\?php\b|<%@ page|\bjavascript:",
    re.IGNORECASE,
)
_SHEBANG = re.compile(rb"#!\s{0,4}/(?:usr/)?(?:local/)?bin/")
_KNOWN_TRAILERS = (
    *(b"\xff\xd8\xff", b"SEFH", b"AFCP", b"CANON OPTIONAL DATA", b"cbipcbbl", b"QDIOBS", b"IMEN"),
    *(b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\0", b"MM\0*", b"ID3", b"TAG", b"APETAGEX", b"%%EOF"),
)
"""What cameras, phones and their programs put behind a picture, and taggers behind a sound."""
_ARCHIVES_THEMSELVES = (b"PK", b"\xd0\xcf\x11\xe0")
_PROGRAMS = ((b"\x7fELF\1", "a program (ELF)"), (b"\x7fELF\2", "a program (ELF)"))


def polyglot(path: Path, kind: str) -> Evidence | None:
    """Find a second file inside or behind the first.

    At most 2 MiB are looked at, and the structure of the file up to its end.

    Args:
        path: a regular file that is not empty.
        kind: what the file was taken for: `image`, `video`, `audio` or `document`.

    Returns:
        `polyglot` for an archive whose directory stands at the end of another file, a PDF or a page
        or a script or a program inside or behind a picture, a sound or a clip, a script before the
        header of a PDF, and data of no known kind behind the end of a picture or clip. None for
        what belongs there: office documents, drawings in XML, clips behind Motion Photos, second
        pictures and thumbnails, trailers of cameras, tags behind sounds, revisions of signed PDFs;
        and for any other kind.

    Raises:
        OSError: the file cannot be read.
    """
    if kind not in ("image", "video", "audio", "document"):
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:8].startswith(_ARCHIVES_THEMSELVES) or data[:64].lstrip().startswith(b"<"):
            return None
        said = _archive(data) or _in_head(data, kind)
        if said is None and kind in ("image", "video"):
            said = _behind_end(data)
    return None if said is None else evidence("polyglot", f"{kind} that is also {said}")


def _archive(data: mmap.mmap) -> str | None:
    """A ZIP is read from its end: the directory and its length must be where the end says."""
    at = data.rfind(b"PK\5\6", max(0, len(data) - _ZIP_TAIL_BYTES))
    if at < 0 or at + 22 > len(data):
        return None
    count, size = (int.from_bytes(data[at + a : at + b], "little") for a, b in ((10, 12), (12, 16)))
    is_directory = 0 < size <= at and data[at - size : at - size + 4] == b"PK\1\2"
    return f"an archive of {count} files" if is_directory and count else None


def _in_head(data: mmap.mmap, kind: str) -> str | None:
    """What stands before the pixels: headers, comments, tags."""
    if kind == "document":
        before = max(0, data.find(b"%PDF-", 0, _PDF_HEAD_BYTES))
        head = data[:before]
        is_script = _SHEBANG.match(head) or _HTML.search(head) or head[:2] == b"MZ"
        return "a script or page before its header" if is_script else None
    if data.find(b"%PDF-", 0, _PDF_HEAD_BYTES) >= 0 and data.find(b" obj", 0, _HEAD_BYTES) >= 0:
        return "a PDF"
    if kind == "image":
        found = _HTML.search(data[: min(_HEAD_BYTES, _pixels_at(data))])
        return f"a page or script at byte {found.start()}" if found else None
    return None


def _pixels_at(data: mmap.mmap) -> int:
    """Where a JPEG's or PNG's pixels begin; the first 64 KiB of any other picture."""
    if data[:3] == b"\xff\xd8\xff":
        at = data.find(b"\xff\xda", 0, _HEAD_BYTES)
        return at if at >= 0 else 1 << 16
    if data[:4] == b"\x89PNG":
        at = data.find(b"IDAT", 0, _HEAD_BYTES)
        return at if at >= 0 else 1 << 16
    return 1 << 16


def _behind_end(data: mmap.mmap) -> str | None:
    end = end_of_media(data)
    if end is None or end >= len(data):
        return None
    trailer = data[end : end + _TAIL_BYTES]
    said = _known_second(trailer)
    if said is not None:
        return f"{said} behind its end"
    if len(data) - end < _MIN_TRAILER_BYTES or not trailer.strip(b"\0\xff \r\n\t"):
        return None
    if _is_expected(trailer, data):
        return None
    return f"{len(data) - end} bytes of no known kind behind its end"


def _known_second(trailer: bytes) -> str | None:
    start = trailer.lstrip(b"\0 \r\n\t")
    for mark, said in _PROGRAMS:
        if mark in trailer[:_MIN_TRAILER_BYTES]:
            return said
    if start[:2] == b"MZ" and b"PE\0\0" in start[:4096]:
        return "a program (PE)"
    if b"%PDF-" in start[:_PDF_HEAD_BYTES]:
        return "a PDF"
    if _SHEBANG.match(start) or _HTML.search(start[: 1 << 16]):
        return "a page or script"
    archives = (b"PK\3\4", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\7", b"\x1f\x8b\x08", b"\xfd7zXZ\0")
    return "an archive" if start.startswith(archives) else None


def _is_expected(trailer: bytes, data: mmap.mmap) -> bool:
    """A clip behind a photo, more pictures, or a trailer that a maker signs."""
    start = trailer.lstrip(b"\0 \r\n\t\xff\xd9")
    is_clip = b"ftyp" in trailer[:256]
    is_signed = data[-4:] == b"SEFT" or data[-256:].find(b"AXS!") >= 0
    has_picture = b"\xff\xd8\xff" in trailer[:4096] or b"ftyp" in trailer[:65_536]
    return is_clip or is_signed or has_picture or start.startswith(_KNOWN_TRAILERS)
