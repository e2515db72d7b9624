"""Text in a picture that people overlook and a model reads: faint against its ground, or tiny."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError
from mlops_assets.filters.evidence import Evidence, evidence

if TYPE_CHECKING:
    from cv2.typing import MatLike

Picture = NDArray[np.uint8]

FAINT_LEVELS = 24
"""Contrast, in levels of 255, below which text counts as overlooked."""
FAINT_STEPS = (2, 4, 8)
"""Contrasts that strokes are looked for from; the higher ones see through noise."""
MAX_PIXELS = 4_000_000

_STROKE_PX = 11
_RINGING_PX = 17
_GAP_PX = 17
_DENSE_PX = 33
_MAX_DENSITY = 0.5
_MIN_LETTERS = 10
_MAX_PARTS = 20_000
_TINY_SHARE = 90
_TINY_PX = 9


@dataclass(frozen=True, slots=True)
class HiddenLine:
    """A line of text that is hard to see.

    Attributes:
        why: `faint` or `tiny`.
        left_px: of its box, in the picture as it was given.
        top_px: likewise.
        width_px: likewise.
        height_px: likewise.
        contrast: median difference of its strokes from their ground, levels of 255.
        letters: parts that look like letters.
    """

    why: Literal["faint", "tiny"]
    left_px: int
    top_px: int
    width_px: int
    height_px: int
    contrast: float
    letters: int


def find_hidden_text(picture: Picture) -> tuple[Evidence, ...]:
    """Find lines of text that people overlook in a picture.

    Args:
        picture: (H, W, 3), uint8, blue, green, red, as it is shown to a model.

    Returns:
        At most one `hidden_text`, of the longest line, with its place, contrast and the count of
        lines; empty for a picture below 32 px a side.

    Raises:
        ShapeError: not a (H, W, 3) uint8 array.
    """
    lines = find_hidden_lines(picture)
    if not lines:
        return ()
    line = max(lines, key=lambda one: one.letters)
    said = (
        f"{line.why} text, {line.width_px} x {line.height_px} px at ({line.left_px}, "
        f"{line.top_px}), contrast {line.contrast:.0f} of 255, about {line.letters} letters, "
        f"{len(lines)} lines"
    )
    return (evidence("hidden_text", said),)


def find_hidden_lines(picture: Picture) -> list[HiddenLine]:
    """The lines that `find_hidden_text` speaks of, from top to bottom of each sort.

    Strokes are what a small opening or closing takes away; those of a line are alike in height,
    stand on one line, and the ground above and below them is clean, which sets a line of letters
    apart from texture. Strokes beside strong edges are left out: there JPEG rings.

    Args:
        picture: (H, W, 3), uint8, blue, green, red. Above 4 million pixels it is reduced first.

    Raises:
        ShapeError: not a (H, W, 3) uint8 array.
    """
    import cv2

    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ShapeError(f"picture is {picture.shape} {picture.dtype}; expected (H, W, 3) uint8")
    height, width = picture.shape[:2]
    if min(height, width) < 32:
        return []
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    scale = min(1.0, (MAX_PIXELS / (height * width)) ** 0.5)
    if scale < 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    lines: dict[tuple[int, int], HiddenLine] = {}
    for line in _lines(np.asarray(gray, dtype=np.uint8)):
        lines.setdefault((line.left_px // 32, line.top_px // 16), line)
    return [_scaled(line, 1 / scale) for line in lines.values()]


def _scaled(line: HiddenLine, by: float) -> HiddenLine:
    return replace(
        line,
        left_px=round(by * line.left_px),
        top_px=round(by * line.top_px),
        width_px=round(by * line.width_px),
        height_px=round(by * line.height_px),
    )


def _lines(gray: Picture) -> Iterator[HiddenLine]:
    import cv2

    kernel = np.ones((_STROKE_PX, _STROKE_PX), np.uint8)
    edges = cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    _, edges = cv2.threshold(edges, 2 * FAINT_LEVELS, 255, cv2.THRESH_BINARY_INV)
    away = cv2.erode(edges, np.ones((_RINGING_PX, _RINGING_PX), np.uint8))
    tallest = min(_TINY_PX, min(gray.shape) // _TINY_SHARE)
    for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        strokes = cv2.morphologyEx(gray, operation, kernel)
        for least in FAINT_STEPS:
            _, seen = cv2.threshold(strokes, least - 1, 1, cv2.THRESH_BINARY)
            yield from _rows("faint", cv2.bitwise_and(seen, away), seen, strokes, (5, 60))
        if tallest >= 3:
            _, strong = cv2.threshold(strokes, FAINT_LEVELS, 1, cv2.THRESH_BINARY)
            _, seen = cv2.threshold(strokes, FAINT_LEVELS // 4, 1, cv2.THRESH_BINARY)
            yield from _rows("tiny", strong, seen, strokes, (2, tallest))


def _rows(
    why: Literal["faint", "tiny"],
    mask: MatLike,
    seen: MatLike,
    strokes: MatLike,
    heights: tuple[int, int],
) -> Iterator[HiddenLine]:
    """Rows of parts that stand like letters."""
    import cv2

    letters, labels, parts = _letters(mask, seen, heights)
    if len(parts) < _MIN_LETTERS:
        return
    joined = cv2.morphologyEx(letters, cv2.MORPH_CLOSE, np.ones((1, _GAP_PX), np.uint8))
    _, rows, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    ys, xs = np.nonzero(letters)
    _, first = np.unique(labels[ys, xs], return_index=True)
    row_of = rows[ys[first], xs[first]]
    sums = cv2.integral(seen)
    for row in np.flatnonzero(np.bincount(row_of) >= _MIN_LETTERS):
        own = parts[row_of == row]
        if _is_line(own, boxes[row], sums):
            left, top, width, height = (int(side) for side in boxes[row][:4])
            here = np.s_[top : top + height, left : left + width]
            contrast = float(np.median(strokes[here][(letters[here] > 0) & (rows[here] == row)]))
            yield HiddenLine(why, left, top, width, height, contrast, len(own))


def _letters(
    mask: MatLike, seen: MatLike, heights: tuple[int, int]
) -> tuple[MatLike, MatLike, MatLike]:
    """Mask, labels and boxes of the parts that may be letters; where all is strokes, none is."""
    import cv2

    dense = cv2.boxFilter(seen, cv2.CV_16U, (_DENSE_PX, _DENSE_PX), normalize=False)
    sparse = (dense < _MAX_DENSITY * _DENSE_PX * _DENSE_PX).astype(np.uint8)
    kept = cv2.bitwise_and(mask, sparse)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(kept, connectivity=8)
    fits = (stats[:, 3] >= heights[0]) & (stats[:, 3] <= heights[1])
    fits &= (stats[:, 2] <= 8 * heights[1]) & (stats[:, 4] >= heights[0])
    fits[0] = False
    if not _MIN_LETTERS <= fits.sum() <= _MAX_PARTS:
        return kept, labels, np.empty((0, 5), np.int32)
    kept = fits.astype(np.uint8)[np.asarray(labels, dtype=np.intp)]
    return kept, labels, stats[fits]


def _is_line(parts: MatLike, box: MatLike, seen: MatLike) -> bool:
    """Whether parts stand like letters: alike, on one line, with gaps, on clean ground."""
    left, top, width, height = (int(side) for side in box[:4])
    tall = parts[:, 3]
    middle = float(np.median(tall))
    if width < 5 * height or height > 2.3 * middle + 2:
        return False
    ends = parts[:, 1] + tall
    on_line = np.abs(ends - np.median(ends)) <= max(1.0, 0.15 * middle)
    alike = np.abs(tall - middle) <= max(1.0, 0.45 * middle)
    if on_line.mean() < 0.5 or alike.mean() < 0.6:
        return False
    filled = parts[:, 4].sum() / (width * height)
    per_height = len(parts) * height / width
    if not 0.06 <= filled <= 0.65 or not 0.25 <= per_height <= 4:
        return False
    return _ground(seen, left, top, width, height) < 0.06


def _ground(seen: MatLike, left: int, top: int, width: int, height: int) -> float:
    """Share of the ground just above and below a line that is not clean."""
    margin = max(2, round(0.3 * height))
    bottom, right = top + height, left + width
    low, high = max(0, top - 1 - margin), max(0, top - 1)
    under, over = min(seen.shape[0] - 1, bottom + 1), min(seen.shape[0] - 1, bottom + 1 + margin)
    above = seen[high, right] - seen[low, right] - seen[high, left] + seen[low, left]
    below = seen[over, right] - seen[under, right] - seen[over, left] + seen[under, left]
    area = width * max(1, (high - low) + (over - under))
    return float(above + below) / area
