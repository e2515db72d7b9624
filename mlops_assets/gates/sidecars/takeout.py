"""Google Takeout's dialect: what Google Photos exports beside each picture.

Others write it, so a field that makes no sense is taken as absent, never as an error.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from mlops_assets.gates.sidecars.said import Sidecar

_TIMES = ("photoTakenTime", "creationTime")
_PLACES = ("geoData", "geoDataExif")


def is_takeout(fields: dict[str, Any]) -> bool:
    """Whether a JSON object is one of Takeout's: it has a time as Takeout writes them."""
    return any(isinstance(fields.get(name), dict) for name in _TIMES)


def read_takeout(fields: dict[str, Any]) -> Sidecar:
    """Read when, where, by what and the description; `extra` keeps every field as it was.

    A place of 0, 0 is Takeout's way to say that it knows none. The time is that of the taking, else
    that of the upload.
    """
    return Sidecar(
        captured_at=next((at for name in _TIMES if (at := _time(fields.get(name)))), None),
        device=_device(fields.get("googlePhotosOrigin")),
        caption=_text(fields.get("description")),
        place=next((at for name in _PLACES if (at := _place(fields.get(name)))), None),
        extra=fields,
        dialect="takeout",
    )


def _time(value: object) -> datetime | None:
    seconds = value.get("timestamp") if isinstance(value, dict) else None
    try:
        return datetime.fromtimestamp(int(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _place(value: object) -> tuple[float, float] | None:
    if not isinstance(value, dict):
        return None
    try:
        latitude, longitude = float(value["latitude"]), float(value["longitude"])
    except (KeyError, TypeError, ValueError):
        return None
    is_possible = math.isfinite(latitude) and abs(latitude) <= 90 and abs(longitude) <= 180
    return (latitude, longitude) if is_possible and (latitude or longitude) else None


def _device(origin: object) -> str | None:
    upload = origin.get("mobileUpload") if isinstance(origin, dict) else None
    return _text(upload.get("deviceType")) if isinstance(upload, dict) else None


def _text(value: object) -> str | None:
    return value.strip()[:10_000] or None if isinstance(value, str) else None
