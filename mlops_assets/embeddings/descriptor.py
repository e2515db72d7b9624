"""The built-in image encoder: a visual descriptor that needs no model and no download."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlops_assets.embeddings.pictures import decode_small, numbered_errors
from mlops_assets.embeddings.versions import DEFAULT_IMAGE_ENCODER, DESCRIPTOR_VERSION

SIDE_PX = 128
CELLS = 4
COLOUR_BINS = 4
ORIENTATIONS = 8
LBP_STEP = 6

WEIGHTS = {"layout": 1.0, "colours": 0.8, "gradients": 1.0, "texture": 0.5, "tone": 0.4}
DIMENSIONS = CELLS * CELLS * 3 + COLOUR_BINS**3 + CELLS * CELLS * ORIENTATIONS + 59 + 8

Channels = NDArray[np.float32]
Vector = NDArray[np.float32]


class DescriptorEncoder:
    """The encoder 'descriptor': one picture at a time, so a batch changes nothing."""

    name = DEFAULT_IMAGE_ENCODER
    version = DESCRIPTOR_VERSION
    dimensions = DIMENSIONS

    def encode(self, batch: Sequence[bytes]) -> NDArray[np.float32]:
        """See `Encoder.encode` and `describe_picture`."""
        rows = np.empty((len(batch), DIMENSIONS), np.float32)
        for place, data in enumerate(batch):
            with numbered_errors(place):
                rows[place] = describe_picture(decode_small(data, side_px=SIDE_PX))
        return rows


def describe_picture(picture: NDArray[np.uint8]) -> Vector:
    """Describe what a picture looks like: where which colours are, edges, texture, light.

    Five blocks, each of length at most 1 times its weight, then the whole to length 1. A block
    whose content is as weak as coding noise counts less, so flat pictures compare stably.

    1. layout (48): mean Lab of 4 x 4 cells, mid-gray being 0. MPEG-7 colour layout without its
       DCT: Kasutani and Yamada 2001, doi:10.1109/ICIP.2001.959135.
    2. colours (64): Lab histogram, 4 bins an axis, each pixel shared among the 8 nearest bins;
       square root. Swain and Ballard 1991, doi:10.1007/BF00130487.
    3. gradients (128): 8 unsigned orientations in 4 x 4 cells, weighted by magnitude, shared among
       the two nearest; square root. Dalal and Triggs 2005, doi:10.1109/CVPR.2005.177, with one
       normalisation for the picture instead of overlapping blocks.
    4. texture (59): uniform local binary patterns (8 neighbours, radius 1) that count a neighbour
       as brighter from 6 grey levels on; square root. Ojala et al. 2002,
       doi:10.1109/TPAMI.2002.1017623.
    5. tone (8): mean and spread of lightness and of the two colour axes, darkest and brightest
       twentieth.

    Args:
        picture: (128, 128, 3) uint8, BGR, sRGB.

    Returns:
        (307,) float32 of length 1, finite for every picture, a black one too.
    """
    import cv2

    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2Lab)
    luma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    centred = np.ascontiguousarray(lab.transpose(2, 0, 1)) * np.float32(1 / 127.5) - np.float32(1)
    blocks = {
        "layout": _bounded(colour_layout(centred), floor=0.3),
        "colours": _bounded(np.sqrt(colour_histogram(centred)), floor=0.0),
        "gradients": _bounded(np.sqrt(orientation_histograms(luma)), floor=2.0),
        "texture": _bounded(np.sqrt(texture_histogram(luma)), floor=0.0),
        "tone": _bounded(tone(centred), floor=0.0),
    }
    vector = np.concatenate([WEIGHTS[name] * block for name, block in blocks.items()])
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def colour_layout(lab: Channels) -> Vector:
    """Mean colour of each of 4 x 4 cells.

    Args:
        lab: (3, 128, 128), each axis in [-1, 1].

    Returns:
        (48,) 16 cells row by row for each of three axes.
    """
    size = SIDE_PX // CELLS
    return lab.reshape(3, CELLS, size, CELLS, size).mean(axis=4).mean(axis=2).ravel()


def colour_histogram(lab: Channels) -> Vector:
    """Histogram of Lab with 4 bins an axis, each pixel shared among its 8 nearest bins.

    The picture is halved before, and the two colour axes, of which pictures use the middle, are
    stretched twofold and clipped.

    Args:
        lab: (3, 128, 128), each axis in [-1, 1].

    Returns:
        (64,) shares, sum 1.
    """
    stretch = np.array([[1.0], [2.0], [2.0]], np.float32)
    halved = lab.reshape(3, SIDE_PX // 2, 2, SIDE_PX // 2, 2).sum(axis=4).sum(axis=2) / 4
    pixels = np.clip(halved.reshape(3, -1) * stretch, -1.0, 1.0)
    place = (pixels + np.float32(1)) * np.float32((COLOUR_BINS - 1) / 2)
    low = np.minimum(place.astype(np.intp), COLOUR_BINS - 2)
    shares = (1.0 - (place - low), place - low)
    base = (low[0] * COLOUR_BINS + low[1]) * COLOUR_BINS + low[2]
    histogram = np.zeros(COLOUR_BINS**3)
    for i, j, k in np.ndindex(2, 2, 2):
        share = shares[i][0] * shares[j][1] * shares[k][2]
        bins = base + (i * COLOUR_BINS + j) * COLOUR_BINS + k
        histogram += np.bincount(bins, weights=share, minlength=COLOUR_BINS**3)
    return (histogram / pixels.shape[1]).astype(np.float32)


def orientation_histograms(luma: NDArray[np.uint8]) -> Vector:
    """Mean gradient strength by orientation in each of 4 x 4 cells.

    Args:
        luma: (128, 128) uint8.

    Returns:
        (128,) grey levels per pixel, cells row by row, 8 orientations from 0 to pi each.
    """
    import cv2

    smooth = cv2.GaussianBlur(luma, (3, 3), 0).astype(np.float32)
    across = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32)
    strength, angle = cv2.cartToPolar(across, down)
    place = angle * np.float32(ORIENTATIONS / np.pi) - np.float32(0.5)
    low = np.floor(place)
    share = place - low
    first = _cell_numbers() * ORIENTATIONS + low.astype(np.intp) % ORIENTATIONS
    second = _cell_numbers() * ORIENTATIONS + (low.astype(np.intp) + 1) % ORIENTATIONS
    bins = np.concatenate([first.ravel(), second.ravel()])
    weights = np.concatenate([(strength * (1 - share)).ravel(), (strength * share).ravel()])
    total = np.bincount(bins, weights=weights, minlength=CELLS * CELLS * ORIENTATIONS)
    return (total / (SIDE_PX // CELLS) ** 2).astype(np.float32)


def texture_histogram(luma: NDArray[np.uint8]) -> Vector:
    """Histogram of uniform local binary patterns.

    Args:
        luma: (128, 128) uint8.

    Returns:
        (59,) shares, sum 1: 58 uniform patterns, then all others together.
    """
    signed = luma.astype(np.int16)
    centre = signed[1:-1, 1:-1] + LBP_STEP
    code = np.zeros(centre.shape, np.uint8)
    ring = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    for bit, (row, column) in enumerate(ring):
        neighbour = signed[row : row + SIDE_PX - 2, column : column + SIDE_PX - 2]
        code |= (neighbour >= centre).astype(np.uint8) << np.uint8(bit)
    counts = np.bincount(_uniform_patterns()[code].ravel(), minlength=59)
    return (counts / code.size).astype(np.float32)


def tone(lab: Channels) -> Vector:
    """Overall light and colour.

    Args:
        lab: (3, 128, 128), each axis in [-1, 1].

    Returns:
        (8,) means of the three axes, their standard deviations, 5th and 95th percentile of
        lightness.
    """
    axes = lab.reshape(3, -1)
    twentieth = axes.shape[1] // 20
    ends = np.partition(axes[0], (twentieth, -1 - twentieth))[[twentieth, -1 - twentieth]]
    return np.concatenate([axes.mean(axis=1), axes.std(axis=1), ends])


def _bounded(block: Vector, *, floor: float) -> Vector:
    """Scale a block to length 1, to less when it is not well above the floor; zeros stay zeros."""
    length = np.hypot(np.linalg.norm(block), floor)
    return block / length if length > 0 else block


@lru_cache(maxsize=1)
def _cell_numbers() -> NDArray[np.intp]:
    line = np.arange(SIDE_PX) // (SIDE_PX // CELLS)
    return line[:, np.newaxis] * CELLS + line


@lru_cache(maxsize=1)
def _uniform_patterns() -> NDArray[np.intp]:
    """Of each of 256 patterns its bin: at most two changes around the ring are uniform."""
    bits = (np.arange(256)[:, np.newaxis] >> np.arange(8)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, 58)
