"""The words in a picture, where an optional recogniser is installed.

`rapidocrlite` brings its engine and its models in one wheel and needs no network; without it the
filters still find hidden text by its looks, and cannot tell what it says.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cv2.typing import MatLike

_LIT_LEVELS = 24
_GROUND_PX = 31
_LEAST_SCORE = 0.6
_MAX_PIXELS = 4_000_000


def can_read_pictures() -> bool:
    """Whether the optional recogniser is installed."""
    return importlib.util.find_spec("rapidocr") is not None


def read_picture(picture: NDArray[np.uint8]) -> str:
    """Read the text in a picture, also text too faint for people.

    The picture is read as it is, and once more with faint differences from the ground made plain.

    Args:
        picture: (H, W, 3), uint8, blue, green, red. Above 4 million pixels it is reduced.

    Returns:
        The lines in reading order, those made plain behind them; empty where nothing is read, and
        where the optional package `rapidocrlite` is not installed.
    """
    import cv2

    if not can_read_pictures() or min(picture.shape[:2]) < 16:
        return ""
    scale = min(1.0, (_MAX_PIXELS / (picture.shape[0] * picture.shape[1])) ** 0.5)
    if scale < 1:
        resized = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture = np.asarray(resized, dtype=np.uint8)
    seen = _lines(picture)
    plain = [line for line in _lines(_made_plain(picture)) if line not in seen]
    return "\n".join((*seen, *plain))


def _made_plain(picture: NDArray[np.uint8]) -> MatLike:
    """Faint strokes in black on white, all else left out."""
    import cv2

    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    ground = cv2.medianBlur(gray, _GROUND_PX)
    apart = cv2.absdiff(gray, ground)
    apart[apart > _LIT_LEVELS] = 0
    strongest = max(int(apart.max()), 1)
    plain = 255 - cv2.convertScaleAbs(apart, alpha=255 / strongest)
    return cv2.cvtColor(plain, cv2.COLOR_GRAY2BGR)


def _lines(picture: Any) -> list[str]:
    told = _recogniser()(picture)
    texts, scores = told.txts or (), told.scores or ()
    return [text for text, score in zip(texts, scores, strict=True) if score >= _LEAST_SCORE]


@lru_cache(maxsize=1)
def _recogniser() -> Any:
    """The engine with the models of its own wheel: no other is ever fetched."""
    from rapidocr import RapidOCR

    small = {"Det.model_type": "lite", "Rec.model_type": "lite", "Global.log_level": "error"}
    return RapidOCR(params={**small, "Global.use_cls": False})
