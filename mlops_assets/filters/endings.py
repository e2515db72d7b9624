"""Where a picture or a clip ends by its own account."""

from __future__ import annotations

import mmap
import re

_MARKER = re.compile(rb"\xff[\xd9\xda\xe0-\xef\xfe\xc0-\xcf\xdb-\xdf]")
_MAX_PARTS = 100_000
_BOX_NAME = re.compile(rb"[a-zA-Z0-9\xa9 _\-]{4}")


def end_of_media(data: mmap.mmap) -> int | None:
    """The first byte behind a JPEG, PNG, GIF, RIFF, BMP or ISO media file.

    Args:
        data: the whole file.

    Returns:
        The place; None for any other format, and for a file that is damaged before its end.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _gif(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        size = int.from_bytes(data[4:8], "little")
        return 8 + size + (size & 1)
    if data[:2] == b"BM":
        return int.from_bytes(data[2:6], "little") or None
    return _boxes(data) if data[4:8] == b"ftyp" else None


def _jpeg(data: mmap.mmap) -> int | None:
    """Behind the first end mark that is not inside a segment."""
    at = 2
    for _ in range(_MAX_PARTS):
        found = _MARKER.search(data, at)
        if found is None:
            return None
        mark, at = found[0][1], found.end()
        if mark == 0xD9:
            return at
        at += int.from_bytes(data[at : at + 2], "big")
    return None


def _png(data: mmap.mmap) -> int | None:
    at = 8
    for _ in range(_MAX_PARTS):
        head = data[at : at + 8]
        if len(head) < 8:
            return None
        at += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return at
    return None


def _gif(data: mmap.mmap) -> int | None:
    if len(data) < 13:
        return None
    at = 13 + _palette(data[10])
    for _ in range(_MAX_PARTS):
        block = data[at : at + 10]
        if block[:1] == b"\x3b":
            return at + 1
        if block[:1] == b"\x21":
            at = _sub_blocks(data, at + 2)
        elif block[:1] == b"\x2c" and len(block) == 10:
            at = _sub_blocks(data, at + 11 + _palette(block[9]))
        else:
            return None
    return None


def _palette(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _sub_blocks(data: mmap.mmap, at: int) -> int:
    size = len(data)
    while at < size and data[at]:
        at += 1 + data[at]
    return at + 1


def _boxes(data: mmap.mmap) -> int | None:
    """Behind the last box of the top level that has a name and fits."""
    at = 0
    has_index = False
    for _ in range(_MAX_PARTS):
        head = data[at : at + 16]
        if len(head) < 8 or not _BOX_NAME.fullmatch(head[4:8]):
            return at if has_index else None
        has_index = has_index or head[4:8] in (b"moov", b"meta", b"moof")
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:16], "big") if size == 1 else size or len(data) - at
        if size < 8 or at + size > len(data):
            return None
        at += size
    return None
