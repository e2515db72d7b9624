"""Champions by time: which version of a model was, or is, in use for a partition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from mlops_assets.lake import Lake
from mlops_assets.settings import settings

_KNOWN: dict[tuple[str, str], tuple[int, list[Champion]]] = {}


@dataclass(frozen=True)
class Champion:
    """A promoted model version."""

    model: str
    version: int
    decided_at: datetime
    snapshot_id: str

    @property
    def name(self) -> str:
        """Such as `scene/3`."""
        return f"{self.model}/{self.version}"


def champions(lake: Lake, model: str) -> list[Champion]:
    """Every promoted version of a model, oldest first."""
    snapshot = lake.snapshot("models")
    if snapshot is None:
        return []
    known = _KNOWN.get((lake.store.root, model))
    if known is None or known[0] != snapshot.version:
        known = _KNOWN[lake.store.root, model] = snapshot.version, _promoted(snapshot.scan(), model)
    return known[1]


def _promoted(models: pl.LazyFrame, model: str) -> list[Champion]:
    mine = models.filter((pl.col("model") == model) & pl.col("is_promoted"))
    found = mine.select("version", "decided_at", "snapshot_id").sort("decided_at").collect()
    return [Champion(model, *row) for row in found.iter_rows()]


def champion_for(lake: Lake, model: str, day: str) -> Champion | None:
    """The version that scores a partition of an arrival day.

    A promotion reaches back `settings().look_back_days`: a partition is scored by the latest
    version promoted before its day plus that. Older partitions keep the version they had.

    Args:
        lake: where the models are.
        model: name of the model.
        day: the partition's day, `2026-11-20` or `2026-11-20.2`.
    """
    until = date.fromisoformat(day.partition(".")[0]) + timedelta(days=settings().look_back_days)
    able = [one for one in champions(lake, model) if one.decided_at.date() <= until]
    return able[-1] if able else None
