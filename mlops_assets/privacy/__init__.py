"""Faces and licence plates in pictures, behind a detector interface; and how to cover them.

Pure functions on decoded pictures: `look` says `found`, `clear` or `unknown`, and never `clear` of
a picture in which its detector could not see. Importing the room imports no cv2.
"""

from __future__ import annotations

from mlops_assets.privacy.detectors import (
    DEFAULT_DETECTOR,
    DETECTORS,
    detector_version,
    find_detector,
)
from mlops_assets.privacy.looking import look
from mlops_assets.privacy.previews import preview
from mlops_assets.privacy.redaction import How, redact
from mlops_assets.privacy.regions import (
    Detector,
    Kind,
    Picture,
    Region,
    Sighting,
    Verdict,
    WorkingRange,
)

__all__ = [
    "DEFAULT_DETECTOR",
    "DETECTORS",
    "Detector",
    "How",
    "Kind",
    "Picture",
    "Region",
    "Sighting",
    "Verdict",
    "WorkingRange",
    "detector_version",
    "find_detector",
    "look",
    "preview",
    "redact",
]
