"""Drawn faces, plates and scenes whose place is known. No picture of a person is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlops_assets.privacy import Picture, Region


def scene(width: int = 480, height: int = 360, *, seed: int = 0) -> Picture:
    """Soft patches and sharp bars: bright, contrasty, sharp, and nobody in it."""
    import cv2

    rng = np.random.default_rng(seed)
    patches = rng.integers(60, 200, (height // 40 + 2, width // 40 + 2, 3), dtype=np.uint8)
    picture: Any = cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    for left in range(20, width - 12, 97):
        cv2.rectangle(picture, (left, 13), (left + 5, height - 14), (235, 240, 245), -1)
        cv2.rectangle(picture, (left + 6, 13), (left + 11, height - 14), (15, 20, 25), -1)
    return np.asarray(picture, dtype=np.uint8)


def with_face(picture: Picture, *, centre: tuple[int, int], width: int) -> tuple[Picture, Region]:
    """A drawn head, and the box from its forehead to its chin."""
    import cv2

    drawn: Any = picture.copy()
    column, row = centre
    height = round(width * 1.35)
    _oval(drawn, (column, row - height // 8), (width * 0.62, height * 0.62), (30, 40, 60))
    _oval(drawn, (column, row), (width / 2, height / 2), (150, 180, 220))
    for side in (-1, 1):
        eye = (column + side * round(width * 0.21), row - round(height * 0.08))
        _oval(drawn, eye, (width * 0.11, width * 0.055), (245, 245, 245))
        _oval(drawn, eye, (width * 0.05, width * 0.05), (40, 40, 60))
        _oval(drawn, (eye[0], eye[1] - height // 12), (width * 0.14, width * 0.03), (35, 45, 65))
    _oval(drawn, (column, row + round(height * 0.15)), (width * 0.09, width * 0.03), (95, 125, 175))
    _oval(drawn, (column, row + round(height * 0.28)), (width * 0.19, width * 0.06), (80, 80, 180))
    soft = cv2.GaussianBlur(drawn, (0, 0), max(0.6, width / 80))
    mask: Any = np.zeros(picture.shape[:2], dtype=np.uint8)
    _oval(mask, (column, row - height // 16), (width * 0.66, height * 0.72), 255)
    mixed = np.where(mask[..., None] > 0, soft, picture).astype(np.uint8)
    return mixed, Region("face", column - width // 2, row - height // 2, width, height, 1.0)


def with_plate(picture: Picture, *, left: int, top: int, width: int) -> tuple[Picture, Region]:
    """A drawn plate of the European shape on a dark bumper, and its box."""
    import cv2

    drawn: Any = picture.copy()
    height = round(width / 4.4)
    bumper = ((left - 50, top - 50), (left + width + 50, top + height + 50))
    cv2.rectangle(drawn, *bumper, (110, 55, 35), -1)
    cv2.rectangle(drawn, (left, top), (left + width, top + height), (235, 240, 240), -1)
    cv2.rectangle(drawn, (left, top), (left + width, top + height), (20, 20, 20), 2)
    size = height / 42
    (text_width, text_height), _ = cv2.getTextSize("KA42 LMN", 0, size, 2)
    start = (left + (width - text_width) // 2, top + (height + text_height) // 2)
    cv2.putText(drawn, "KA42 LMN", start, 0, size, (20, 20, 20), 2, cv2.LINE_AA)
    soft = cv2.GaussianBlur(drawn, (0, 0), 0.8)
    return np.asarray(soft, dtype=np.uint8), Region("plate", left, top, width, height, 1.0)


def shared(one: Region, other: Region) -> float:
    """Intersection over union of two boxes."""
    across = min(one.left_px + one.width_px, other.left_px + other.width_px) - max(
        one.left_px, other.left_px
    )
    down = min(one.top_px + one.height_px, other.top_px + other.height_px) - max(
        one.top_px, other.top_px
    )
    both = max(0, across) * max(0, down)
    areas = one.width_px * one.height_px + other.width_px * other.height_px
    return both / (areas - both)


def _oval(picture: Any, centre: tuple[int, int], radii: tuple[float, float], colour: Any) -> None:
    import cv2

    axes = (max(1, round(radii[0])), max(1, round(radii[1])))
    cv2.ellipse(picture, centre, axes, 0, 0, 360, colour, -1)
