"""When a file was captured: which witness is believed, and what its clock means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from mlops_assets.errors import ConfigurationError
from mlops_assets.gates.sidecars.said import Sidecar
from mlops_assets.media.probing.probed import Probe

CapturedFrom = Literal["sidecar", "exif", "container", "name", "file"]

_NAME_TIME = re.compile(
    r"(?<!\d)(?P<Y>(?:19|20)\d\d)(?P<dash>[-_.:]?)(?P<m>\d\d)(?P=dash)(?P<d>\d\d)"
    r"(?:[-_ T.]| at |)"
    r"(?P<H>\d\d)(?P<colon>[-_.:]?)(?P<M>\d\d)(?P=colon)(?P<S>\d\d)"
    r"(?:[.,]?(?P<f>\d{3}))?(?!\d)"
)
_DIGITS = {"Y": r"\d{4}", **dict.fromkeys("mdHMS", r"\d\d"), "f": r"\d{1,6}"}
_DIRECTIVE = re.compile(r"%(.)")


@dataclass(frozen=True)
class Clock:
    """How the clocks of a source are to be read.

    Attributes:
        ahead_s: seconds by which a time without a zone is ahead of UTC: 3600 for cameras that run
            on Central European Time. Times that state a zone are not touched.
        name_pattern: where the time stands in a file name, such as `cam_%Y%m%d-%H%M%S` with the
            directives of `strftime` (Y m d H M S f); the usual patterns if empty.
    """

    ahead_s: float = 0.0
    name_pattern: str = ""

    def to_utc(self, moment: datetime) -> datetime:
        """The moment of a clock that was taken for UTC."""
        try:
            return moment - timedelta(seconds=self.ahead_s)
        except OverflowError:
            return moment


def captured_at(
    *, sidecar: Sidecar | None, probe: Probe | None, name: str, modified_at: datetime, clock: Clock
) -> tuple[datetime, CapturedFrom, bool]:
    """When a file was captured: the sidecar, else EXIF or container, else the name, else the file.

    Args:
        sidecar: what it says.
        probe: what headers say.
        name: the path it landed under.
        modified_at: the file's time; UTC is assumed if it is naive.
        clock: what times without a zone mean; a sidecar's are taken for UTC.

    Returns:
        Aware, UTC; which witness said so; and whether that one knew the zone.
    """
    if sidecar is not None and sidecar.captured_at is not None:
        return sidecar.captured_at, "sidecar", True
    if probe is not None and probe.captured_at is not None and probe.captured_at_from is not None:
        told = probe.captured_at if probe.has_zone else clock.to_utc(probe.captured_at)
        return told, probe.captured_at_from, probe.has_zone
    if (named := captured_at_from_name(name, pattern=clock.name_pattern)) is not None:
        return clock.to_utc(named), "name", False
    is_aware = modified_at.tzinfo is not None
    told = modified_at if is_aware else modified_at.replace(tzinfo=UTC)
    return told.astimezone(UTC), "file", True


def captured_at_from_name(name: str, *, pattern: str = "") -> datetime | None:
    """Read a date with a time of day out of a file name; UTC is assumed.

    Without a pattern these are understood, anywhere in the name: `IMG_20261105_101500`,
    `VID_20261105_101500123`, `20261105101500`, `2026-11-05T10-15-00`, `2026-11-05 10.15.00`,
    `2026-11-05 at 10.15.00`. A date without a time of day is not used: midnight would be a guess.

    Args:
        name: file name, with or without folders; only its last part is read.
        pattern: see `Clock.name_pattern`; it may stand anywhere in the name.

    Returns:
        Aware, UTC; None where there is no such pattern, or where it is no date (month 13).

    Raises:
        ConfigurationError: the pattern has another directive, one twice, or no full date.
    """
    expression = _expression(pattern) if pattern else _NAME_TIME
    for found in expression.finditer(re.split(r"[/\\]", name)[-1][:255]):
        parts = {key: value for key, value in found.groupdict().items() if value}
        fields = [int(parts.get(key, "0")) for key in "YmdHMS"]
        micros = int(parts.get("f", "0").ljust(6, "0"))
        try:
            return datetime(*fields, micros, tzinfo=UTC)  # type: ignore[arg-type,misc]
        except ValueError:
            continue
    return None


def _expression(pattern: str) -> re.Pattern[str]:
    directives = _DIRECTIVE.findall(pattern)
    is_right = set("Ymd") <= set(directives) <= set(_DIGITS) and len(set(directives)) == len(
        directives
    )
    if not is_right:
        raise ConfigurationError(
            f"the name pattern is {pattern!r}; expected %Y, %m and %d, and of %H %M %S %f which "
            "there are, each once"
        )
    pieces = _DIRECTIVE.split(pattern)
    return re.compile(
        "".join(
            f"(?P<{piece}>{_DIGITS[piece]})" if place % 2 else re.escape(piece)
            for place, piece in enumerate(pieces)
        )
    )
