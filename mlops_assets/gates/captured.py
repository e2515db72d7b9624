"""When a file was captured, told from its name."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_NAME_TIME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>[-_.:]?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"(?:[-_ T.]| at |)"
    r"(?P<hour>\d\d)(?P<colon>[-_.:]?)(?P<minute>\d\d)(?P=colon)(?P<second>\d\d)"
    r"(?:[.,]?(?P<millis>\d{3}))?(?!\d)"
)


def captured_at_from_name(name: str) -> datetime | None:
    """Read a date with a time of day out of a file name; UTC is assumed.

    Understood, anywhere in the name: `IMG_20261105_101500`, `VID_20261105_101500123`,
    `20261105101500`, `2026-11-05T10-15-00`, `2026-11-05 10.15.00`, `2026-11-05 at 10.15.00`.
    A date without a time of day is not used: midnight would be a guess.

    Args:
        name: file name, with or without folders; only its last part is read.

    Returns:
        Aware, UTC; None where there is no such pattern, or where it is no date (month 13).
    """
    for found in _NAME_TIME.finditer(re.split(r"[/\\]", name)[-1][:255]):
        year, month, day, hour, minute, second = (
            int(found[part]) for part in ("year", "month", "day", "hour", "minute", "second")
        )
        micros = int(found["millis"] or 0) * 1000
        try:
            return datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
        except ValueError:
            continue
    return None
