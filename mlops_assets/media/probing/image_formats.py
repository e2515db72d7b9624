"""The image formats that are read, and the one way to open an image."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mlops_assets.errors import InputError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

IMAGE_MIMES: Mapping[str, str] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "DIB": "image/bmp",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
    "JPEG2000": "image/jp2",
    "PPM": "image/x-portable-anymap",
    "ICO": "image/x-icon",
    "TGA": "image/x-tga",
    "PCX": "image/x-pcx",
    "SGI": "image/sgi",
    "QOI": "image/qoi",
}
"""Pillow's names of the formats taken, with their media types; every other decoder stays shut. No
format that runs another program (EPS) or is a drawing (WMF). MPO, a JPEG with pictures behind it,
comes by way of JPEG; HEIF by pi-heif."""
READABLE_MIMES = frozenset((*IMAGE_MIMES.values(), "image/heif"))

PILLOW_ERRORS = (
    *(OSError, SyntaxError, ValueError, KeyError, IndexError, TypeError, EOFError),
    *(AttributeError, AssertionError, OverflowError, ZeroDivisionError, RuntimeError),
    *(struct.error, zlib.error),
)
"""What Pillow's decoders are known to raise on broken files."""

_NOT_READ = ("nsupported", "not supported", "unknown pixel mode", "not implemented")


def open_image(file: IO[bytes] | Path) -> ImageFile:
    """Open an image by its header; no pixel is decoded.

    Raises:
        InputError: `too_many_pixels` (above Pillow's own bound), `unsupported_format` (a variant
            that its decoder does not know), `unreadable`.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(file, formats=_known_formats())
    except Image.DecompressionBombError as err:
        raise InputError(_claim(err), reason="too_many_pixels") from err
    except PILLOW_ERRORS as err:
        said = str(err)
        if any(words in said for words in _NOT_READ):
            raise InputError(said[:200], reason="unsupported_format") from err
        raise InputError(
            f"the image header cannot be read ({type(err).__name__})", reason="unreadable"
        ) from err


def _claim(err: Exception) -> str:
    said = str(err).partition(",")[0].replace("Image size", "the header says")
    return said.replace("(", "").replace(")", "").replace("exceeds limit of", "; the limit is")


@lru_cache(maxsize=1)
def _known_formats() -> tuple[str, ...]:
    """What this Pillow was built with: a format without its plugin would be a KeyError."""
    from pi_heif import register_heif_opener
    from PIL import Image

    register_heif_opener(thumbnails=False)
    Image.init()
    return tuple(name for name in IMAGE_MIMES if name in Image.OPEN)
