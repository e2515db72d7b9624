"""Text of a PDF that a viewer does not show."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_assets.filters.evidence import Evidence, evidence

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MAX_PAGES = 200
_MAX_OBJECTS = 20_000
_MIN_CHARS = 20
_MAX_GROUNDS = 500
_LEAST_POINTS = 1.0
_WHITE = 250
_INVISIBLE = (3, 7)
Box = tuple[float, float, float, float]


def read_pages(path: Path) -> Iterator[Evidence]:
    """Find text in a PDF that is not drawn, white on nothing, or without size.

    Not drawn text over a picture is what text recognition leaves, and white text on something is
    how titles are set: neither counts. The first 200 pages are looked at, of each 20,000 objects.

    Args:
        path: a PDF that can be opened; any other gives nothing.

    Yields:
        At most one `hidden_in_markup`, once 20 characters of hidden text are seen.
    """
    import pypdfium2

    try:
        with closing(pypdfium2.PdfDocument(path)) as document:
            for index in range(min(len(document), _MAX_PAGES)):
                found = _on_page(document, index)
                if found is not None:
                    yield found
                    return
    except pypdfium2.PdfiumError:
        return


def _on_page(document: Any, index: int) -> Evidence | None:
    import pypdfium2

    try:
        with closing(document[index]) as page:
            by_why: dict[str, str] = {}
            for why, text in _hidden_on(page):
                by_why[why] = f"{by_why.get(why, '')} {text}".strip()
                if len(by_why[why]) >= 4 * _MIN_CHARS:
                    break
    except pypdfium2.PdfiumError:
        return None
    long_enough = [(why, text) for why, text in by_why.items() if len(text) >= _MIN_CHARS]
    if not long_enough:
        return None
    why, text = long_enough[0]
    return evidence("hidden_in_markup", f"page {index + 1}, text {why}", text)


def _hidden_on(page: PdfPage) -> Iterator[tuple[str, str]]:
    """Why each hidden text is hidden, and its first characters."""
    from pypdfium2 import raw

    objects: list[Any] = list(islice(page.get_objects(max_depth=4), _MAX_OBJECTS))
    texts = [one for one in objects if one.type == raw.FPDF_PAGEOBJ_TEXT]
    grounds = [
        one.get_bounds()
        for one in objects
        if one.type != raw.FPDF_PAGEOBJ_TEXT
        and (one.type != raw.FPDF_PAGEOBJ_PATH or not _is_white(one.raw))
    ]
    with closing(page.get_textpage()) as text_page:
        for one in texts:
            why = _why_hidden(one.raw)
            if why and not _is_covered(one.get_bounds(), grounds[:_MAX_GROUNDS]):
                yield why, _text_of(one.raw, text_page.raw)


def _why_hidden(text: Any) -> str:
    from pypdfium2 import raw

    if raw.FPDFTextObj_GetTextRenderMode(text) in _INVISIBLE:
        return "that is not drawn"
    if _font_points(text) < _LEAST_POINTS:
        return "without size"
    return "in white on nothing" if _is_white(text) else ""


def _is_covered(box: Box, grounds: list[Box]) -> bool:
    """Whether something that is not white lies where the text does."""
    left, bottom, right, top = box
    x, y = (left + right) / 2, (bottom + top) / 2
    return any(a <= x <= c and b <= y <= d for a, b, c, d in grounds)


def _font_points(text: Any) -> float:
    from pypdfium2 import raw

    points = ctypes.c_float()
    matrix = raw.FS_MATRIX()
    if not raw.FPDFTextObj_GetFontSize(text, points) or not raw.FPDFPageObj_GetMatrix(text, matrix):
        return _LEAST_POINTS
    return abs(points.value) * max(abs(matrix.d), abs(matrix.b))


def _is_white(one: Any) -> bool:
    from pypdfium2 import raw

    parts = [ctypes.c_uint() for _ in range(4)]
    if not raw.FPDFPageObj_GetFillColor(one, *parts):
        return False
    red, green, blue, alpha = (part.value for part in parts)
    return alpha == 0 or min(red, green, blue) >= _WHITE


def _text_of(one: Any, text_page: Any) -> str:
    from pypdfium2 import raw

    size = min(raw.FPDFTextObj_GetText(one, text_page, None, 0), 1_000)
    buffer = (ctypes.c_ushort * max(size // 2, 1))()
    raw.FPDFTextObj_GetText(one, text_page, buffer, size)
    return bytes(buffer).decode("utf-16-le", "replace").strip("\0 ")
