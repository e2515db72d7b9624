"""Rulings of people: media out of use, and in use again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.lake import Lake, current_lake
from mlops_assets.landing import rule
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
        follows: what is made from them, as `impact` tells it: after a quarantine the next run of
            each partition removes the rows; snapshots and models that learned from them stay.
    """

    media_id: str
    ruling: str
    files: pl.DataFrame
    follows: pl.DataFrame


def quarantine(
    media: str, *, reason: str, by: str | None = None, lake: Lake | None = None
) -> Ruled:
    """Put media out of use; it can be released again.

    Args:
        media: SHA-256 of the bytes, at least its first 8 digits, or `source/path`.
        reason: why, for people.
        by: who; the user of this process for None.
        lake: which; the current one for None.

    Raises:
        InputError: no such media (`not_found`), or no reason (`no_reason`).
    """
    return _rule(media, "quarantined", reason, by, lake or current_lake())


def release(media: str, *, reason: str, by: str | None = None, lake: Lake | None = None) -> Ruled:
    """Put media in use again, whether a person or a gate had quarantined it.

    Arguments and errors as of `quarantine`.
    """
    return _rule(media, "released", reason, by, lake or current_lake())


def _rule(
    media: str,
    ruling: Literal["quarantined", "released"],
    reason: str,
    by: str | None,
    lake: Lake,
) -> Ruled:
    if not reason.strip():
        raise InputError("a ruling needs a reason; it is what others will read", reason="no_reason")
    files = find_media(media, lake)
    media_id = files["media_id"][0]
    follows = impact(media_id, lake=lake)
    rule(lake, media_id, ruling, reason=reason.strip(), by=by or user())
    return Ruled(media_id, ruling, files.select("source", "path", "day"), follows)
