"""Damage inside an image that its decoder passes over in silence.

Pillow checks no checksum of a PNG's pixels and keeps libjpeg's warnings to itself; both formats
tell by their structure.
"""

from __future__ import annotations

import mmap
import re
import zlib
from pathlib import Path

_PNG_SIGNATURE_BYTES = 8
_PNG_CHUNK_MAX_BYTES = 1 << 31
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_SOS, _EOI = 0xDA, 0xD9
_BETWEEN_SCANS = frozenset((0xC4, _SOS, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)))
"""Markers that may follow the data of a scan: tables, the next scan, comments (ITU-T T.81, B.2)."""


def is_damaged_inside(path: Path, image_format: str | None) -> bool:
    """Whether the structure of a PNG or a JPEG shows damage; False for any other format.

    A file that is cut off is no concern here: its decoder complains about that. Damage in the
    pixels of a JPEG that looks like other pixels cannot be told.

    Args:
        path: the file, not empty.
        image_format: Pillow's name of it.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if image_format == "PNG":
            return _has_wrong_checksum(data)
        return image_format in ("JPEG", "MPO") and _has_stray_marker(data)


def _has_wrong_checksum(data: mmap.mmap) -> bool:
    """Whether a chunk of a PNG has another CRC than it says (W3C PNG, section 5.3)."""
    at = _PNG_SIGNATURE_BYTES
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 8 + length
        if length >= _PNG_CHUNK_MAX_BYTES or end + 4 > len(data):
            return False
        with memoryview(data) as view, view[at + 4 : end] as body:
            told = int.from_bytes(view[end : end + 4], "big")
            if zlib.crc32(body) != told:
                return True
        if data[at + 4 : at + 8] == b"IEND":
            return False
        at = end + 4
    return False


def _has_stray_marker(data: mmap.mmap) -> bool:
    """Whether a marker stands in a JPEG where none may, up to the end of its first picture."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return True
        marker = data[at + 1]
        if marker == _EOI:
            return False
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker != _SOS:
            continue
        end = _SCAN_END.search(data, at)
        if end is None:
            return False
        at = end.start()
        if data[at + 1] not in _BETWEEN_SCANS and data[at + 1] != _EOI:
            return True
    return False
