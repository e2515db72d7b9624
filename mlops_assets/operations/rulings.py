"""Rulings of people: media out of use, in use again, or out of use for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.lake import Lake, current_lake
from mlops_assets.landing import Ruling, rule
from mlops_assets.landing.tombstones import erased_media
from mlops_assets.operations.naming import find_media
from mlops_assets.operations.parameter_values import user
from mlops_assets.operations.tracing import impact


@dataclass(frozen=True)
class Ruled:
    """A ruling, and what it concerns.

    Attributes:
        media_id: SHA-256 of the bytes.
        ruling: the decision.
        files: `source`, `path`, `day` of every landed file with these bytes.
        follows: what is made from them, as `impact` tells it: once out of use, the next run of
            each partition removes the rows; snapshots and models that learned from them stay.
    """

    media_id: str
    ruling: Ruling
    files: pl.DataFrame
    follows: pl.DataFrame


def rule_on(
    media: str, ruling: Ruling, *, reason: str, by: str | None = None, lake: Lake | None = None
) -> Ruled:
    """Put media out of use, in use again, or out of use for good; everything made from it follows.

    Args:
        media: SHA-256 of the bytes, at least its first 8 digits, or `source/path`.
        ruling: `quarantined` waits for somebody to look; `released` is in use, whatever a gate
            says; `rejected` is out of use and waits for nobody. The latest ruling holds.
        reason: why, for people.
        by: who; the user of this process for None.
        lake: which; the current one for None.

    Raises:
        InputError: no such media (`not_found`), no such ruling, no reason (`no_reason`), or the
            media were forgotten (`erased`).
    """
    if ruling not in get_args(Ruling):
        raise InputError(f"ruling {ruling!r}; expected one of {get_args(Ruling)}", reason="ruling")
    if not reason.strip():
        raise InputError("a ruling needs a reason; it is what others will read", reason="no_reason")
    lake = lake or current_lake()
    files = find_media(media, lake)
    media_id = files["media_id"][0]
    if media_id in erased_media(lake):
        raise InputError(f"{media_id} was forgotten; that cannot be undone", reason="erased")
    follows = impact(media_id, lake=lake)
    rule(lake, media_id, ruling, reason=reason.strip(), by=by or user())
    return Ruled(media_id, ruling, files.select("source", "path", "day"), follows)
