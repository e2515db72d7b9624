"""Pictures as arrays and as JPEG: from frames, encoded, decoded, reduced, laid out on a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.media.probing.boxes import upright

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter

Picture = NDArray[np.uint8]

THUMBNAIL_WIDTH_PX = 64

_CAPTION_PX = 16
_SHEET_MAX_TILES = 10_000


def reduced_size(width_px: int, height_px: int, max_side_px: int | None) -> tuple[int, int]:
    """Size with the longest side at most `max_side_px` and the same aspect.

    Args:
        width_px: width, >= 1.
        height_px: height, >= 1.
        max_side_px: bound on the longest side, or `None` for no bound.

    Returns:
        (width, height), each at least 1; unchanged when already small enough, never enlarged.
    """
    longest = max(width_px, height_px)
    if max_side_px is None or longest <= max_side_px:
        return width_px, height_px
    # whole numbers: the same everywhere, halves go up
    scaled = [(2 * side * max_side_px + longest) // (2 * longest) for side in (width_px, height_px)]
    return max(1, scaled[0]), max(1, scaled[1])


def reduce_picture(picture: Picture, max_side_px: int | None) -> Picture:
    """Reduce a picture by area averaging; the one filter used wherever pictures are compared.

    Args:
        picture: (H, W) or (H, W, C), uint8.
        max_side_px: bound on the longest side, or `None` for no bound.

    Returns:
        The same array when it is small enough, otherwise a new one of `reduced_size`.
    """
    import cv2

    height, width = picture.shape[:2]
    size = reduced_size(width, height, max_side_px)
    if size == (width, height):
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encode_bgr(bgr: Picture, *, quality: int) -> bytes:
    """JPEG of a (H, W, 3) uint8 picture in OpenCV's channel order; see `encode_jpeg`."""
    import cv2

    try:
        done, buffer = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as err:
        raise ShapeError(f"a picture of shape {bgr.shape} cannot be a JPEG") from err
    if not done:
        raise ShapeError(f"a picture of shape {bgr.shape} cannot be a JPEG")
    return buffer.tobytes()


def encode_jpeg(rgb: Picture, quality: int = 90) -> bytes:
    """Encode a picture as baseline JPEG with 4:2:0 chroma.

    Args:
        rgb: (H, W, 3), uint8, sRGB, sides 1 to 65500.
        quality: 1 to 100, in libjpeg's scale.

    Returns:
        The bytes of the file, without metadata.

    Raises:
        ShapeError: not a (H, W, 3) uint8 array, or empty, or too large for JPEG.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise ShapeError(f"picture is {rgb.shape} {rgb.dtype}; expected (H, W, 3) uint8, not empty")
    return encode_bgr(np.ascontiguousarray(rgb[..., ::-1]), quality=quality)


def decode_jpeg(jpeg: bytes, *, max_side_px: int | None = None) -> Picture:
    """Decode a stored picture.

    Args:
        jpeg: bytes written by this room (upright, so orientation tags are ignored).
        max_side_px: reduce to this longest side, exactly as successors are reduced.

    Returns:
        (H, W, 3), uint8, RGB.

    Raises:
        InputError: the bytes do not decode (`nothing_decodes`).
    """
    return np.ascontiguousarray(decode_bgr(jpeg, max_side_px=max_side_px)[..., ::-1])


def decode_bgr(jpeg: bytes, *, max_side_px: int | None = None) -> Picture:
    """A stored picture as (H, W, 3), uint8, in OpenCV's channel order; see `decode_jpeg`."""
    import cv2

    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags) if jpeg else None
    except cv2.error as err:
        raise InputError(f"{len(jpeg)} bytes: {err}", reason="nothing_decodes") from err
    if bgr is None:
        raise InputError(f"{len(jpeg)} bytes are no JPEG picture", reason="nothing_decodes")
    return reduce_picture(np.asarray(bgr, dtype=np.uint8), max_side_px)


def jpeg_to_png(jpeg: bytes) -> bytes:
    """A stored picture as PNG, with the pixels that the JPEG decodes to.

    Raises:
        InputError: the bytes do not decode (`nothing_decodes`).
    """
    import cv2

    return cv2.imencode(".png", decode_bgr(jpeg))[1].tobytes()


