"""History: the nearest earlier partitions of a source, pinned so that rows say what they saw."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mlops_assets.lake import MEDIA, Lake, Partition

Place = tuple[str, int, int]
"""Day of a partition, number of its rows, and fingerprint of what they were made from."""


@dataclass(eq=False)
class History:
    """What a table knows of a source from earlier days; an instance is a pin of that table.

    The table must be one unit a partition (`group` without `by`): its rows then share one `_src`,
    which the log knows, so no row is read to plan.

    Args:
        table: name of the table.
        enough_rows: no more partitions are taken once they have so many rows together.
        most_partitions: or once there are so many: a change of one makes few others due.
        if_on: a parameter of the table that switches its history off; empty for none.
    """

    table: str
    enough_rows: int
    most_partitions: int
    if_on: str = ""
    _known: dict[str, tuple[int, dict[str, list[Place]]]] = field(default_factory=dict, repr=False)

    def __call__(self, lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str:
        """Such as `2026-11-17..2026-11-19#8f1e03c52a7d9b64`; empty without anything earlier."""
        is_off = bool(self.if_on) and not values[self.if_on]
        places = [] if is_off else self._earlier(lake, partition)
        if not places:
            return ""
        told = "\n".join(f"{day} {fingerprint}" for day, _, fingerprint in places)
        digest = hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
        return f"{places[0][0]}..{places[-1][0]}#{digest}"

    def rows(
        self, lake: Lake, partition: Partition, pinned: str, columns: Sequence[str]
    ) -> pl.LazyFrame | None:
        """Rows of the partitions that a pin names, oldest first; None when it names none.

        Args:
            lake: where.
            partition: whose history.
            pinned: what calling it gave.
            columns: of the table, `source` and `day` among them.
        """
        first, _, last = pinned.partition("#")[0].partition("..")
        days = [day for day, _, _ in self._earlier(lake, partition) if first <= day <= last]
        source = partition.values[0]
        parts = [lake.scan(self.table, MEDIA.of(source, day)) for day in days]
        there = [rows.select(columns) for rows in parts if rows is not None]
        return pl.concat(there) if there else None

    def _earlier(self, lake: Lake, partition: Partition) -> list[Place]:
        """The partitions that are the history of one, the earliest first."""
        source, day = partition.values
        places = self._places(lake).get(source, [])
        chosen: list[Place] = []
        rows = 0
        for place in reversed(places[: bisect_left(places, (day,))]):
            if rows >= self.enough_rows or len(chosen) == self.most_partitions:
                break
            chosen.append(place)
            rows += place[1]
        return chosen[::-1]

    def _places(self, lake: Lake) -> dict[str, list[Place]]:
        """Every partition of every source, in order of days; read from the log."""
        snapshot = lake.snapshot(self.table)
        if snapshot is None or snapshot.files.is_empty():
            return {}
        known = self._known.get(lake.store.root)
        if known is None or known[0] != snapshot.version:
            files = snapshot.files.group_by("partition.source", "partition.day").agg(
                pl.col("num_records").sum(), pl.col("min._src").first()
            )
            found: dict[str, list[Place]] = {}
            for source, *place in files.sort("partition.source", "partition.day").iter_rows():
                found.setdefault(source, []).append((place[0], place[1], place[2]))
            known = self._known[lake.store.root] = snapshot.version, found
        return known[1]
