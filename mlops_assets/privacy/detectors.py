"""Which detector a name stands for: the one built in, or a user's own."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import entry_points

from mlops_assets.errors import ConfigurationError
from mlops_assets.privacy import faces, plates
from mlops_assets.privacy.networks import PACKAGE_VERSION
from mlops_assets.privacy.regions import Detector, Picture, Region, WorkingRange

ENTRY_POINT = "mlops_assets.detectors"


class FacesAndPlates:
    """Faces by MTCNN's networks, plates by a cascade; both on the CPU, neither from the network."""

    version = f"mtcnn-{PACKAGE_VERSION}+plates-1"
    working_range = WorkingRange(
        least_face_px=faces.LEAST_FACE_PX,
        least_plate_px=plates.LEAST_PLATE_PX,
        most_pixels=faces.MOST_PIXELS,
        most_plate_pixels=plates.MOST_PIXELS,
        least_side_px=96,
        least_brightness=0.05,
        least_contrast=0.05,
        most_blur_px=7.0,
        most_blockiness=3.0,
        most_noise=0.09,
    )

    def find(self, picture: Picture) -> Sequence[Region]:
        """Every face and plate it sees; see `find_faces` and `find_plates`."""
        return [*faces.find_faces(picture), *plates.find_plates(picture)]


DEFAULT_DETECTOR = "faces-and-plates"

DETECTORS: dict[str, Detector] = {DEFAULT_DETECTOR: FacesAndPlates()}
"""Every detector of this package by name."""


@lru_cache(maxsize=32)
def find_detector(name: str) -> Detector:
    """The detector of a name, once per process.

    Args:
        name: of `DETECTORS`, of an entry point of the group `mlops_assets.detectors`, or
            `module:name` of an object that is a `Detector`, such as `my_package.faces:DETECTOR`.

    Raises:
        ConfigurationError: there is none of that name, it cannot be imported, or it is no detector.
    """
    if name in DETECTORS:
        return DETECTORS[name]
    announced = {one.name: one.value for one in entry_points(group=ENTRY_POINT)}
    module, separator, attribute = announced.get(name, name).partition(":")
    if not separator:
        known = ", ".join(sorted({*DETECTORS, *announced}))
        raise ConfigurationError(
            f"there is no detector {name!r}; expected module:name, or one of {known}"
        )
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as err:
        raise ConfigurationError(f"detector {name!r} cannot be imported: {err}") from err
    missing = [part for part in ("find", "version", "working_range") if not hasattr(found, part)]
    if missing:
        raise ConfigurationError(f"{name!r} is no detector: it has no {', '.join(missing)}")
    return found


def detector_version(name: str) -> str:
    """What changes when the regions of a detector change; known without loading its weights.

    Args:
        name: as for `find_detector`.

    Returns:
        Such as `mtcnn-1.0.2+plates-1`.

    Raises:
        ConfigurationError: see `find_detector`.
    """
    return find_detector(name).version
