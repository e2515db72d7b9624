"""Flow in a tenth of its bytes: int16 steps, deltas, byte shuffle, zstd.

Codec `flow16` version 1, in order: round to whole steps (int16, invalid -32768); difference to the
left neighbour, to the upper one in column 0 (wrapping); zigzag; all low bytes, then all high bytes;
one zstd frame at level 3 with its content size and checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import zstandard
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.fields import UNKNOWN_ABOVE, check_size, float32_field

_CODEC = "flow16"
_VERSION = 1
_LEVEL = 3
_INVALID = -32_768
_STEPS = (1 / 1024, 16.0)


@dataclass(frozen=True)
class EncodedFlow:
    """One flow field as it is stored: a blob and the columns beside it.

    Attributes:
        blob: one zstd frame.
        codec: `flow16`.
        version: of the codec.
        step: pixels per unit of the stored integers.
        height: of the field that `decode_flow` gives back, pixels.
        width: likewise.
        scale_log2: 0 stored at full resolution; 1 at half, the compact tier.
    """

    blob: bytes
    codec: str
    version: int
    step: float
    height: int
    width: int
    scale_log2: int


def encode_flow(
    flow: NDArray[np.floating], *, step: float = 1 / 32, scale_log2: Literal[0, 1] = 0
) -> EncodedFlow:
    """Encode one field.

    A component that is NaN, infinite, or beyond 32767 steps (1,024 px at the default step) is kept
    as unknown. At half resolution each stored vector is the mean of the known ones of a 2 x 2
    block, still in pixels of the full field.

    Args:
        flow: (2, H, W), pixels.
        step: resolution in pixels, 1/1024 to 16; the error at full resolution is at most step / 2.
        scale_log2: 0 full, 1 half resolution.

    Returns:
        The blob and what is needed to read it. The same field gives the same bytes.

    Raises:
        ShapeError: another shape or dtype.
        InputError: `bad_step` or `bad_scale`.
    """
    field = float32_field(flow)
    if not _STEPS[0] <= step <= _STEPS[1]:
        raise InputError(f"step is {step}; expected {_STEPS[0]} to {_STEPS[1]}", reason="bad_step")
    if scale_log2 not in (0, 1):
        raise InputError(f"scale_log2 is {scale_log2}; expected 0 or 1", reason="bad_scale")
    packed = _pack(_quantise(_halve(field) if scale_log2 else field, step))
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    blob = compressor.compress(packed)
    height, width = field.shape[1:]
    return EncodedFlow(blob, _CODEC, _VERSION, step, height, width, scale_log2)


def decode_flow(encoded: EncodedFlow) -> NDArray[np.float32]:
    """Decode one field.

    Args:
        encoded: what `encode_flow` returned, or the same columns of a row.

    Returns:
        float32 (2, H, W), pixels; NaN where unknown. Half resolution is interpolated bilinearly
        between known vectors.

    Raises:
        InputError: `unknown_codec`, or `damaged_flow` when the blob or the columns are not whole.
    """
    if (encoded.codec, encoded.version) != (_CODEC, _VERSION):
        raise InputError(
            f"codec is {encoded.codec!r} version {encoded.version}; expected {_CODEC!r} {_VERSION}",
            reason="unknown_codec",
        )
    height, width = _stored_size(encoded)
    steps = _unpack(_decompress(encoded.blob, 4 * height * width), height, width)
    values = steps.astype(np.float32)
    values *= np.float32(encoded.step)
    values[steps == _INVALID] = np.nan
    return _double(values, encoded.height, encoded.width) if encoded.scale_log2 else values


def _stored_size(encoded: EncodedFlow) -> tuple[int, int]:
    """(H, W) inside the blob, from columns nobody has checked yet."""
    if encoded.scale_log2 not in (0, 1) or not _STEPS[0] <= encoded.step <= _STEPS[1]:
        raise InputError(
            f"scale_log2 is {encoded.scale_log2}, step {encoded.step}; expected 0 or 1, and "
            f"{_STEPS[0]} to {_STEPS[1]}",
            reason="damaged_flow",
        )
    try:
        check_size(encoded.height, encoded.width)
    except ShapeError as err:
        raise InputError(f"flow columns: {err}", reason="damaged_flow") from err
    half = encoded.scale_log2
    return (encoded.height + half) >> half, (encoded.width + half) >> half


def _quantise(values: NDArray[np.float32], step: float) -> NDArray[np.int16]:
    with np.errstate(over="ignore"):
        scaled = values / np.float32(step)
    np.rint(scaled, out=scaled)
    known = np.abs(scaled) < -_INVALID  # False for NaN
    if not known.all():
        scaled[~known] = _INVALID
    return scaled.astype(np.int16)


def _pack(steps: NDArray[np.int16]) -> bytes:
    delta = steps.copy()
    delta[:, :, 1:] -= steps[:, :, :-1]
    delta[:, 1:, 0] -= steps[:, :-1, 0]
    zigzag = (delta << 1) ^ (delta >> 15)
    return np.ascontiguousarray(
        zigzag.astype("<i2", copy=False).view(np.uint8).reshape(-1, 2).T
    ).tobytes()


def _unpack(packed: bytes, height: int, width: int) -> NDArray[np.int16]:
    planes = np.frombuffer(packed, dtype=np.uint8).reshape(2, -1)
    zigzag = np.ascontiguousarray(planes.T).view("<u2").reshape(2, height, width)
    delta = ((zigzag >> 1) ^ (np.uint16(0) - (zigzag & 1))).view(np.int16)
    delta[:, :, 0] = np.cumsum(delta[:, :, 0], axis=1, dtype=np.int16)
    return np.cumsum(delta, axis=2, dtype=np.int16)


def _decompress(blob: bytes, size_bytes: int) -> bytes:
    """The blob's bytes, once its header promises exactly as many as there should be."""
    try:
        promised = zstandard.get_frame_parameters(blob).content_size
        if promised != size_bytes:
            raise InputError(
                f"flow blob holds {promised} bytes; expected {size_bytes}", reason="damaged_flow"
            )
        return zstandard.ZstdDecompressor().decompress(blob, allow_extra_data=False)
    except zstandard.ZstdError as err:
        raise InputError(
            f"flow blob of {len(blob)} bytes does not decode: {err}", reason="damaged_flow"
        ) from err


