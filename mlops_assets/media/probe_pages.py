"""How many pages an image file holds, counted over its block headers, within bounds.

Pillow counts them as well, but without a bound, and moves its picture while it does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

MAX_GIF_BLOCKS = 4_000_000
"""Data blocks (of at most 255 bytes) walked at most in one GIF."""


def count_gif_frames(path: Path, *, at_most: int) -> int:
    """Count the frames of a GIF by its block headers (GIF89a specification, section 13).

    Args:
        path: a file that begins with a GIF signature.
        at_most: counting stops one above it.

    Returns:
        Frames found before the end, the damage or the bound; 0 if there is none.
    """
    with path.open("rb") as file:
        screen = file.read(13)
        if len(screen) < 13:
            return 0
        file.seek(_colour_table_bytes(screen[10]), os.SEEK_CUR)
        return _count_gif_images(file, at_most=at_most)


def _count_gif_images(file: BinaryIO, *, at_most: int) -> int:
    frames, budget = 0, MAX_GIF_BLOCKS
    while frames <= at_most and budget > 0:
        introducer = file.read(1)
        if introducer == b"\x21":
            file.read(1)
        elif introducer == b"\x2c":
            descriptor = file.read(9)
            if len(descriptor) < 9:
                break
            file.seek(_colour_table_bytes(descriptor[8]) + 1, os.SEEK_CUR)
            frames += 1
        elif introducer != b"\0":
            break
        budget -= 1 if introducer == b"\0" else _skip_gif_blocks(file, budget)
    return frames


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
