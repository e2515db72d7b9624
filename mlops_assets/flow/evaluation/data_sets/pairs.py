"""A pair's files as arrays: pictures of any mode, truth with what is unknown left out, masks."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.evaluation.data_sets.layouts import PairFiles
from mlops_assets.flow.fields import check_size, known_vectors
from mlops_assets.flow.formats.files import read_bounded, read_flow_file

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = ("PNG", "PPM", "JPEG", "TIFF", "BMP", "WEBP")
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    struct.error,
    zlib.error,
)
_DEEP_GRAY = ("I", "F")  # Pillow's modes of more than 8 bits all begin so


@dataclass(frozen=True, eq=False)
class TruePair:
    """Two pictures and what is known of the motion between them.

    Attributes:
        frames: uint8 (2, H, W) gray or (2, H, W, 3) sRGB.
        truth: float32 (2, H, W), pixels; NaN where unknown or not to be judged.
        occluded: bool (H, W), what the second picture does not show; None when nobody says.
    """

    frames: NDArray[np.uint8]
    truth: NDArray[np.float32]
    occluded: NDArray[np.bool_] | None = None


def read_pair(files: PairFiles) -> TruePair:
    """Read one pair.

    Two colour pictures stay in colour, otherwise both become gray; 16 bits are scaled to 8, alpha
    is dropped, orientation tags are ignored: the truth is about the pixels as they are stored.

    Args:
        files: where it lies.

    Returns:
        The pair. Unknown truth is what the data set calls so: components above 1e9 in .flo, the
        valid channel of KITTI, Sintel's `invalid` masks.

    Raises:
        InputError: `no_second`, `no_truth`: a file is missing; `no_known_truth`: all of it is
            unknown; `unreadable`, `too_large`, `damaged_picture`, `damaged_flo`, `damaged_kitti`.
        ShapeError: pictures, truth and masks differ in size.
    """
    if files.second is None:
        raise InputError(f"{files.first.name} has no second picture", reason="no_second")
    if files.truth is None:
        raise InputError(f"no true flow; expected {files.expected_truth}", reason="no_truth")
    first, second = read_picture(files.first), read_picture(files.second)
    truth = read_flow_file(files.truth)
    _check_alike(files.second, second.shape[:2], first.shape[:2])
    _check_alike(files.truth, truth.shape[1:], first.shape[:2])
    if files.invalid is not None:
        truth[:, _read_mask(files.invalid, truth.shape[1:])] = np.nan
    if not known_vectors(truth).any():
        raise InputError(f"all flow in {files.truth.name} is unknown", reason="no_known_truth")
    return TruePair(_stacked(first, second), truth, _read_occluded(files, truth))


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture of any mode as 8 bits.

    Args:
        path: a PNG, PPM, JPEG, TIFF, BMP or WebP file.

    Returns:
        (H, W) when it is gray, (H, W, 3) sRGB when it has colours or a palette.

    Raises:
        InputError: `unreadable`, `damaged_picture`.
        ShapeError: `too_large`.
    """
    from PIL import Image, UnidentifiedImageError

    data = read_bounded(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no reason to refuse pixels
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                check_size(picture.height, picture.width)
                return _eight_bits(picture)
    except UnidentifiedImageError as err:
        raise InputError(
            f"{path.name} ({len(data)} bytes) is no picture; expected one of {', '.join(_FORMATS)}",
            reason="damaged_picture",
        ) from err
    except (*_DAMAGED, Image.DecompressionBombError) as err:
        raise InputError(f"{path.name} does not decode: {err}", reason="damaged_picture") from err


def _eight_bits(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode.startswith(_DEEP_GRAY):
        levels = np.asarray(picture).astype(np.float64)
        scale = 257 if levels.max(initial=0) > 255 else 1  # 16 bits, however Pillow calls them
        return np.clip(np.rint(levels / scale), 0, 255).astype(np.uint8)
    is_gray = picture.mode in ("1", "L", "LA", "La")
    return np.array(picture.convert("L" if is_gray else "RGB"), dtype=np.uint8)


def _stacked(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if first.ndim == second.ndim:
        return np.stack([first, second])
    return np.stack([_luma(first), _luma(second)])


def _luma(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    if picture.ndim == 2:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _read_occluded(files: PairFiles, truth: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    size = truth.shape[1:]
    if files.occluded is not None:
        return _read_mask(files.occluded, size)
    if files.visible_truth is None:
        return None
    visible = read_flow_file(files.visible_truth)
    _check_alike(files.visible_truth, visible.shape[1:], size)
    return known_vectors(truth) & ~known_vectors(visible)


def _read_mask(path: Path, size: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = _luma(read_picture(path)) > 0
    _check_alike(path, mask.shape, size)
    return mask


def _check_alike(path: Path, size: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if size != expected:
        raise ShapeError(
            f"{path.name} is {size[1]} x {size[0]} px; expected {expected[1]} x {expected[0]}, the "
            "size of the first picture",
            reason="sizes_differ",
        )
