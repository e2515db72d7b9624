"""Still images, told from their headers; Pillow opens them and never loads a pixel."""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import InputError
from mlops_assets.media.probing.image_formats import (
    IMAGE_MIMES,
    PILLOW_ERRORS,
    READABLE_MIMES,
    open_image,
)
from mlops_assets.media.probing.pages import count_tiff_pages, measure_gif
from mlops_assets.media.probing.probed import (
    Probe,
    ProbeFlag,
    ProbeLimits,
    check_pages,
    check_pixels,
)
from mlops_assets.media.probing.tags import device_name, exif_place, exif_time
from mlops_assets.media.probing.texts import bounded_texts, png_texts

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_BIT_DEPTHS = {"1": 1, "I": 32, "F": 32, "I;16": 16, "I;16L": 16, "I;16B": 16}
_ORIENTATIONS = {
    1: (0, False),
    2: (0, True),
    3: (180, False),
    4: (180, True),
    5: (270, True),
    6: (90, False),
    7: (90, True),
    8: (270, False),
}
_MOTION_MARKS = (b'MotionPhoto="1"', b'MicroVideo="1"', b"MotionPhoto>1<", b"MicroVideo>1<")
_MAKE, _MODEL, _ORIENTATION, _EXIF, _GPS = 271, 272, 274, 34665, 34853
_TIME_FIELDS = ((36867, 36881, 37521), (36868, 36882, 37522))
"""(time, offset, subseconds): when it was taken, else when it was digitised."""


def probe_image(path: Path, *, mime: str, limits: ProbeLimits) -> Probe:
    """Read what an image's headers say.

    Args:
        path: a file that is there.
        mime: what the sniffer said; empty if it was not asked.
        limits: bounds.

    Returns:
        What was found. Damaged EXIF counts as absent.

    Raises:
        InputError: `unsupported_format`, `unreadable`, `too_many_pixels`, `too_many_pages`.
    """
    if mime and mime not in READABLE_MIMES:
        raise InputError(
            f"{mime} is not read; JPEG, PNG, WebP, HEIC and others are",
            reason="unsupported_format",
        )
    if mime == "image/gif":
        return _probe_gif(path, limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open_image(path) as image:
            return _describe(image, path, limits)


def _probe_gif(path: Path, limits: ProbeLimits) -> Probe:
    size = measure_gif(path, at_most=limits.max_pages)
    check_pixels(size.width_px, size.height_px, limits)
    check_pages(size.frame_count, limits)
    if size.frame_count == 0:
        raise InputError("the GIF has no frame before it ends", reason="unreadable")
    return Probe(
        kind="image",
        mime="image/gif",
        container="GIF",
        pixel_format="P",
        bit_depth=8,
        width_px=size.width_px,
        height_px=size.height_px,
        page_count=size.frame_count,
        flags=("animated",) if size.frame_count > 1 else (),
    )


def _describe(image: ImageFile, path: Path, limits: ProbeLimits) -> Probe:
    container = "JPEG" if image.format in (None, "MPO") else image.format
    _check_camera_raw(image, path)
    width_px, height_px = _stored_size(image)
    check_pixels(width_px, height_px, limits)
    page_count = _page_count(image, path, limits)
    check_pages(page_count, limits)
    root, camera, gps = _read_exif(image)
    rotation_deg, is_mirrored = _ORIENTATIONS.get(_whole(root.get(_ORIENTATION)), (0, False))
    taken = [(t, names) for names in _TIME_FIELDS if (t := _exif_time(camera, names))]
    captured_at = taken[0][0] if taken else None
    return Probe(
        kind="image",
        mime=IMAGE_MIMES[container],
        container=container,
        pixel_format=image.mode,
        bit_depth=_bit_depth(image),
        width_px=width_px,
        height_px=height_px,
        rotation_deg=rotation_deg,
        is_mirrored=is_mirrored,
        page_count=page_count,
        captured_at=captured_at,
        has_zone=bool(taken and camera.get(taken[0][1][1])),
        captured_at_from="exif" if captured_at else None,
        device=device_name(root.get(_MAKE), root.get(_MODEL)),
        gps=exif_place(gps),
        flags=_flags(image, path, page_count),
        texts=bounded_texts([root, camera, dict(image.info), *png_texts(path, image.format)]),
    )


def _check_camera_raw(image: ImageFile, path: Path) -> None:
    """Refuse a camera's raw file: what a TIFF reader sees of it is a preview."""
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    is_preview = bool(_whole(tags.get(254)) & 1) and 330 in tags
    with path.open("rb") as file:
        is_canon = file.read(10)[8:] == b"CR"
    if is_preview or is_canon:
        raise InputError("a camera's raw file is not developed here", reason="unsupported_format")


def _flags(image: ImageFile, path: Path, page_count: int) -> tuple[ProbeFlag, ...]:
    flags: list[ProbeFlag] = []
    if page_count > 1:
        flags.append("many_pages" if image.format in ("TIFF", "HEIF", "ICO") else "animated")
    if image.format in ("JPEG", "MPO", "HEIF") and _hides_clip(image, path):
        flags.append("motion_photo")
    return tuple(flags)


def _hides_clip(image: ImageFile, path: Path) -> bool:
    """Whether a clip lies behind a photo: Google's and Samsung's ways to say so."""
    described = image.info.get("xmp", b"")
    if isinstance(described, bytes) and any(mark in described for mark in _MOTION_MARKS):
        return True
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data[-4:] == b"SEFT" and data.rfind(b"MotionPhoto_Data") >= 0


def _stored_size(image: ImageFile) -> tuple[int, int]:
    """Width and height as stored: Pillow swaps those of a turned TIFF."""
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    width_px, height_px = tags.get(256), tags.get(257)
    if isinstance(width_px, int) and isinstance(height_px, int):
        return width_px, height_px
    return image.size


def _page_count(image: ImageFile, path: Path, limits: ProbeLimits) -> int:
    if image.format == "TIFF":
        return max(1, count_tiff_pages(path, at_most=limits.max_pages))
    return 1 if image.format == "MPO" else max(1, getattr(image, "n_frames", 1))


def _bit_depth(image: ImageFile) -> int:
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    bits = tags.get(258)
    if isinstance(bits, tuple) and bits and isinstance(bits[0], int):
        return bits[0]
    if image.format == "PNG" and ";16" in str(image.tile):
        return 16
    return _BIT_DEPTHS.get(image.mode, 8)


def _read_exif(image: ImageFile) -> tuple[Mapping[int, Any], Mapping[int, Any], Mapping[int, Any]]:
    """Root, camera and GPS directories of the EXIF; empty where absent or damaged."""
    from PIL import Image as pillow  # noqa: N813 - the module, beside its class of the same name

    try:
        # Not image.getexif(): a PNG whose header has no EXIF would be decoded for one.
        exif = pillow.Image.getexif(image)
        return dict(exif), dict(exif.get_ifd(_EXIF)), dict(exif.get_ifd(_GPS))
    except PILLOW_ERRORS:
        return {}, {}, {}


def _exif_time(camera: Mapping[int, Any], names: tuple[int, int, int]) -> Any:
    time, offset, subseconds = (camera.get(name) for name in names)
    return exif_time(time, offset, subseconds)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
