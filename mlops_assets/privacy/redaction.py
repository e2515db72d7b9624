"""Make faces and plates unrecognisable, for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.privacy.regions import Picture, Region

How = Literal["blur", "box"]

_MARGIN = 0.2
_CELLS = 5


def redact(picture: Picture, regions: Sequence[Region], *, how: How) -> Picture:
    """Cover regions so that nothing can bring back what was in them.

    A blur of what is there can be matched again, if by nothing else then by trying. So nothing of
    what is inside any region goes into the result: two pictures that differ only there become one.

    Args:
        picture: (H, W, 3), uint8. It is not changed.
        regions: what to cover, each grown by a fifth of its size on every side and cut at the
            borders. One outside the picture covers nothing.
        how: `box`: black. `blur`: smooth colours, spread inwards from 5 x 5 means of the margin;
            black where the regions leave no margin.

    Returns:
        A new picture of the same shape and dtype, the same outside the grown regions.
    """
    covered = picture.copy()
    visible = _visible(picture, regions)
    for region in regions:
        rows, columns = _within(picture, region, margin=_MARGIN)
        if rows.stop > rows.start and columns.stop > columns.start:
            part = (picture[rows, columns], visible[rows, columns])
            covered[rows, columns] = 0 if how == "box" else _spread(*part)
    return covered


def _visible(picture: Picture, regions: Sequence[Region]) -> NDArray[np.bool_]:
    """Which pixels are in no region."""
    visible = np.ones(picture.shape[:2], dtype=np.bool_)
    for region in regions:
        visible[_within(picture, region, margin=0)] = False
    return visible


def _within(picture: Picture, region: Region, *, margin: float) -> tuple[slice, slice]:
    """Rows and columns of a region with a margin, cut at the borders of the picture."""
    height, width = picture.shape[:2]
    down, across = round(region.height_px * margin), round(region.width_px * margin)
    top, bottom = region.top_px - down, region.top_px + region.height_px + down
    left, right = region.left_px - across, region.left_px + region.width_px + across
    return (
        slice(min(max(top, 0), height), min(max(bottom, 0), height)),
        slice(min(max(left, 0), width), min(max(right, 0), width)),
    )


def _spread(part: Picture, visible: NDArray[np.bool_]) -> NDArray[Any]:
    """A part filled smoothly from the means of its visible pixels in 5 x 5 cells."""
    import cv2

    height, width = visible.shape
    cells = (min(_CELLS, width), min(_CELLS, height))
    weights = visible.astype(np.float32)[..., None]
    sums = cv2.resize(part * weights, cells, interpolation=cv2.INTER_AREA)
    shares = cv2.resize(weights, cells, interpolation=cv2.INTER_AREA)[..., None]
    everywhere = sums.sum(axis=(0, 1)) / max(float(shares.sum()), 1e-6)
    means = np.where(shares > 0, sums / np.maximum(shares, 1e-6), everywhere)
    smooth = cv2.resize(means.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(np.rint(smooth), 0, 255)
