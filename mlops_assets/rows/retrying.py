"""Forget that units were skipped, so that the next run tries them again."""

from __future__ import annotations

import polars as pl

from mlops_assets.errors import PartitionMoved
from mlops_assets.lake import Lake, Partition, commit_partition, still_lake
from mlops_assets.lake.commits import base_of, stage
from mlops_assets.rows.tables import Producer, Table

_TRIES = 8


def forget_skips(producer: Producer, lake: Lake, partition: Partition, units: pl.DataFrame) -> int:
    """Make skipped units of every table of a producer due again, whatever they failed at.

    Args:
        producer: the function that skipped them.
        lake: where.
        partition: theirs.
        units: their key columns.

    Returns:
        How many units will be tried again; 0 when none of them was skipped.

    Raises:
        PartitionMoved: other writers kept coming first; nothing changed for the last table.
    """
    forgotten = [_forget(table, lake, partition, units) for table in producer.tables]
    return max(forgotten, default=0)


def _forget(table: Table, lake: Lake, partition: Partition, units: pl.DataFrame) -> int:
    for _ in range(_TRIES):
        try:
            return _rewrite(table, lake, partition, units)
        except PartitionMoved:
            continue
    raise PartitionMoved(f"{table.skipped_name} {partition}: moved {_TRIES} times; try again")


def _rewrite(table: Table, lake: Lake, partition: Partition, units: pl.DataFrame) -> int:
    by = list(table.producer.lineage.by)
    with still_lake():
        base = base_of(lake.snapshot(table.skipped_name), partition)
        scanned = lake.scan(table.skipped_name, partition)
        if scanned is None:
            return 0
        before = scanned.drop(partition.columns, strict=False).collect()
    rest = before.join(units.select(by).unique(), on=by, how="anti", nulls_equal=True)
    if rest.height == before.height:
        return 0
    commit_partition(
        lake,
        table.skipped_name,
        partition,
        base=base,
        add=[] if rest.is_empty() else [stage(lake, table.skipped_name, partition, rest)],
        remove=sorted(base.paths),
        schema=before.schema,
        metadata={"mlops.rows": rest.height},
    )
    return before.height - rest.height
