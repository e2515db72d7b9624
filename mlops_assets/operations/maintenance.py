"""Maintenance: join small files, fold ledgers, remove files that nothing refers to any more."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from mlops_assets.datasets import REQUESTS
from mlops_assets.errors import PartitionMoved
from mlops_assets.lake import Lake
from mlops_assets.lake.maintenance import compact_partition, vacuum_table
from mlops_assets.landing import ARRIVALS, CURSORS, FAILURES, RULINGS
from mlops_assets.operations.behind import STATES
from mlops_assets.rows import Table
from mlops_assets.rows.markers import stale_markers
from mlops_assets.rows.parameters import PARAMETERS
from mlops_assets.tables import all_tables

LEDGERS = (ARRIVALS, CURSORS, FAILURES, RULINGS, REQUESTS, PARAMETERS, STATES)


@dataclass(frozen=True)
class Maintained:
    """What a maintenance did."""

    partitions_compacted: int
    ledgers_compacted: int
    files_removed: int
    markers_removed: int


def maintain(lake: Lake) -> Maintained:
    """Compact what is in many small files, and vacuum what nothing needs.

    Vacuum keeps every file a snapshot pins, whatever its age, and every file younger than a week.
    """
    names = [name for table in all_tables().values() for name in (table.name, table.skipped_name)]
    pins = pinned_versions(lake)
    compacted = sum(_compact_all(lake, table) for table in all_tables().values())
    removed = sum(len(vacuum_table(lake, name, pinned=pins.get(name, ()))) for name in names)
    stale = stale_markers(lake)
    lake.store.delete(stale)
    return Maintained(compacted, sum(one.compact(lake) for one in LEDGERS), removed, len(stale))


def pinned_versions(lake: Lake) -> dict[str, list[int]]:
    """Table name to the versions that snapshots refer to."""
    rows = lake.scan("snapshots")
    pins: dict[str, list[int]] = {}
    if rows is not None:
        for told in rows.select("table_versions").collect()["table_versions"]:
            for name, version in json.loads(told).items():
                pins.setdefault(name, []).append(version)
    return pins


def _compact_all(lake: Lake, table: Table) -> int:
    snapshot = lake.snapshot(table.name)
    if snapshot is None:
        return 0
    columns = [f"partition.{name}" for name in table.producer.scheme.columns]
    many = snapshot.files.group_by(columns).len().filter(pl.col("len") > 1).drop("len")
    return sum(_compact(lake, table, values) for values in many.iter_rows())


def _compact(lake: Lake, table: Table, values: tuple[str, ...]) -> bool:
    try:
        return bool(compact_partition(lake, table.name, table.producer.scheme.of(*values)))
    except PartitionMoved:
        return False  # a run is at work there; the next maintenance comes back to it
