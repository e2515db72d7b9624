"""Files that are wrong in one known way each."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from mlops_assets.errors import InputError

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JUNK_START = b"\x00\xff\x00\xfe\x01\xc0\x00\xf5"
_MP4_BOX_HEADER = 8


def truncate(path: Path, share: float) -> None:
    """Cut the end of a file off, as a broken upload does.

    An MP4 of `render_clip` keeps its index (moov) at the end, so any cut makes it unreadable.

    Args:
        path: file to cut, in place.
        share: part of the bytes that is kept, 0 to 1; rounded down.

    Raises:
        InputError: the share is outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"share to keep is {share}; expected 0 to 1", reason="bad_share")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def damage_middle(path: Path, *, share: float = 0.1, seed: int = 0) -> None:
    """Overwrite the middle of a file with noise; of an MP4, the middle of its media data.

    The headers and the index stay intact, so the file opens and states its full length; the
    pictures within the noise are lost, and those before it decode as they were.

    Args:
        path: file to damage, in place; its size stays.
        share: part of the (media) bytes that is overwritten, 0 to 1.
        seed: of the noise.

    Raises:
        InputError: the share is outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"share to damage is {share}; expected 0 to 1", reason="bad_share")
    content = bytearray(path.read_bytes())
    start, stop = _media_span(bytes(content))
    length = int((stop - start) * share)
    first = start + (stop - start - length) // 2
    content[first : first + length] = np.random.default_rng(seed).bytes(length)
    path.write_bytes(bytes(content))


def write_pixel_bomb(path: Path, *, side_px: int = 60_000, seed: int = 0) -> None:
    """Write a tiny PNG whose valid header claims a picture of side_px x side_px.

    Args:
        path: file to write, about 100 bytes.
        side_px: claimed width and height.
        seed: goes into a comment, so that two bombs are not the same bytes.
    """
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    chunks = [
        (b"IHDR", header),
        (b"tEXt", b"Comment\x00" + str(seed).encode()),
        (b"IDAT", zlib.compress(b"\x00" * 64)),
        (b"IEND", b""),
    ]
    path.write_bytes(_PNG_SIGNATURE + b"".join(_png_chunk(*chunk) for chunk in chunks))


def write_junk(path: Path, *, size_bytes: int = 4096, seed: int = 0) -> None:
    """Write bytes that are no media, no document and no text.

    Args:
        path: file to write.
        size_bytes: length, at least 8.
        seed: of the noise after the first 8 bytes, which belong to no known format.
    """
    noise = np.random.default_rng(seed).bytes(max(0, size_bytes - len(_JUNK_START)))
    path.write_bytes(_JUNK_START + noise)


def _png_chunk(name: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def _media_span(content: bytes) -> tuple[int, int]:
    """Start and end of the body of an MP4's mdat box; of other content, all of it."""
    at = 0
    while at + _MP4_BOX_HEADER <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        if name == b"mdat" and length > _MP4_BOX_HEADER:
            return at + _MP4_BOX_HEADER, min(at + length, len(content))
        if length < _MP4_BOX_HEADER:
            break
        at += length
    return 0, len(content)
