"""Rulings: what people decided about media, by hash; the latest holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import polars as pl

from mlops_assets.lake import Lake, Ledger

Ruling = Literal["quarantined", "released", "rejected"]
"""Out of use until somebody looks; in use, whatever a gate says; out of use for good."""

RULINGS = Ledger(
    "rulings",
    pl.Schema(
        {
            "media_id": pl.String(),
            "ruling": pl.String(),
            "reason": pl.String(),
            "ruled_by": pl.String(),
            "recorded_at": pl.Datetime("us", "UTC"),
        }
    ),
    ("media_id",),
)


def rule(
    lake: Lake,
    media_id: str,
    ruling: Ruling,
    *,
    reason: str,
    by: str,
    now: datetime | None = None,
) -> None:
    """State that media is out of use or in use; everything made from it follows.

    Args:
        lake: where.
        media_id: SHA-256 of the bytes.
        ruling: the decision.
        reason: why, for people.
        by: who.
        now: when; the time of the call for None.
    """
    stated = {
        "media_id": media_id,
        "ruling": ruling,
        "reason": reason,
        "ruled_by": by,
        "recorded_at": now or datetime.now(UTC),
    }
    RULINGS.append(lake, pl.DataFrame([stated], schema=RULINGS.schema))
