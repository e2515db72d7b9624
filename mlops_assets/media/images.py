"""Still images: any mode, orientation and colour profile to one upright sRGB sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError
from mlops_assets.media.events import DecodeReport, PictureQuality, Sample, SamplingOptions
from mlops_assets.media.intactness import is_damaged_inside
from mlops_assets.media.looks import LookRecorder
from mlops_assets.media.packets import check_pixels
from mlops_assets.media.pictures import Picture, encode_bgr, reduce_picture
from mlops_assets.media.probing.image_formats import PILLOW_ERRORS, open_image
from mlops_assets.media.quality import measure_quality, reduced_luma

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_DEFAULT_OPTIONS = SamplingOptions()
_END_MARK, _TABLE_MARK = b"\xff\xd9", b"\xff\xc4"
_IS_DAMAGED = frozenset({"truncated", "damaged_inside"})


def decode_image(
    path: Path,
    *,
    options: SamplingOptions = _DEFAULT_OPTIONS,
    redact: Callable[[Picture], Picture] | None = None,
) -> Iterator[Sample | DecodeReport]:
    """Decode a still image (the first picture of an animated or paged one).

    The EXIF orientation is applied, an embedded colour profile is converted to sRGB, transparency
    is laid on white, 16 bits are scaled to 8, palettes and CMYK are converted. The rows a cut-off
    file still has are kept, and the share that is missing is reported.

    Args:
        path: the file; its extension is not looked at.
        options: only sizes, limits and JPEG quality matter here.
        redact: from the full-size upright BGR picture to what is kept of it, a new one of the same
            shape that is then reduced and encoded; quality and looks are of the picture before.

    Yields:
        One `Sample` at time 0 without successor, then the `DecodeReport`.

    Raises:
        InputError: `unreadable`, `too_many_pixels` (before decoding), or `nothing_decodes`.
    """
    loaded = _load(path, options)
    bgr = np.ascontiguousarray(np.asarray(loaded.picture, dtype=np.uint8)[..., ::-1])
    height, width = bgr.shape[:2]
    recorder = LookRecorder()
    recorder.offer(reduced_luma(bgr), Fraction(0))
    seen = reduce_picture(bgr, options.max_side_px)
    shown = seen if redact is None else reduce_picture(redact(bgr), options.max_side_px)
    yield _sample(shown, measure_quality(seen), options)
    yield DecodeReport(
        status="salvaged" if loaded.share_lost or _IS_DAMAGED & {*loaded.reasons} else "decoded",
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
        looks=recorder.looks(),
    )


def _sample(bgr: Picture, quality: PictureQuality, options: SamplingOptions) -> Sample:
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
        quality=quality,
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
            with open_image(file) as image, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check_pixels(image.width * image.height, options)
                image_format = image.format
                picture, share_lost = _load_pixels(image, path)
                is_damaged = is_damaged_inside(path, image_format)
                return _convert(picture, share_lost, is_damaged=is_damaged)
        except PILLOW_ERRORS as err:
            message = f"{path.name} is no image Pillow can read: {type(err).__name__}: {err}"
            raise InputError(message, reason="nothing_decodes") from err


def _load_pixels(image: ImageFile, path: Path) -> tuple[Image, float]:
    """Decode; the picture and the share of its rows that a damaged file lacks, 0 for a whole one.

    Pillow gives up on a JPEG without its end, and leaves the rows before the damage of others in
    the image; what is missing of a JPEG is a flat colour once its end is put there.
    """
    is_upside_down = _fills_upwards(image)
    in_passes = image.format == "GIF" or bool(image.info.get("interlace"))
    try:
        image.load()
    except PILLOW_ERRORS as err:
        if image.format in ("JPEG", "MPO") and (ended := _with_its_end(path)) is not None:
            return ended, _share_flat(np.asarray(ended))
        if getattr(image, "_im", None) is None:
            raise InputError("no row of the image decodes", reason="nothing_decodes") from err
        # Without tiles left Pillow takes the image for loaded, and does not start over.
        image.tile = []
        rows = np.asarray(image)
        filled = rows[::-1] if is_upside_down else rows
        by_channel = image.format == "SGI"
        return image, _share_blank(filled, by_channel=by_channel, in_passes=in_passes)
    return image, 0.0


def _fills_upwards(image: ImageFile) -> bool:
    """Whether the rows of the file begin at the bottom (BMP, Targa)."""
    args = image.tile[0].args if image.tile else ()
    return isinstance(args, tuple) and bool(args) and args[-1] == -1


def _with_its_end(path: Path) -> Image | None:
    """A cut-off JPEG with the mark of its end, decoded; None where that was not what it lacks.

    The mark goes to the very end, or before the last table, which may itself be cut off.
    """
    stored = path.read_bytes()
    for end in (len(stored), max(stored.rfind(_TABLE_MARK), 0)):
        try:
            image = open_image(BytesIO(stored[:end] + _END_MARK))
            image.load()
        except (InputError, *PILLOW_ERRORS):
            continue
        return image
    return None


def _share_flat(pixels: NDArray[np.generic]) -> float:
    """Share of the rows at the end of a JPEG that repeat each other, at least one.

    Raises:
        InputError: every row does (`nothing_decodes`).
    """
    alike = (pixels == pixels[-1:]).reshape(len(pixels), -1).all(axis=1)
    if alike.all():
        raise InputError("no row of the image decodes", reason="nothing_decodes")
    return max(1 / len(pixels), _trailing(alike) / len(pixels))


def _share_blank(pixels: NDArray[np.generic], *, by_channel: bool, in_passes: bool) -> float:
    """Share of the rows that were never filled, at least one.

    Args:
        pixels: (H, W) or (H, W, C), filled from the top.
        by_channel: each channel lies apart in the file, so that each has its own end.
        in_passes: rows come interlaced, so that blank ones may lie anywhere.

    Raises:
        InputError: every row is black (`nothing_decodes`).
    """
    planes = pixels.reshape(*pixels.shape[:2], -1)
    fill = planes[-1, -1]
    blank = (planes == fill).all(axis=1)
    blank = blank if by_channel else blank.all(axis=1, keepdims=True)
    if blank.all():
        if not fill.any():
            raise InputError("no row of the image decodes", reason="nothing_decodes")
        return 1 / len(pixels)  # a picture of one colour
    counts = [int(plane.sum()) if in_passes else _trailing(plane) for plane in blank.T]
    return max(1 / len(pixels), sum(counts) / (len(counts) * len(pixels)))


def _trailing(marks: NDArray[np.bool_]) -> int:
    """How many at the end are set."""
    unset = np.flatnonzero(~marks)
    return len(marks) - (int(unset[-1]) + 1 if unset.size else 0)


def _convert(image: Image, share_lost: float, *, is_damaged: bool) -> _LoadedImage:
    reasons = ["damaged_inside"] if is_damaged else ["truncated"] if share_lost else []
    upright, is_tag_readable = _upright(image)
    if not is_tag_readable:
        reasons.append("orientation_unreadable")
    profile = image.info.get("icc_profile") if image.mode != "LAB" else None
    picture, is_profile_used = _to_srgb(_to_eight_bit(upright), profile)
    if not is_profile_used:
        reasons.append("colour_profile_unusable")
    return _LoadedImage(picture, share_lost, tuple(reasons))


def _upright(image: Image) -> tuple[Image, bool]:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image), True
    except PILLOW_ERRORS:
        return image, False


def _to_eight_bit(image: Image) -> Image:
    """Modes of more than 8 bits to `L`; 16-bit full scale is 65535, a float one is 1 or 255."""
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image
    if image.mode.startswith("I;16"):
        return Image.fromarray(_reduced(np.asarray(image)))
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    full_scale = 65535.0
    if image.mode == "F":
        full_scale = 1.0 if values.max() <= 1 else 255.0
    scaled = np.clip(values * (255.0 / full_scale), 0, 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _reduced(values: NDArray[np.uint16]) -> Picture:
    """16 bits to 8 without a copy in floating point: such a picture may fill the memory."""
    import cv2

    native = values.astype(np.uint16, copy=False)
    return np.asarray(cv2.convertScaleAbs(native, alpha=255 / 65535), dtype=np.uint8)


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
    if image.mode == "LAB":
        image = _from_lab(image)
    if image.mode == "P":
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("1", "HSV", "YCbCr"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if not image.has_transparency_data:
        return image, None
    rgba = image.convert("RGBA")
    return rgba.convert("RGB"), rgba.getchannel("A")


def _from_lab(image: Image) -> Image:
    """CIELAB, which has no transparency and no profile, to sRGB."""
    from PIL import ImageCms

    lab, target = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, target, outputMode="RGB")
    return converted if converted is not None else image


def _through_profile(image: Image, profile: bytes) -> Image | None:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
