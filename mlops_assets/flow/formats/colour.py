"""Flow as people see it: the Middlebury colour wheel, and sheets of picture beside flow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.fields import float32_field, known_vectors
from mlops_assets.flow.pairs import decode_jpeg

if TYPE_CHECKING:
    from PIL import Image

_WHEEL = ((15, 0, 1), (6, 0, 1), (4, 1, 2), (11, 1, 2), (13, 2, 0), (6, 2, 0))
"""Per arc: number of hues, channel, next channel; by turns the next one rises, the first falls."""

_CAPTION_PX = 18


def colour_picture(flow: NDArray[np.floating], *, max_px: float | None = None) -> NDArray[np.uint8]:
    """Direction as hue, magnitude as saturation.

    Right is red, down yellow, left cyan, up violet; still is white; unknown is black; a vector
    beyond `max_px` is darkened.

    Args:
        flow: (2, H, W), pixels.
        max_px: the magnitude of full saturation; without it the largest known one.

    Returns:
        (H, W, 3), sRGB.

    Raises:
        ShapeError: another shape or dtype.
        InputError: `bad_scale`: `max_px` is not above 0.

    Reference: Baker et al. 2011, doi:10.1007/s11263-010-0390-2; colorcode.cpp of their site.
    """
    field = float32_field(flow)
    if max_px is not None and not max_px > 0:
        raise InputError(f"max_px is {max_px}; expected a number above 0", reason="bad_scale")
    known = known_vectors(field)
    dx, dy = np.where(known, field, 0.0).astype(np.float64)
    magnitude = np.hypot(dx, dy)
    scale = max_px or magnitude.max() or 1.0
    hue = (np.arctan2(-dy, -dx) / np.pi + 1) / 2
    picture = _blend(_wheel_colour(hue), magnitude / scale)
    picture[~known] = 0
    return picture


def flow_sheet(
    first_jpegs: Sequence[bytes],
    flows: Sequence[NDArray[np.floating]],
    *,
    captions: Sequence[str] | None = None,
    cell_height_px: int = 180,
    limit: int = 8,
) -> bytes:
    """A contact sheet: one row a pair, the picture on the left, its flow in colour on the right.

    Colours are comparable within the sheet: full saturation is the 99th percentile of magnitude.

    Args:
        first_jpegs: the first picture of each pair.
        flows: (2, H, W) each, of any sizes, as many as pictures.
        captions: a line to stand above each pair, cut where the row ends.
        cell_height_px: height of a row; a cell is at most four times as wide.
        limit: rows at most; the first are shown.

    Returns:
        A JPEG file.

    Raises:
        InputError: `empty_sheet`, `damaged_jpeg`.
        ShapeError: the sequences differ in length, or a flow has another shape.
    """
    counts = {len(first_jpegs), len(flows), len(first_jpegs if captions is None else captions)}
    if len(counts) > 1:
        raise ShapeError(
            f"{len(first_jpegs)} pictures, {len(flows)} flows and "
            f"{'no' if captions is None else len(captions)} captions; expected equal numbers"
        )
    shown = list(zip(first_jpegs, flows, strict=True))[:limit]
    if not shown:
        raise InputError("no pairs; expected at least one", reason="empty_sheet")
    max_px = _common_scale([flow for _, flow in shown])
    rows = [
        (decode_jpeg(jpeg, mode="RGB"), colour_picture(flow, max_px=max_px)) for jpeg, flow in shown
    ]
    return _sheet_jpeg(rows, list(captions or [])[:limit], cell_height_px)


def _wheel_colour(hue: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W, 3) in 0-255 of hues in 0-1, interpolated between the 55 hues of the wheel."""
    wheel = _colour_wheel()
    position = hue * (len(wheel) - 1)
    return np.stack(
        [np.interp(position, np.arange(len(wheel)), channel) for channel in wheel.T], axis=-1
    )


def _colour_wheel() -> NDArray[np.float64]:
    """(55, 3) in 0-255: red, yellow, green, cyan, blue, magenta, as unevenly as eyes see them."""
    arcs = []
    for index, (count, channel, following) in enumerate(_WHEEL):
        ramp = np.floor(255 * np.arange(count) / count)
        arc = np.zeros((count, 3))
        rises = index % 2 == 0
        arc[:, channel], arc[:, following] = (255, ramp) if rises else (255 - ramp, 255)
        arcs.append(arc)
    return np.concatenate(arcs)


def _blend(colour: NDArray[np.float64], radius: NDArray[np.float64]) -> NDArray[np.uint8]:
    """White towards the colour up to radius 1, three quarters of the colour beyond."""
    radius = radius[..., np.newaxis]
    inside = 255 - np.minimum(radius, 1) * (255 - colour)
    return np.where(radius <= 1, inside, 0.75 * colour).astype(np.uint8)


def _common_scale(flows: Sequence[NDArray[np.floating]]) -> float | None:
    fields = [float32_field(flow) for flow in flows]
    known = np.concatenate([np.hypot(*field[:, known_vectors(field)]) for field in fields])
    scale = float(np.percentile(known, 99)) if known.size else 0.0
    return scale if scale > 0 else None


def _cell(picture: NDArray[np.uint8], height_px: int) -> Image.Image:
    """The picture as large as fits in a cell."""
    from PIL import Image

    height, width = picture.shape[:2]
    scale = min(height_px / height, 4 * height_px / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Image.fromarray(picture).resize(size)


def _sheet_jpeg(
    rows: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]],
    captions: list[str],
    cell_height_px: int,
) -> bytes:
    from PIL import Image, ImageDraw

    cells = [[_cell(picture, cell_height_px) for picture in row] for row in rows]
    cell_width_px = max(cell.width for row in cells for cell in row)
    row_height_px = cell_height_px + (_CAPTION_PX if captions else 0)
    sheet = Image.new("RGB", (2 * cell_width_px, row_height_px * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for line, row in enumerate(cells):
        below_px = (line + 1) * row_height_px - cell_height_px
        for column, cell in enumerate(row):
            sheet.paste(cell, (column * cell_width_px, below_px))
    for line, caption in enumerate(captions):
        draw.text((4, line * row_height_px + 3), caption, fill="black")
    out = io.BytesIO()
    sheet.save(out, format="JPEG", quality=85)
    return out.getvalue()
