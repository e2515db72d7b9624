"""A pair on one sheet: first picture, flow, true flow, and where the flow is wrong."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError
from mlops_assets.flow.evaluation.data_sets.pairs import TruePair
from mlops_assets.flow.evaluation.measures import error_map
from mlops_assets.flow.fields import known_vectors
from mlops_assets.flow.formats.colour import colour_picture

if TYPE_CHECKING:
    from PIL import Image, ImageFont

ERROR_STEPS_PX = (0.0, 0.1875, 0.375, 0.75, 1.5, 3.0, 6.0, 12.0, 24.0)
_ERROR_COLOURS = (
    *((49, 54, 149), (69, 117, 180), (116, 173, 209), (171, 217, 233), (224, 243, 248)),
    *((254, 224, 144), (253, 174, 97), (244, 109, 67), (165, 0, 38)),
)
_CAPTION_PX, _LEGEND_PX, _FONT_PX = 24, 30, 14
_MARGIN_PX = 6
_QUALITY = 90

Pixels = NDArray[np.uint8]


def error_picture(error_px: NDArray[np.floating]) -> Pixels:
    """End-point errors in steps that double, from blue (right) over white (1.5 px) to red (wrong).

    Args:
        error_px: (H, W); NaN is unknown.

    Returns:
        (H, W, 3) sRGB; unknown is black. Warm colours begin at 3 px.

    Reference: the steps and colours of KITTI's devkit, errors in px; Menze and Geiger 2015,
        doi:10.1109/CVPR.2015.7298925.
    """
    known = np.isfinite(error_px)
    step = np.digitize(np.where(known, error_px, 0), ERROR_STEPS_PX[1:])
    picture = np.array(_ERROR_COLOURS, dtype=np.uint8)[step]
    picture[~known] = 0
    return picture


def pair_picture(
    pair: TruePair, flow: NDArray[np.floating], *, title: str = "", panel_px: int = 640
) -> bytes:
    """Two by two: first picture and error, flow and true flow, with captions and a legend.

    Flow and truth share their colours: full saturation is the longest true vector.

    Args:
        pair: pictures and truth.
        flow: (2, H, W), pixels.
        title: in the first caption.
        panel_px: longest side of a panel; larger pictures are reduced.

    Returns:
        A JPEG file.

    Raises:
        InputError: `flow_not_finite`.
        ShapeError: flow and truth differ in shape.
    """
    error = error_map(flow, pair.truth)
    longest_px = _longest_px(pair.truth)
    panels = {
        title or "first picture": _in_colour(pair.frames[0]),
        f"end-point error, mean {np.nanmean(error):.3g} px": error_picture(error),
        f"flow (full colour: {longest_px:.3g} px)": colour_picture(flow, max_px=longest_px),
        "true flow (unknown: black)": colour_picture(pair.truth, max_px=longest_px),
    }
    sheet = _sheet(panels, across=2, panel_px=panel_px, below_px=_LEGEND_PX)
    _draw_legend(sheet, _font())
    return _jpeg(sheet)


def side_by_side(panels: dict[str, Pixels], *, panel_px: int = 320) -> bytes:
    """Captioned pictures of one size in a row.

    Args:
        panels: caption to picture, (H, W, 3) sRGB.
        panel_px: longest side of a panel.

    Returns:
        A JPEG file.

    Raises:
        InputError: `empty_sheet`.
    """
    if not panels:
        raise InputError("no pictures; expected at least one", reason="empty_sheet")
    return _jpeg(_sheet(panels, across=len(panels), panel_px=panel_px))


def _sheet(
    panels: dict[str, Pixels], *, across: int, panel_px: int, below_px: int = 0
) -> Image.Image:
    from PIL import Image, ImageDraw

    shown = {caption: _reduced(picture, panel_px) for caption, picture in panels.items()}
    width, height = next(iter(shown.values())).size
    down = -(-len(shown) // across)
    sheet_px = (
        across * (width + _MARGIN_PX) + _MARGIN_PX,
        down * (height + _CAPTION_PX) + _MARGIN_PX + below_px,
    )
    sheet = Image.new("RGB", sheet_px, "white")
    draw, font = ImageDraw.Draw(sheet), _font()
    for place, (caption, picture) in enumerate(shown.items()):
        left = _MARGIN_PX + (place % across) * (width + _MARGIN_PX)
        top = (place // across) * (height + _CAPTION_PX)
        draw.text((left, top + 4), _fitted(caption, width, font), fill="black", font=font)
        sheet.paste(picture, (left, top + _CAPTION_PX))
    return sheet


def _draw_legend(sheet: Image.Image, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> None:
    """The steps of the error at the bottom: each colour begins at the number written on it."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(sheet)
    top, bottom = sheet.height - _LEGEND_PX + 2, sheet.height - _MARGIN_PX
    step_px = (sheet.width - 2 * _MARGIN_PX) / len(ERROR_STEPS_PX)
    for place, (error_px, colour) in enumerate(zip(ERROR_STEPS_PX, _ERROR_COLOURS, strict=True)):
        left = _MARGIN_PX + place * step_px
        draw.rectangle((left, top, left + step_px - 1, bottom), fill=colour)
        is_dark = sum(colour) < 380
        text = f"from {error_px:.2g} px" if step_px > 90 else f"{error_px:.2g}"
        draw.text((left + 4, top + 3), text, fill="white" if is_dark else "black", font=font)


def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.load_default(_FONT_PX)


def _fitted(caption: str, width_px: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """The caption without characters that cannot be drawn, cut to the width of its panel."""
    text = "".join(sign if sign.isprintable() else "?" for sign in caption)
    while len(text) > 1 and font.getlength(text) > width_px:
        text = text[:-2] + "\u2026"
    return text


def _in_colour(picture: Pixels) -> Pixels:
    return picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1)


def _reduced(picture: Pixels, panel_px: int) -> Image.Image:
    from PIL import Image

    image = Image.fromarray(picture)
    scale = min(1.0, panel_px / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image if size == image.size else image.resize(size, Image.Resampling.BOX)


def _longest_px(truth: NDArray[np.float32]) -> float:
    """The longest known vector; 1 where nothing moves."""
    return float(np.hypot(*truth[:, known_vectors(truth)]).max()) or 1.0


def _jpeg(sheet: Image.Image) -> bytes:
    out = io.BytesIO()
    sheet.save(out, format="JPEG", quality=_QUALITY, subsampling=0)
    return out.getvalue()
