"""Licence plates: proposed by a boosted cascade that OpenCV 4 ships, kept if they are written on.

Viola and Jones: Rapid Object Detection using a Boosted Cascade of Simple Features, 2001,
doi:10.1109/CVPR.2001.990517.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from mlops_assets.errors import ConfigurationError
from mlops_assets.privacy.boxes import clipped, strongest
from mlops_assets.privacy.characters import most_characters
from mlops_assets.privacy.regions import Picture, Region

LEAST_PLATE_PX = 80
MOST_PIXELS = 2_100_000
"""A larger picture is searched at this size: the smallest plate grows with it."""

_CASCADE = "haarcascade_russian_plate_number.xml"
_SEARCHED_AT_PX = 60  # width of the smallest plate when it is searched: that of a window
_SQUEEZES = (1.1, 2.0)
"""How much lower the picture is made: the cascade learned plates of 4.4 to 1, others are higher."""

_STEP = 1.15
_LEAST_NEIGHBOURS = 1
_LEAST_CHARACTERS = 3
_HALF_SURE = 4  # neighbours at which a plate is as likely as not
_SEARCH = Lock()


def find_plates(picture: Picture) -> list[Region]:
    """Plates seen from the front or the back, from 80 px of width.

    Args:
        picture: (H, W, 3), uint8, upright, BGR. One of more than `MOST_PIXELS` is searched at
            that size, so that the smallest plate it finds grows with it.

    Returns:
        Regions of kind `plate` within the picture, by falling confidence, which is a rank and no
        probability.

    Raises:
        ConfigurationError: this build of OpenCV has no cascades.
    """
    import cv2

    height, width = picture.shape[:2]
    scale = min(1.0, (MOST_PIXELS / (height * width)) ** 0.5) * _SEARCHED_AT_PX / LEAST_PLATE_PX
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    found = [_searched(luma, scale, scale / squeeze) for squeeze in _SQUEEZES]
    boxes = strongest(np.concatenate(found), overlap=0.2)
    regions = [Region("plate", *clipped(box[:4], width, height), float(box[4])) for box in boxes]
    return [
        region for region in regions if most_characters(_part(luma, region)) >= _LEAST_CHARACTERS
    ]


def _part(luma: Any, region: Region) -> Any:
    rows = slice(region.top_px, region.top_px + region.height_px)
    return luma[rows, region.left_px : region.left_px + region.width_px]


def _searched(luma: Any, across: float, down: float) -> Any:
    """Boxes (N, 5) in pixels of the picture, from a search of it at other scales."""
    import cv2

    size = (round(luma.shape[1] * across), round(luma.shape[0] * down))
    if min(size) < 1:
        return np.empty((0, 5), dtype=np.float32)
    searched = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    with _SEARCH:
        found, neighbours = _cascade().detectMultiScale2(
            searched, scaleFactor=_STEP, minNeighbors=_LEAST_NEIGHBOURS
        )
    boxes = np.zeros((len(found), 5), dtype=np.float32)
    for box, (left, top, width, height), count in zip(boxes, found, neighbours, strict=True):
        box[:4] = (left / across, top / down, (left + width) / across, (top + height) / down)
        box[4] = count / (count + _HALF_SURE)
    return boxes


@lru_cache(maxsize=1)
def _cascade() -> Any:
    import cv2

    path = Path(cv2.__file__).parent / "data" / _CASCADE
    cascade = cv2.CascadeClassifier(str(path)) if path.is_file() else None
    if cascade is None or cascade.empty():
        raise ConfigurationError(
            f"OpenCV {cv2.__version__} has no {_CASCADE}; expected OpenCV 4, whose wheels hold it"
        )
    return cascade