def contact_sheet(
    jpegs: Sequence[bytes],
    *,
    columns: int = 6,
    tile_px: int = 160,
    captions: Sequence[str] | None = None,
) -> bytes:
    """Lay small versions of pictures out in rows, for people to look at.

    Args:
        jpegs: the pictures, at most 10000, in reading order.
        columns: tiles in a row, >= 1.
        tile_px: side of the square each picture is fitted into, 16 to 1024.
        captions: lines under each picture, parted by a line feed and cut at the tile's edge;
            characters outside ASCII show as `?`.

    Returns:
        JPEG bytes; the last row is filled up with white.

    Raises:
        InputError: no pictures, too many, or one of them does not decode.
        ShapeError: there are not as many captions as pictures.
    """
    if not 1 <= len(jpegs) <= _SHEET_MAX_TILES:
        message = f"{len(jpegs)} pictures; a sheet takes 1 to {_SHEET_MAX_TILES}"
        raise InputError(message, reason="no_pictures" if not jpegs else "too_many_pictures")
    if captions is not None and len(captions) != len(jpegs):
        raise ShapeError(f"{len(captions)} captions for {len(jpegs)} pictures")
    side = min(max(tile_px, 16), 1024)
    lines = [text.split("\n") for text in captions] if captions is not None else [[]] * len(jpegs)
    height = side + _CAPTION_PX * max(map(len, lines))
    tiles = [_tile(jpeg, told, (side, height)) for jpeg, told in zip(jpegs, lines, strict=True)]
    return encode_jpeg(_grid(tiles, columns=min(max(columns, 1), len(tiles))), quality=85)


def _tile(jpeg: bytes, lines: Sequence[str], size: tuple[int, int]) -> Picture:
    side, whole = size
    picture = decode_jpeg(jpeg, max_side_px=side)
    height, width = picture.shape[:2]
    tile = np.full((whole, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    tile[top : top + height, left : left + width] = picture
    for number, line in enumerate(lines, start=1):
        tile = _with_line(tile, line, (2, side + number * _CAPTION_PX - 5))
    return tile


def _with_line(tile: Picture, text: str, at: tuple[int, int]) -> Picture:
    import cv2

    cut = text[: tile.shape[1] // 6]
    line = "".join(letter if " " <= letter <= "~" else "?" for letter in cut)
    font = cv2.FONT_HERSHEY_SIMPLEX
    written = cv2.putText(tile, line, at, font, 0.35, (0, 0, 0), 1, cv2.LINE_AA)
    return np.asarray(written, dtype=np.uint8)


def _grid(tiles: list[Picture], *, columns: int) -> Picture:
    blank = np.full_like(tiles[0], 255)
    filled = tiles + [blank] * (-len(tiles) % columns)
    rows = [np.hstack(filled[at : at + columns]) for at in range(0, len(filled), columns)]
    return np.vstack(rows)


@dataclass(slots=True)
class FrameConverter:
    """Turns decoded frames into arrays, reusing swscale's tables."""

    _thumbnails: VideoReformatter | None = None
    _pictures: VideoReformatter | None = None
    _thumbnail_height_px: int = 0

    def thumbnail(self, frame: VideoFrame) -> Picture:
        """The frame 64 px wide, as coded (not turned): (h, 64, 3) uint8 BGR, h fixed by the first.

        Raises:
            InputError: swscale does not know the pixel format (`unsupported_pixels`).
        """
        if self._thumbnails is None:
            self._thumbnails = _reformatter()
            height = round(THUMBNAIL_WIDTH_PX * frame.height / frame.width)
            self._thumbnail_height_px = min(max(height, 8), 4 * THUMBNAIL_WIDTH_PX)
        size = (THUMBNAIL_WIDTH_PX, self._thumbnail_height_px)
        return _convert(self._thumbnails, frame, size)

    def picture(self, frame: VideoFrame) -> Picture:
        """The whole frame, upright: (H, W, 3) uint8 BGR.

        Raises:
            InputError: swscale does not know the pixel format (`unsupported_pixels`).
        """
        if self._pictures is None:
            self._pictures = _reformatter()
        return turned_upright(_convert(self._pictures, frame, (frame.width, frame.height)), frame)


def turned_upright(picture: Picture, frame: VideoFrame) -> Picture:
    """A picture of a frame as it is coded, mirrored and turned as its display matrix says."""
    rotation_deg, is_mirrored = _turn(frame)
    if is_mirrored:
        picture = picture[:, ::-1]
    if rotation_deg:
        picture = np.rot90(picture, -rotation_deg // 90)
    return np.ascontiguousarray(picture)


def _turn(frame: VideoFrame) -> tuple[int, bool]:
    """What makes a frame upright: mirrored left to right first, then degrees clockwise."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    numbers = np.frombuffer(bytes(matrix), np.int32)
    return upright(*(int(numbers[place]) for place in (0, 1, 3, 4)))


def _reformatter() -> VideoReformatter:
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()


def _convert(reformatter: VideoReformatter, frame: VideoFrame, size: tuple[int, int]) -> Picture:
    from av.error import FFmpegError

    try:
        converted = reformatter.reformat(
            frame, *size, format="bgr24", interpolation="FAST_BILINEAR", threads=1
        )
        return np.asarray(converted.to_ndarray(), dtype=np.uint8)
    except (FFmpegError, ValueError) as err:
        message = f"pixels of format {frame.format.name} cannot be converted: {err}"
        raise InputError(message, reason="unsupported_pixels") from err
