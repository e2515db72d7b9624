"""Still images: any mode, orientation and colour profile to one upright sRGB sample."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlops_assets.errors import InputError
from mlops_assets.media.events import DecodeReport, Sample, SamplingOptions
from mlops_assets.media.packets import check_pixels
from mlops_assets.media.pictures import Picture, encode_bgr, reduce_picture
from mlops_assets.media.quality import measure_quality

if TYPE_CHECKING:
    from PIL.Image import Image

# No format that runs another program (EPS) or that is a drawing (WMF). JPEG includes MPO.
IMAGE_FORMATS = (
    *("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "DIB", "PPM"),
    *("JPEG2000", "AVIF", "ICO", "TGA", "PCX", "SGI", "QOI"),
)
# What Pillow's decoders are known to raise on broken files.
_PILLOW_ERRORS = (
    *(OSError, ValueError, TypeError, SyntaxError, IndexError, KeyError, AttributeError),
    *(OverflowError, RuntimeError, EOFError, MemoryError, ZeroDivisionError),
    *(struct.error, zlib.error),
)
_DEFAULT_OPTIONS = SamplingOptions()


def decode_image(
    path: Path, *, options: SamplingOptions = _DEFAULT_OPTIONS
) -> Iterator[Sample | DecodeReport]:
    """Decode a still image (the first picture of an animated or paged one).

    The EXIF orientation is applied, an embedded colour profile is converted to sRGB, transparency
    is laid on white, 16 bits are scaled to 8, palettes and CMYK are converted. The rows a cut-off
    file still has are kept, and the share that is missing is reported.

    Args:
        path: the file; its extension is not looked at.
        options: only sizes, limits and JPEG quality matter here.

    Yields:
        One `Sample` at time 0 without successor, then the `DecodeReport`.

    Raises:
        InputError: `unreadable`, `too_many_pixels` (before decoding), or `nothing_decodes`.
    """
    loaded = _load(path, options)
    bgr = np.ascontiguousarray(np.asarray(loaded.picture, dtype=np.uint8)[..., ::-1])
    height, width = bgr.shape[:2]
    yield _sample(reduce_picture(bgr, options.max_side_px), options)
    yield DecodeReport(
        status="salvaged" if loaded.share_lost or "truncated" in loaded.reasons else "decoded",
        frames_decoded=1,
        frames_lost=0,
        frames_skipped=0,
        share_lost=loaded.share_lost,
        black_s=0.0,
        frozen_s=0.0,
        reasons=loaded.reasons,
        width_px=width,
        height_px=height,
        duration=Fraction(0),
        samples=1,
        shots=0,
    )


def _sample(bgr: Picture, options: SamplingOptions) -> Sample:
    height, width = bgr.shape[:2]
    return Sample(
        index=0,
        pts=0,
        time_base=Fraction(1),
        time=Fraction(0),
        jpeg=encode_bgr(bgr, quality=options.jpeg_quality),
        next_jpeg=None,
        next_gap=None,
        width_px=width,
        height_px=height,
        quality=measure_quality(bgr),
        is_keyframe=True,
        is_shot_start=True,
    )


@dataclass(frozen=True, slots=True)
class _LoadedImage:
    """An upright RGB image and what was wrong with its file."""

    picture: Image
    share_lost: float
    reasons: tuple[str, ...]


def _load(path: Path, options: SamplingOptions) -> _LoadedImage:
    try:
        file = path.open("rb")
    except OSError as err:
        raise InputError(f"{path.name} cannot be read: {err}", reason="unreadable") from err
    with file:
        try:
            with _open_quietly(file) as image:
                check_pixels(image.width * image.height, options)
                share_lost = _load_pixels(image)
                return _convert(image, share_lost)
        except _PILLOW_ERRORS as err:
            message = f"{path.name} is no image Pillow can read: {type(err).__name__}: {err}"
            raise InputError(message, reason="nothing_decodes") from err


def _open_quietly(file: object) -> Image:
    """Open by header. Our own bound on pixels is stricter than Pillow's warning."""
    import warnings

    from PIL import Image

    Image.init()  # plugins load on demand, and a format without its plugin would be a KeyError
    known = [name for name in IMAGE_FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(file, formats=known)  # pyright: ignore[reportArgumentType]
    except Image.DecompressionBombError as err:
        raise InputError(str(err), reason="too_many_pixels") from err


def _load_pixels(image: Image) -> float:
    """Decode in place; returns the share of rows a cut-off file lacks, 0 for an intact one."""
    try:
        image.load()
    except (OSError, EOFError, SyntaxError, ValueError, IndexError, struct.error, zlib.error):
        return _keep_decoded_rows(image)
    return 0.0


def _keep_decoded_rows(image: Image) -> float:
    """Accept the rows decoded so far.

    Pillow leaves them in the image and would start over on the next access; without tiles left
    it takes the image for loaded. (Its switch for this is global; this touches one image.)
    """
    from PIL.ImageFile import ImageFile

    if not isinstance(image, ImageFile) or getattr(image, "_im", None) is None:
        raise InputError("no row of the image decodes", reason="nothing_decodes")
    image.tile = []
    rows = np.asarray(image).reshape(image.height, -1)
    filled = np.flatnonzero((rows != rows[-1, :1]).any(axis=1))
    if not filled.size:
        raise InputError("no row of the image decodes", reason="nothing_decodes")
    return max(1 / image.height, 1 - (int(filled[-1]) + 1) / image.height)


def _convert(image: Image, share_lost: float) -> _LoadedImage:
    reasons = ["truncated"] if share_lost else []
    upright, is_tag_readable = _upright(image)
    if not is_tag_readable:
        reasons.append("orientation_unreadable")
    picture, is_profile_used = _to_srgb(_to_eight_bit(upright), image.info.get("icc_profile"))
    if not is_profile_used:
        reasons.append("colour_profile_unusable")
    return _LoadedImage(picture, share_lost, tuple(reasons))


def _upright(image: Image) -> tuple[Image, bool]:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image), True
    except _PILLOW_ERRORS:
        return image, False


def _to_eight_bit(image: Image) -> Image:
    """Modes of more than 8 bits to `L`; 16-bit full scale is 65535, a float one is 1 or 255."""
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    full_scale = 65535.0
    if image.mode == "F":
        full_scale = 1.0 if values.max() <= 1 else 255.0
    scaled = np.clip(values * (255.0 / full_scale), 0, 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _to_srgb(image: Image, profile: bytes | None) -> tuple[Image, bool]:
    """RGB in sRGB on white, and whether an embedded profile could be used."""
    opaque, alpha = _split_alpha(image)
    picture = _through_profile(opaque, profile) if profile else None
    is_profile_used = picture is not None or not profile
    picture = picture if picture is not None else opaque.convert("RGB")
    if alpha is not None:
        from PIL import Image

        white = Image.new("RGB", picture.size, (255, 255, 255))
        picture = Image.composite(picture, white, alpha)
    return picture, is_profile_used


def _split_alpha(image: Image) -> tuple[Image, Image | None]:
    if image.mode == "P":
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("1", "HSV", "YCbCr"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if not image.has_transparency_data:
        return image, None
    rgba = image.convert("RGBA")
    return rgba.convert("RGB"), rgba.getchannel("A")


def _through_profile(image: Image, profile: bytes) -> Image | None:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
