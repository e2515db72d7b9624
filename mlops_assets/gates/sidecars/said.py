"""What a sidecar says, in whichever dialect it was said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Dialect = Literal["own", "takeout", "xmp"]


@dataclass(frozen=True)
class SidecarLabel:
    """One label of a sidecar.

    Attributes:
        label: not blank.
        annotator: who said so; None where not stated.
        labelled_at: aware, UTC; None where not stated.
    """

    label: str
    annotator: str | None = None
    labelled_at: datetime | None = None


@dataclass(frozen=True)
class Sidecar:
    """What a sidecar says.

    Attributes:
        captured_at: aware, UTC.
        device: what took it.
        caption: one text.
        tags: no blanks, no repeats, in the order given.
        labels: in the order given.
        privacy: flags such as `faces`; no blanks, no repeats.
        place: latitude and longitude, degrees, WGS 84.
        extra: every other field as it was, JSON values only; of Takeout and XMP every field.
        dialect: how it was said.
    """

    captured_at: datetime | None = None
    device: str | None = None
    caption: str | None = None
    tags: list[str] = field(default_factory=list)
    labels: list[SidecarLabel] = field(default_factory=list)
    privacy: list[str] = field(default_factory=list)
    place: tuple[float, float] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    dialect: Dialect = "own"
