"""Pictures and clips as the decode pass sees them, of which it is known what they show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlops_assets.duplicates import Seen
from mlops_assets.media.looks import hash_looks, look_at

SIZE = (180, 240)


def picture(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A ground of soft spots of many sizes, (H, W, 3); equal seeds give equal pictures."""
    import cv2

    rng = np.random.default_rng(seed)
    ground = np.full((*size, 3), 128, np.float32)
    for cells in (4, 9, 20, 45):
        spots = rng.normal(0, 120 / cells**0.6, (cells, cells, 3)).astype(np.float32)
        ground += cv2.resize(spots, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(ground, 0, 255).astype(np.uint8)


def with_object(bgr: NDArray[np.uint8], x: int, y: int, side: int = 50) -> NDArray[np.uint8]:
    """The picture with a bright square in it."""
    changed = bgr.copy()
    changed[y : y + side, x : x + side] = (20, 20, 230) if bgr.mean() > 128 else (240, 240, 60)
    return changed


def jpeg_again(bgr: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    import cv2

    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def resized(bgr: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def seen(*pictures: NDArray[np.uint8], start_s: float = 0.0, every_s: float = 0.25) -> Seen:
    """What the decode pass would hand over of a picture, or of a clip."""
    looks = np.stack([look_at(one) for one in pictures])
    times = start_s + every_s * np.arange(len(pictures))
    return Seen(np.asarray(times, np.float64), hash_looks(looks).view(np.uint64), looks)


def panned(seed: int, count: int, *, first: int = 0, step_px: int = 6) -> list[NDArray[np.uint8]]:
    """Pictures of a camera that pans over a wide ground."""
    wide = picture(seed, (180, 240 + step_px * (first + count)))
    starts = [step_px * (first + number) for number in range(count)]
    return [wide[:, start : start + 240] for start in starts]
