"""The .flo exchange format of the Middlebury benchmark."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.fields import check_size, float32_field, known_vectors

_TAG = b"PIEH"
_HEADER = struct.Struct("<4sii")
_UNKNOWN = np.float32(1666666752)  # what Middlebury's own files hold


def read_flo(data: bytes) -> NDArray[np.float32]:
    """Read the bytes of a .flo file.

    Args:
        data: the whole file.

    Returns:
        (2, H, W), planar (dx, dy), pixels; a vector with a component above 1e9 or NaN is NaN.

    Raises:
        InputError: `damaged_flo`: another tag, an impossible size, bytes missing or too many.

    Reference: vision.middlebury.edu/flow, flowIO.cpp; Baker et al. 2011.
    """
    if len(data) < _HEADER.size or data[:4] != _TAG:
        raise InputError(f"{data[:4]!r} opens the file; expected {_TAG!r}", reason="damaged_flo")
    _, width, height = _HEADER.unpack_from(data)
    try:
        check_size(height, width)
    except ShapeError as err:
        raise InputError(f"flo header: {err}", reason="damaged_flo") from err
    expected = _HEADER.size + 8 * height * width
    if len(data) != expected:
        raise InputError(f"flo has {len(data)} bytes; expected {expected}", reason="damaged_flo")
    vectors = np.frombuffer(data, dtype="<f4", offset=_HEADER.size).reshape(height, width, 2)
    flow = vectors.transpose(2, 0, 1).astype(np.float32)
    flow[:, ~known_vectors(flow)] = np.nan
    return flow


def write_flo(flow: NDArray[np.floating]) -> bytes:
    """The bytes of a .flo file.

    Args:
        flow: (2, H, W), planar (dx, dy), pixels; a vector with NaN is written as unknown.

    Returns:
        The whole file.

    Raises:
        ShapeError: another shape or dtype.
    """
    field = float32_field(flow)
    vectors = np.where(known_vectors(field), field, _UNKNOWN).transpose(1, 2, 0).astype("<f4")
    return _HEADER.pack(_TAG, *vectors.shape[1::-1]) + vectors.tobytes()
