"""The 16-bit PNG exchange format of the KITTI benchmark."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.fields import check_size, float32_field, known_vectors

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_CHECKSUM_BYTES = 4
_HEADER = struct.Struct(">IIBBBBB")
_DEPTH, _RGB = 16, 2
_ZERO = 2**15
_STEPS_PER_PX = 64
_LARGEST = 2**16 - 1


def read_kitti(data: bytes) -> NDArray[np.float32]:
    """Read the bytes of a KITTI flow PNG.

    Args:
        data: the whole file: 16-bit RGB, red and green are dx and dy in 1/64 px above 2**15, blue
            is 0 where the flow is unknown.

    Returns:
        (2, H, W), planar (dx, dy), pixels; NaN where unknown.

    Raises:
        InputError: `damaged_kitti`: not a whole 16-bit RGB PNG, or of an impossible size.

    Reference: cvlibs.net/datasets/kitti, devkit of the flow benchmark, readme.txt; Menze and
        Geiger 2015, doi:10.1109/CVPR.2015.7298925.
    """
    import cv2

    _check_png(data)
    blue_green_red = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if blue_green_red is None or blue_green_red.ndim != 3:
        raise _damaged(f"PNG of {len(data)} bytes does not decode")
    steps = np.moveaxis(blue_green_red[..., 2:0:-1], -1, 0).astype(np.float32)
    flow = (steps - _ZERO) / np.float32(_STEPS_PER_PX)
    flow[:, blue_green_red[..., 0] == 0] = np.nan
    return flow


def write_kitti(flow: NDArray[np.floating]) -> bytes:
    """The bytes of a KITTI flow PNG.

    Args:
        flow: (2, H, W), planar (dx, dy), pixels. Rounded to 1/64 px; a vector with NaN, or with a
            component outside -512 to 511.98 px, is written as unknown.

    Returns:
        The whole file.

    Raises:
        ShapeError: another shape or dtype.
    """
    import cv2

    field = float32_field(flow)
    known = known_vectors(field)
    steps = np.rint(np.where(known, field, 0).astype(np.float64) * _STEPS_PER_PX) + _ZERO
    known &= np.all((steps >= 0) & (steps <= _LARGEST), axis=0)
    dx, dy = np.where(known, steps, 0).astype(np.uint16)
    _, encoded = cv2.imencode(".png", np.stack([known.astype(np.uint16), dy, dx], axis=-1))
    return encoded.tobytes()


def _check_png(data: bytes) -> None:
    """Refuse what is not a whole 16-bit RGB PNG of a possible size, before anything is decoded."""
    if not data.startswith(_SIGNATURE):
        raise _damaged(f"{data[:8]!r} opens the file; expected {_SIGNATURE!r}")
    chunks = _chunks(data)
    kind, content = next(chunks, (b"", memoryview(b"")))
    if kind != b"IHDR" or len(content) != _HEADER.size:
        raise _damaged(f"the first chunk is {kind!r} of {len(content)} bytes; expected IHDR of 13")
    width, height, depth, colour, *_ = _HEADER.unpack(content)
    if (depth, colour) != (_DEPTH, _RGB):
        raise _damaged(f"PNG has depth {depth} and colour type {colour}; expected 16 and 2 (RGB)")
    try:
        check_size(height, width)
    except ShapeError as err:
        raise _damaged(f"PNG header: {err}") from err
    if b"IEND" not in {kind for kind, _ in chunks}:
        raise _damaged("the PNG has no end; expected IEND")


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content of each chunk up to the end, checksums compared."""
    view, at, kind = memoryview(data), len(_SIGNATURE), b""
    while kind != b"IEND" and at < len(data):
        start = at + _CHUNK.size
        length, kind = _CHUNK.unpack(view[at:start]) if start <= len(data) else (len(data), b"")
        at = start + length + _CHECKSUM_BYTES
        if at > len(data):
            raise _damaged(f"PNG has {len(data)} bytes; expected at least {at}")
        checksum = zlib.crc32(view[start - 4 : start + length])
        if checksum != int.from_bytes(view[start + length : at], "big"):
            raise _damaged(f"the checksum of chunk {kind!r} is wrong")
        yield kind, view[start : start + length]


def _damaged(message: str) -> InputError:
    return InputError(message, reason="damaged_kitti")
