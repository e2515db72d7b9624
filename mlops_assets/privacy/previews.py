"""Pictures as anybody may see them: faces and plates gone, private pictures unrecognisable."""

from __future__ import annotations

import numpy as np

from mlops_assets.media.pictures import decode_bgr, encode_bgr
from mlops_assets.privacy.detectors import DEFAULT_DETECTOR
from mlops_assets.privacy.looking import look
from mlops_assets.privacy.redaction import redact
from mlops_assets.privacy.regions import Picture

PREVIEW_PX = 640


_CELLS = 6


def preview(jpeg: bytes, *, is_private: bool, detector: str = DEFAULT_DETECTOR) -> bytes:
    """A stored picture for people who may see open media only.

    Faces and plates are covered. Of a picture that somebody said is private, and of one of which
    nobody can say what it shows, the colours of 6 x 6 cells are left.

    Args:
        jpeg: a stored picture.
        is_private: it is known to be private.
        detector: by name.

    Returns:
        JPEG, at most 640 px a side.

    Raises:
        InputError: the bytes do not decode (`nothing_decodes`).
        ConfigurationError: there is no such detector, or it is not installed.
    """
    picture = decode_bgr(jpeg, max_side_px=PREVIEW_PX)
    if is_private:
        return _encoded(_only_colours(picture))
    seen = look(picture, detector=detector)
    if seen.verdict == "unknown":
        return _encoded(_only_colours(picture))
    return _encoded(redact(picture, seen.regions, how="blur"))


def _only_colours(picture: Picture) -> Picture:
    import cv2

    height, width = picture.shape[:2]
    cells = cv2.resize(picture, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _encoded(bgr: Picture) -> bytes:
    return encode_bgr(bgr, quality=85)
