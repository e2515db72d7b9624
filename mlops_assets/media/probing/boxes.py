"""How an MP4 or QuickTime track lies, read from its boxes without decoding a frame.

PyAV tells the rotation of a decoded frame only; the display matrix stands in the track header
(ISO/IEC 14496-12, 8.3.2), so it is read there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_BOXES = 10_000
"""Boxes walked at most; a file with more keeps what was found by then."""

_NESTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_WANTED = (b"tkhd", b"hdlr", b"stsz")
_ONE = 1 << 16


@dataclass(frozen=True)
class Track:
    """One track's header.

    Attributes:
        track_id: equals `stream.id` of PyAV.
        is_video: the track's handler is `vide`.
        rotation_deg: 0, 90, 180 or 270, clockwise, that makes the stored picture upright.
        is_mirrored: mirror left to right before turning.
        sample_count: samples the track's table declares.
    """

    track_id: int
    is_video: bool
    rotation_deg: int
    is_mirrored: bool
    sample_count: int


def read_tracks(file: BinaryIO, *, size_bytes: int) -> list[Track]:
    """Read the track headers of an ISO base media file.

    Args:
        file: seekable; its position is changed.
        size_bytes: size of the file.

    Returns:
        One per track whose header is whole; empty for any other or damaged file.
    """
    tracks: list[dict[bytes, bytes]] = []
    for kind, body in _walk(file, size_bytes):
        if kind == b"trak":
            tracks.append({})
        elif tracks and kind not in tracks[-1]:
            tracks[-1][kind] = body
    return [track for boxes in tracks if (track := _track(boxes)) is not None]


def is_index_cut(file: BinaryIO, *, size_bytes: int) -> bool:
    """Whether the index (`moov`) of an ISO base media file reaches beyond the end of the file.

    Args:
        file: seekable; its position is changed.
        size_bytes: size of the file.
    """
    at = 0
    for _ in range(MAX_BOXES):
        box = _header(file, at, 1 << 62) if at + 8 <= size_bytes else None
        if box is None:
            return False
        kind, _, at = box
        if kind == b"moov":
            return at > size_bytes
    return False


def upright(a: int, b: int, c: int, d: int) -> tuple[int, bool]:
    """Turn and mirroring of the 2 x 2 part of a display matrix.

    Convention: x' = a x + c y, y' = b x + d y, x to the right, y down. A picture is mirrored left
    to right first, then turned clockwise.

    Args:
        a: fixed point, any common scale.
        b: see `a`.
        c: see `a`.
        d: see `a`.

    Returns:
        Degrees in {0, 90, 180, 270}, the nearest, and whether it is mirrored. (0, False) for a
        matrix of zeros.
    """
    is_mirrored = a * d - b * c < 0
    along, across = (-a, -b) if is_mirrored else (a, b)
    quarter_turns = round(math.atan2(across, along) / (math.pi / 2))
    return quarter_turns % 4 * 90, is_mirrored


def _walk(file: BinaryIO, size_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the wanted boxes with their first bytes, depth first; `trak` with none."""
    pending = [(0, size_bytes)]
    for _ in range(MAX_BOXES):
        if not pending:
            return
        start, end = pending.pop()
        if start + 8 > end:
            continue
        box = _header(file, start, end)
        if box is None:
            continue
        kind, body_start, body_end = box
        pending.append((body_end, end))
        if kind in _NESTS:
            pending.append((body_start, body_end))
            if kind == b"trak":
                yield kind, b""
        elif kind in _WANTED:
            file.seek(body_start)
            yield kind, file.read(min(128, body_end - body_start))


def _header(file: BinaryIO, start: int, end: int) -> tuple[bytes, int, int] | None:
    file.seek(start)
    head = file.read(16)
    size, body = int.from_bytes(head[:4], "big"), 8
    if size == 1 and len(head) == 16:
        size, body = int.from_bytes(head[8:16], "big"), 16
    elif size == 0:
        size = end - start
    if len(head) < 8 or size < body:
        return None
    return head[4:8], start + body, min(start + size, end)


def _track(boxes: dict[bytes, bytes]) -> Track | None:
    header = boxes.get(b"tkhd", b"")
    is_long = header[:1] == b"\1"
    matrix_at, id_at = (52, 20) if is_long else (40, 12)
    if len(header) < matrix_at + 36:
        return None
    a, b, c, d = (_signed(header, matrix_at + 4 * place) for place in (0, 1, 3, 4))
    turn = upright(a, b, c, d) if (a, b, c, d) != (_ONE, 0, 0, _ONE) else (0, False)
    return Track(
        track_id=int.from_bytes(header[id_at : id_at + 4], "big"),
        is_video=boxes.get(b"hdlr", b"")[8:12] == b"vide",
        rotation_deg=turn[0],
        is_mirrored=turn[1],
        sample_count=int.from_bytes(boxes.get(b"stsz", b"")[8:12], "big"),
    )


def _signed(raw: bytes, place: int) -> int:
    return int.from_bytes(raw[place : place + 4], "big", signed=True)
