"""Times, places and devices out of the tags that cameras and containers write.

Tags are hearsay: a value that makes no sense is taken as absent, never as an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

EARLIEST_CONTAINER_YEAR = 1971
"""Clocks that were never set write 1904 or 1970."""

_EXIF_TIME = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_PDF_TIME = re.compile(r"(?:D:)?(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(Z|[+-]\d\d'?\d\d)?")
_OFFSET = re.compile(r"([+-])(\d\d):?'?(\d\d)")
_ISO_6709 = re.compile(r"([+-]\d{2}(?:\.\d+)?)([+-]\d{3}(?:\.\d+)?)")
_TIME_TAGS = ("com.apple.quicktime.creationdate", "creation_time", "date_recorded", "date")
_PLACE_TAGS = ("com.apple.quicktime.location.iso6709", "location", "location-eng")
_MAKE_TAGS = ("com.apple.quicktime.make", "com.android.manufacturer", "make")
_MODEL_TAGS = ("com.apple.quicktime.model", "com.android.model", "model")


def exif_time(text: object, offset: object = None, subseconds: object = None) -> datetime | None:
    """Read `2026:11:05 10:15:00`; UTC is assumed where no offset is given.

    Args:
        text: value of DateTimeOriginal or a sibling.
        offset: value of OffsetTimeOriginal, such as `+01:00`.
        subseconds: value of SubsecTimeOriginal, decimal digits of a second.

    Returns:
        Aware, UTC; None if the text is no time (`0000:00:00 00:00:00` is none).
    """
    found = _EXIF_TIME.match(_text(text))
    if found is None:
        return None
    digits = _text(subseconds)
    micros = int(digits[:6].ljust(6, "0")) if digits.isascii() and digits.isdigit() else 0
    return _utc([int(part) for part in found.groups()], micros, _offset(_text(offset)))


def pdf_time(text: str) -> datetime | None:
    """Read a PDF date, `D:20261105101500+01'00'`; None if it is none (ISO 32000-1, 7.9.4)."""
    found = _PDF_TIME.match(text)
    if found is None:
        return None
    parts = [int(part) for part in found.groups()[:6]]
    return _utc(parts, 0, _offset(found[7] or ""))


def container_time(tags: Mapping[str, str]) -> datetime | None:
    """Capture time of a container's tags.

    Args:
        tags: keys in lower case.

    Returns:
        Aware, UTC; None where absent, without a time of day, or before 1971 (a clock never set).
    """
    for name in _TIME_TAGS:
        if "T" not in tags.get(name, "") and " " not in tags.get(name, ""):
            continue
        try:
            moment = datetime.fromisoformat(tags[name].strip())
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if moment.year >= EARLIEST_CONTAINER_YEAR:
            return moment
    return None


def container_place(tags: Mapping[str, str]) -> tuple[float, float] | None:
    """Latitude and longitude of ISO 6709 text, `+37.3318-122.0312+010/`; None where absent."""
    for name in _PLACE_TAGS:
        found = _ISO_6709.match(tags.get(name, ""))
        if found is not None and (place := _place(float(found[1]), float(found[2]))):
            return place
    return None


def container_device(tags: Mapping[str, str]) -> str | None:
    """Make and model of a container's tags; None where absent."""
    make = next((tags[name] for name in _MAKE_TAGS if name in tags), "")
    model = next((tags[name] for name in _MODEL_TAGS if name in tags), "")
    return device_name(make, model)


def device_name(make: object, model: object) -> str | None:
    """Join make and model, without saying the make twice; at most 200 characters."""
    first, second = _text(make), _text(model)
    if first and second.lower().startswith(first.lower()):
        first = ""
    return f"{first} {second}".strip()[:200] or None


def exif_place(gps: Mapping[int, object]) -> tuple[float, float] | None:
    """Latitude and longitude of an EXIF GPS directory; None where absent or impossible."""
    latitude = _degrees(gps.get(2), negative=_text(gps.get(1)).upper() == "S")
    longitude = _degrees(gps.get(4), negative=_text(gps.get(3)).upper() == "W")
    return None if latitude is None or longitude is None else _place(latitude, longitude)


def _degrees(parts: object, *, negative: bool) -> float | None:
    if not isinstance(parts, Sequence) or len(parts) != 3:
        return None
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    return -value if negative else value


def _place(latitude: float, longitude: float) -> tuple[float, float] | None:
    is_possible = math.isfinite(latitude) and math.isfinite(longitude)
    if not is_possible or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude


def _offset(text: str) -> timedelta:
    found = _OFFSET.match(text)
    if found is None:
        return timedelta(0)
    size = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -size if found[1] == "-" else size


def _utc(parts: list[int], micros: int, offset: timedelta) -> datetime | None:
    year, month, day, hour, minute, second = parts
    try:
        zone = timezone(offset)
        local = datetime(year, month, day, hour, minute, second, micros, tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.replace("\0", "").strip() if isinstance(value, str) else ""
