"""How far each source has been listed, and what could not be taken in: two ledgers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from mlops_assets.errors import ConfigurationError, InputError, MlopsError
from mlops_assets.lake import Lake, Ledger
from mlops_assets.landing.connectors import Item

_TIME = pl.Datetime("us", "UTC")
_FIRST_RETRY_S = 60.0
_LAST_RETRY_S = 86_400.0
_LAST_LISTING_S = 900.0

CURSORS = Ledger(
    "landing_cursors",
    pl.Schema(
        {"source": pl.String(), "of": pl.String(), "cursor": pl.String(), "recorded_at": _TIME}
    ),
    ("source", "of"),
)
"""Where the listing of a source goes on. `of` describes the connector whose cursor it is."""

FAILURES = Ledger(
    "landing_failures",
    pl.Schema(
        {
            "source": pl.String(),
            "path": pl.String(),
            "reason": pl.String(),
            "message": pl.String(),
            "mark": pl.String(),
            "item_json": pl.String(),
            "tries": pl.Int64(),
            "retry_at": _TIME,
            "recorded_at": _TIME,
        }
    ),
    ("source", "path"),
)
"""What could not be taken in; no `reason` once it was.

An empty `path` is the listing of the source; `(landing zone)` a folder of its name that is refused.
"""


@dataclass(frozen=True)
class Failure:
    """One item, or one listing, that failed.

    Attributes:
        source: of which source.
        path: the item's, as far as it has one; empty for the listing.
        item: what failed; None for the listing.
        tries: so many times in a row.
        error: the latest error.
    """

    source: str
    path: str
    item: Item | None
    tries: int
    error: MlopsError

    def row(self, now: datetime) -> dict[str, object]:
        """As stated in the ledger. Bad items wait until they change; all else is tried again."""
        longest_s = _LAST_RETRY_S if self.item else _LAST_LISTING_S
        wait_s = min(_FIRST_RETRY_S * 2 ** min(self.tries - 1, 30), longest_s)
        is_bad = isinstance(self.error, InputError)
        return {
            "source": self.source,
            "path": self.path,
            "reason": reason_of(self.error),
            "message": str(self.error)[:1000],
            "mark": self.item.mark if self.item else None,
            "item_json": self.item.to_json() if self.item else None,
            "tries": self.tries,
            "retry_at": None if is_bad else now + timedelta(seconds=wait_s),
            "recorded_at": now,
        }


def reason_of(error: MlopsError) -> str:
    """A code for people: an item's own, `misconfigured`, or `unreachable`."""
    if isinstance(error, InputError):
        return error.reason
    return "misconfigured" if isinstance(error, ConfigurationError) else "unreachable"


def open_failures(lake: Lake) -> pl.DataFrame:
    """What could not be taken in and has not been since.

    Returns:
        `source`, `path` (empty for the listing of a source), `reason`, `message`, `tries`,
        `retry_at` (none: not before the item changes), `recorded_at`, and what a retry needs.
    """
    return FAILURES.latest(lake).filter(pl.col("reason").is_not_null())


def state_failures(
    lake: Lake, failures: list[Failure], resolved: list[tuple[str, str]], now: datetime
) -> None:
    """State what failed, and what no longer does, in one append."""
    rows: list[Mapping[str, object]] = [one.row(now) for one in failures]
    rows += [{"source": s, "path": p, "tries": 0, "recorded_at": now} for s, p in resolved]
    FAILURES.append(lake, pl.DataFrame(rows, schema=FAILURES.schema))


Cursors = dict[tuple[str, str], str | None]
"""Where listings go on, by source and description of its connector; None: from the start."""


def known_cursors(lake: Lake) -> Cursors:
    """Where each listing goes on."""
    rows = CURSORS.latest(lake).select("source", "of", "cursor").iter_rows()
    return {(source, of): cursor for source, of, cursor in rows}


def state_cursors(lake: Lake, cursors: Cursors, now: datetime) -> None:
    """State where listings go on, in one append."""
    rows = [
        {"source": source, "of": of, "cursor": cursor, "recorded_at": now}
        for (source, of), cursor in cursors.items()
    ]
    CURSORS.append(lake, pl.DataFrame(rows, schema=CURSORS.schema))
