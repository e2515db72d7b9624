"""Still pictures from outside: sized before they are decoded, never trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError

MAX_PICTURE_BYTES = 64 * 2**20
MAX_PICTURE_PIXELS = 100_000_000

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


def check_picture(data: bytes) -> tuple[int, int]:
    """Read the size of a JPEG or PNG from its header, and refuse what is too large to decode.

    Args:
        data: the file's bytes.

    Returns:
        (width, height) in pixels as stored, before any rotation.

    Raises:
        InputError: reason `empty`, `not_a_picture` (neither JPEG nor PNG), `undecodable` (no size
            in it), `too_large` (above 64 MiB or 100 million pixels).
    """
    if not data:
        raise InputError("the picture has no bytes; expected JPEG or PNG", reason="empty")
    if len(data) > MAX_PICTURE_BYTES:
        raise InputError(
            f"the picture has {len(data)} bytes; expected <= {MAX_PICTURE_BYTES}",
            reason="too_large",
        )
    width, height = _png_size(data) if data.startswith(_PNG) else _jpeg_size(data)
    if width < 1 or height < 1:
        raise InputError(f"the picture is {width} x {height}; expected >= 1", reason="undecodable")
    if width * height > MAX_PICTURE_PIXELS:
        raise InputError(
            f"the picture is {width} x {height}; expected <= {MAX_PICTURE_PIXELS} pixels",
            reason="too_large",
        )
    return width, height


def _png_size(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header (ITU-T T.81, B.2.2)."""
    if not data.startswith(_JPEG):
        raise InputError(
            f"the picture begins with {data[:8]!r}; expected JPEG or PNG", reason="not_a_picture"
        )
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
            at += 1
        elif data[at + 1] in _FRAME_MARKERS:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(
                data[at + 5 : at + 7], "big"
            )
        elif data[at + 1] in _BARE_MARKERS:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    raise InputError("the JPEG has no frame header; expected one", reason="undecodable")


def decode_small(data: bytes, *, side_px: int) -> NDArray[np.uint8]:
    """Decode a picture at a fixed small size; a JPEG is decoded reduced, which is much faster.

    Args:
        data: JPEG or PNG bytes, 8 or 16 bit, gray, colour or with transparency (dropped); EXIF
            orientation is applied.
        side_px: height and width of the result; the aspect ratio is not kept.

    Returns:
        (side_px, side_px, 3) uint8, BGR as stored (taken as sRGB).

    Raises:
        InputError: see `check_picture`; reason `undecodable` when the decoder gives up.
    """
    import cv2

    smallest = min(check_picture(data))
    reduced = {
        8: cv2.IMREAD_REDUCED_COLOR_8,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        2: cv2.IMREAD_REDUCED_COLOR_2,
    }
    flag = next((reduced[by] for by in reduced if smallest >= by * side_px), cv2.IMREAD_COLOR)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as err:
        raise InputError(f"the picture does not decode: {err}", reason="undecodable") from err
    if picture is None:
        raise InputError("the picture does not decode; expected JPEG or PNG", reason="undecodable")
    shrinks = min(picture.shape[:2]) >= side_px
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side_px, side_px), interpolation=way), np.uint8)


@contextmanager
def numbered_errors(place: int) -> Iterator[None]:
    """Say which item of a batch an `InputError` is about.

    Args:
        place: the item's index in the batch, from 0.

    Raises:
        InputError: as raised inside, with the same reason.
    """
    try:
        yield
    except InputError as err:
        raise InputError(f"item {place} of the batch: {err}", reason=err.reason) from err
