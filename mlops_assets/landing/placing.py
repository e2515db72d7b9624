"""In which partition an arrival belongs: its source's of the day, which rolls over when full."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from mlops_assets.lake import Lake
from mlops_assets.landing.arrivals import latest_arrivals
from mlops_assets.landing.known import Stated
from mlops_assets.settings import settings


class Book:
    """How full the partitions of a day are.

    Args:
        lake: what landed so far.
        now: the time of arrival.
    """

    def __init__(self, lake: Lake, now: datetime) -> None:
        self.now, self.today = now, now.date().isoformat()
        rows = latest_arrivals(lake).filter(pl.col("day").str.starts_with(self.today))
        counted = rows.group_by("source", "day").agg(pl.len(), pl.col("size_bytes").sum())
        self.filled: dict[str, dict[int, tuple[int, int]]] = {}
        for source, day, files, size_bytes in counted.iter_rows():
            turn = int(day.partition(".")[2] or 1)
            self.filled.setdefault(source, {})[turn] = (files, size_bytes)

    def place(self, arrival: Stated) -> Stated:
        """The arrival with `day`, `landed_at` and `recorded_at`; a known path keeps the first two.

        Args:
            arrival: `source`, `size_bytes`, and what was stated of the path before.
        """
        if arrival.get("day"):
            return {**arrival, "recorded_at": self.now}
        turns = self.filled.setdefault(arrival["source"], {})
        turn = max(turns, default=1)
        files, filled = turns.get(turn, (0, 0))
        limits = settings()
        heavy = files and filled + arrival["size_bytes"] > limits.partition_max_gb * 1e9
        if files >= limits.partition_max_files or heavy:
            turn, files, filled = turn + 1, 0, 0
        turns[turn] = (files + 1, filled + arrival["size_bytes"])
        day = self.today if turn == 1 else f"{self.today}.{turn}"
        return {**arrival, "day": day, "landed_at": self.now, "recorded_at": self.now}