def _halve(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the known values of each 2 x 2 block; an odd last row or column has half blocks."""
    edges = ((0, 0), (0, flow.shape[1] % 2), (0, flow.shape[2] % 2))
    even = np.pad(flow, edges, constant_values=np.nan)
    known = np.abs(even) <= UNKNOWN_ABOVE
    mean = _block_sum(np.where(known, even, np.float32(0)))
    count = _block_sum(known.astype(np.float32))
    mean /= np.maximum(count, 1)
    mean[count == 0] = np.nan
    return mean


def _block_sum(even: NDArray[np.float32]) -> NDArray[np.float32]:
    channels, height, width = even.shape
    blocks = even.reshape(channels, height // 2, 2, width // 2, 2)
    return (
        blocks[:, :, 0, :, 0]
        + blocks[:, :, 0, :, 1]
        + blocks[:, :, 1, :, 0]
        + blocks[:, :, 1, :, 1]
    )


def _double(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Bilinear between known vectors, half-pixel centres; unknown blocks stay unknown."""
    known = np.isfinite(values)
    if known.all():
        return _upsample(values)[:, :height, :width]
    weight = _upsample(known.astype(np.float32))
    total = _upsample(np.where(known, values, np.float32(0)))
    inside = known.repeat(2, axis=1).repeat(2, axis=2)
    full = np.where(inside, total / np.where(inside, weight, 1), np.float32(np.nan))
    return full[:, :height, :width]


def _upsample(values: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    size = (2 * values.shape[2], 2 * values.shape[1])
    return np.stack([cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in values])
