"""Plans of many partitions: what is due, why, and what it may cost."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from mlops_assets.lake import Lake, Partition, current_lake, still_lake
from mlops_assets.operations.naming import known_partitions, partition_named
from mlops_assets.rows import Plan, Producer, make_plan
from mlops_assets.rows.plans import REASONS
from mlops_assets.tables import all_producers, table_named

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""

SCHEMA = pl.Schema(
    {
        "table": pl.String(),
        "partition": pl.String(),
        **dict.fromkeys((*REASONS, "orphans"), pl.Int64()),
        "seconds": pl.Float64(),
        "size_bytes": pl.Int64(),
        "waits_for": pl.String(),
        "summary": pl.String(),
    }
)


def plan(
    table: str | None = None,
    partition: str | None = None,
    *,
    lake: Lake | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """What a run would do, per table and partition; computes nothing.

    A table's plan sees what its parents hold now, not what they will hold after their own run.

    Args:
        table: only this one; tables that one function fills are planned as one.
        partition: only this one, such as `camera-01@2026-11-20`.
        lake: which; the current one for None.
        progress: told after each plan.

    Returns:
        `SCHEMA`: due units by reason, orphans, estimate (null when nothing was computed before).

    Raises:
        ConfigurationError: there is no such table.
        InputError: there is no such partition (`not_found`).
    """
    lake = lake or current_lake()
    producers = all_producers() if table is None else [table_named(table).producer]
    with still_lake():
        asked = [(p, one) for p in producers for one in _partitions(p, partition, lake, table)]
        rows = []
        for done, (producer, one) in enumerate(asked, start=1):
            rows.append(_row(make_plan(producer, lake, one)))
            if progress:
                progress(done, len(asked))
    return pl.DataFrame(rows, schema=SCHEMA)


def _partitions(
    producer: Producer, partition: str | None, lake: Lake, table: str | None
) -> list[Partition]:
    """The partitions to plan; with a partition and no table, only tables of its form are meant."""
    if partition is None:
        return known_partitions(producer.scheme, lake)
    if table is None and partition.count("@") != len(producer.scheme.columns) - 1:
        return []
    return [partition_named(partition, lake, producer.scheme)]


def _row(plan: Plan) -> dict[str, object]:
    counts = dict.fromkeys((*REASONS, "orphans"), 0) | plan.counts
    return {
        "table": plan.producer.name,
        "partition": plan.partition.key,
        **counts,
        "seconds": plan.estimate.seconds,
        "size_bytes": plan.estimate.size_bytes,
        "waits_for": ", ".join(plan.waits_for) or None,
        "summary": str(plan),
    }
