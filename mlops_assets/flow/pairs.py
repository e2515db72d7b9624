"""From stored JPEG pairs to gray arrays at one working size."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.fields import check_size

_ROUNDING_PX = 2


def working_size(height: int, width: int, *, max_side_px: int) -> tuple[int, int]:
    """The size to measure motion at: the same shape, its longer side at most `max_side_px`.

    Args:
        height: pixels, >= 1.
        width: pixels, >= 1.
        max_side_px: the longest side wanted, >= 1.

    Returns:
        (height, width), never larger than given, each >= 1.

    Raises:
        ShapeError: a number is below 1.
    """
    if min(height, width, max_side_px) < 1:
        raise ShapeError(f"size {height} x {width}, limit {max_side_px}; expected numbers >= 1")
    longer = max(height, width)
    if longer <= max_side_px:
        return height, width

    def reduced(side: int) -> int:
        return max(1, (2 * side * max_side_px + longer) // (2 * longer))

    return reduced(height), reduced(width)


def gray_pair(first_jpeg: bytes, next_jpeg: bytes, *, max_side_px: int = 640) -> NDArray[np.uint8]:
    """A stored picture and its successor, decoded to gray at one size.

    The successor may have been stored smaller than the picture: the larger of the two is reduced
    to exactly the size of the smaller (area averaging), and both to `max_side_px`.

    Args:
        first_jpeg: JPEG, upright.
        next_jpeg: JPEG of the same view a moment later.
        max_side_px: the longest side to work at.

    Returns:
        (2, H, W), luma.

    Raises:
        InputError: `damaged_jpeg` when a picture does not decode in full; `pair_shapes_differ` when
            the two are not the same view at two scales; `too_large`.
    """
    first, second = decode_jpeg(first_jpeg, mode="L"), decode_jpeg(next_jpeg, mode="L")
    smaller, larger = sorted((first.shape, second.shape), key=lambda shape: shape[0] * shape[1])
    if abs(larger[0] * smaller[1] / larger[1] - smaller[0]) > _ROUNDING_PX:
        raise ShapeError(
            f"pair is {first.shape} and {second.shape} pixels; expected the same proportions",
            reason="pair_shapes_differ",
        )
    size = working_size(*smaller, max_side_px=max_side_px)
    return np.stack([_reduce(first, size), _reduce(second, size)])


def gray_pairs(
    first_jpegs: Sequence[bytes], next_jpegs: Sequence[bytes], *, max_side_px: int = 640
) -> list[NDArray[np.uint8]]:
    """`gray_pair` of each pair, in order; the first bad pair raises.

    A loop that must go on after a bad item calls `gray_pair` itself.

    Args:
        first_jpegs: one per pair. May be empty.
        next_jpegs: one per pair.
        max_side_px: the longest side to work at.

    Returns:
        One (2, H, W) per pair; sizes may differ between pairs.

    Raises:
        ShapeError: the two sequences differ in length.
        InputError: as `gray_pair`.
    """
    if len(first_jpegs) != len(next_jpegs):
        raise ShapeError(
            f"{len(first_jpegs)} first and {len(next_jpegs)} next pictures; expected equal numbers"
        )
    return [
        gray_pair(first, second, max_side_px=max_side_px)
        for first, second in zip(first_jpegs, next_jpegs, strict=True)
    ]


def group_by_size(
    pairs: Sequence[NDArray[np.uint8]],
) -> list[tuple[list[int], NDArray[np.uint8]]]:
    """Stack pairs of equal size, so that each stack is one `dense_flow` call.

    Args:
        pairs: (2, H, W) each, of any sizes. May be empty.

    Returns:
        (indices into `pairs`, their stack (B, 2, H, W)) per size, in order of first appearance.
    """
    indices_by_shape: dict[tuple[int, ...], list[int]] = {}
    for index, pair in enumerate(pairs):
        indices_by_shape.setdefault(pair.shape, []).append(index)
    return [
        (indices, np.stack([pairs[index] for index in indices]))
        for indices in indices_by_shape.values()
    ]


def decode_jpeg(data: bytes, *, mode: Literal["L", "RGB"]) -> NDArray[np.uint8]:
    """Pixels of a JPEG; a picture cut short is refused, not filled with gray.

    Args:
        data: a whole JPEG file. Orientation tags are ignored: stored pictures are upright.
        mode: `L` for luma, `RGB` for sRGB.

    Returns:
        (H, W) for `L`, (H, W, 3) for `RGB`.

    Raises:
        InputError: `damaged_jpeg`.
        ShapeError: `too_large`.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    damaged = OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no reason to refuse pixels
            picture = JpegImageFile(io.BytesIO(data))
            check_size(picture.height, picture.width)
            picture.draft(mode, picture.size)
            return np.array(picture.convert(mode), dtype=np.uint8)
    except damaged as err:
        raise InputError(
            f"JPEG of {len(data)} bytes does not decode: {err}", reason="damaged_jpeg"
        ) from err


def _reduce(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    import cv2

    if picture.shape == size:
        return picture
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
