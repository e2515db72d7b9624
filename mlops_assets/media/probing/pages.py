"""How many pages an image file holds, counted over its block headers, within bounds.

Pillow counts them as well, but without a bound, and moves its picture while it does; a GIF with a
long comment costs it minutes, so that GIFs are measured here altogether.
"""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_GIF_BLOCKS = 4_000_000
"""Data blocks (of at most 255 bytes) walked at most in one GIF."""


@dataclass
class GifSize:
    """What the block headers of a GIF add up to.

    Attributes:
        width_px: of the screen, or of what reaches beyond it.
        height_px: of the screen, or of what reaches beyond it.
        frame_count: frames before the end, the damage or the bound.
    """

    width_px: int
    height_px: int
    frame_count: int = 0

    def add(self, descriptor: bytes) -> None:
        """Take one image descriptor of 9 bytes in."""
        left, top, width_px, height_px, _ = struct.unpack("<4HB", descriptor)
        self.width_px = max(self.width_px, left + width_px)
        self.height_px = max(self.height_px, top + height_px)
        self.frame_count += 1


_NEXT_PICTURE = b"\xff\xd9\xff\xd8\xff"
_MULTI_PICTURE = b"MPF\0"
_SEARCHED_BYTES = 32 << 20


def is_motion_jpeg(path: Path) -> bool:
    """Whether a file that begins as a JPEG is a stream of them: three at least, end to end.

    A photo may have one behind it (a preview, the halves of a stereo pair); those are listed in
    its header (CIPA DC-007), or are two.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(_MULTI_PICTURE, 0, 65_536) >= 0:
            return False
        second = data.find(_NEXT_PICTURE, 0, _SEARCHED_BYTES)
        return second >= 0 and data.find(_NEXT_PICTURE, second + 1, _SEARCHED_BYTES) >= 0


def measure_gif(path: Path, *, at_most: int) -> GifSize:
    """Measure a GIF by its block headers (GIF89a specification, sections 18 to 20).

    Args:
        path: a file that begins with a GIF signature.
        at_most: counting stops one frame above it.

    Returns:
        Zeros for a file shorter than its header.
    """
    with path.open("rb") as file:
        screen = file.read(13)
        if len(screen) < 13:
            return GifSize(0, 0)
        width_px, height_px = struct.unpack("<2H", screen[6:10])
        size = GifSize(width_px, height_px)
        file.seek(_colour_table_bytes(screen[10]), os.SEEK_CUR)
        _walk_gif(file, size, at_most=at_most)
        return size


def _walk_gif(file: BinaryIO, size: GifSize, *, at_most: int) -> None:
    budget = MAX_GIF_BLOCKS
    while size.frame_count <= at_most and budget > 0:
        introducer = file.read(1)
        if introducer == b"\x21":
            file.read(1)
        elif introducer == b"\x2c":
            descriptor = file.read(9)
            if len(descriptor) < 9:
                return
            size.add(descriptor)
            file.seek(_colour_table_bytes(descriptor[8]) + 1, os.SEEK_CUR)
        elif introducer != b"\0":
            return
        budget -= 1 if introducer == b"\0" else _skip_gif_blocks(file, budget)


def _skip_gif_blocks(file: BinaryIO, budget: int) -> int:
    """Skip one chain of data blocks; return how many there were."""
    for skipped in range(budget):
        length = file.read(1)
        if length in (b"", b"\0"):
            return skipped + 1
        file.seek(length[0], os.SEEK_CUR)
    return budget


def _colour_table_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def count_tiff_pages(path: Path, *, at_most: int) -> int:
    """Count the pages of a TIFF or BigTIFF by its chain of directories (TIFF 6.0, section 2).

    Args:
        path: a file that begins with a TIFF signature.
        at_most: counting stops one above it.

    Returns:
        Directories found before the end, a loop, the damage or the bound.
    """
    with path.open("rb") as file:
        head = file.read(16)
        order = "little" if head[:2] == b"II" else "big"
        is_big = int.from_bytes(head[2:4], order) == 43
        count_bytes, entry_bytes, offset_bytes = (8, 20, 8) if is_big else (2, 12, 4)
        offset = int.from_bytes(head[8:16] if is_big else head[4:8], order)
        seen: set[int] = set()
        while 0 < offset < 2**63 and offset not in seen and len(seen) <= at_most:
            file.seek(offset)
            count = file.read(count_bytes)
            if len(count) < count_bytes:
                break
            seen.add(offset)
            link = offset + count_bytes + entry_bytes * int.from_bytes(count, order)
            if link >= 2**63:
                break
            file.seek(link)
            offset = int.from_bytes(file.read(offset_bytes), order)
        return len(seen)
