"""Plans: which units of a partition are due and why, which rows are orphans, what it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from mlops_assets.lake import Lake, Partition, still_lake
from mlops_assets.lake.commits import Base, base_of
from mlops_assets.rows.parameters import current_versions, effective, version_of
from mlops_assets.rows.parents import FILE
from mlops_assets.rows.tables import SRC, VER, Producer, Table

WHY = "why"
_NO_PARTS = (pl.lit(None, pl.Int64()).alias(SRC), pl.lit(None, pl.String()).alias(VER))
_NO_BASE = Base(-1, frozenset())  # a commit to it is refused; an empty plan makes none
REASONS = ("new", "input", "version", "params")


@dataclass(frozen=True)
class Estimate:
    """What the due units may cost, from earlier commits; None where there were none."""

    seconds: float | None
    size_bytes: int | None


@dataclass(frozen=True)
class TablePlan:
    """What one table lacks.

    Attributes:
        base: where the partition stands; not read when no table of the producer needs work.
        skipped_base: the same of the skipped units.
        due: unit key, `_src`, `why`.
        orphans: unit keys whose parent is gone.
        stale_files: unit key and `_file` of the stored rows of orphans, and of units due for any
            table of the producer: one call fills them all, so all are replaced.
        stale_skips: keys of skipped units whose parent is gone, or that have rows by now.
    """

    table: Table
    base: Base
    skipped_base: Base
    due: pl.DataFrame
    orphans: pl.DataFrame
    stale_files: pl.DataFrame
    stored_units: int
    stale_skips: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to compute and nothing to remove."""
        return self.due.is_empty() and self.orphans.is_empty() and self.stale_skips.is_empty()


@dataclass(frozen=True)
class Plan:
    """What a producer must do to bring a partition to the state its inputs imply.

    Attributes:
        due: units to compute for any of its tables: unit key, `_src`, `why`.
        tables: per table.
        version: the `_ver` of rows that will be computed.
        values: parameters and pins the function will be called with.
        waits_for: the pins that have no value yet; such a plan is empty.
    """

    producer: Producer
    partition: Partition
    due: pl.DataFrame
    tables: dict[str, TablePlan]
    version: str
    values: dict[str, Any]
    waits_for: tuple[str, ...]
    estimate: Estimate

    @property
    def is_empty(self) -> bool:
        """Whether the partition is as its inputs imply."""
        return all(plan.is_empty for plan in self.tables.values())

    @property
    def counts(self) -> dict[str, int]:
        """Number of due units by reason, in a fixed order, and of orphans."""
        counted = dict(self.due.group_by(WHY).len().iter_rows())
        found = {why: counted[why] for why in REASONS if why in counted}
        orphans = max((p.orphans.height for p in self.tables.values()), default=0)
        return {**found, "orphans": orphans} if orphans else found

    def __str__(self) -> str:
        """Such as `12 new, 3 input: about 40 s, 18 MB`."""
        if self.waits_for:
            return f"waits for {', '.join(self.waits_for)}"
        if self.is_empty:
            return "nothing due"
        said = ", ".join(f"{count} {why}" for why, count in self.counts.items())
        if not said:
            return "skipped units to clear"
        if self.estimate.seconds is None or self.estimate.size_bytes is None:
            return said
        return (
            f"{said}: about {self.estimate.seconds:.3g} s, {self.estimate.size_bytes / 1e6:.3g} MB"
        )


def make_plan(producer: Producer, lake: Lake, partition: Partition) -> Plan:
    """Compare what should exist with what does; reads narrow columns of one partition only.

    Raises:
        InternalError: two units have one key.
    """
    with still_lake():
        return _plan(producer, lake, partition)


def _plan(producer: Producer, lake: Lake, partition: Partition) -> Plan:
    values = effective(producer, lake, partition.values[0])
    pinned = {name: pin(lake, partition, values) for name, pin in producer.pins.items()}
    waits_for = tuple(name for name, value in pinned.items() if value is None)
    values = {**values, **pinned}
    current = current_versions(producer, values)
    units = None if waits_for else producer.lineage.units(lake, partition)
    plans = {t.name: _table_plan(t, lake, partition, units, current) for t in producer.tables}
    due = _union([plan.due for plan in plans.values()], producer)
    if not all(plan.is_empty for plan in plans.values()):
        plans = {n: _with_bases(plan, lake, partition, due) for n, plan in plans.items()}
    estimate = _estimate(producer, lake, due.height)
    version = version_of(producer, values)
    return Plan(producer, partition, due, plans, version, values, waits_for, estimate)


def _union(parts: Sequence[pl.DataFrame], producer: Producer) -> pl.DataFrame:
    if len(parts) == 1:
        return parts[0]
    return pl.concat(parts).unique(producer.lineage.by, keep="first", maintain_order=True)


def _table_plan(
    table: Table, lake: Lake, partition: Partition, units: pl.DataFrame | None, current: list[str]
) -> TablePlan:
    by = list(table.producer.lineage.by)
    keys = table.producer.lineage.unit_schema
    no_due = pl.DataFrame(schema={**keys, SRC: pl.Int64(), WHY: pl.String()})
    no_keys, no_files = pl.DataFrame(schema=keys), pl.DataFrame(schema={**keys, FILE: pl.String()})
    nothing = TablePlan(table, _NO_BASE, _NO_BASE, no_due, no_keys, no_files, 0, no_keys)
    if units is None:
        return nothing
    none = no_keys.with_columns(_NO_PARTS)
    stored = _stored(table, lake, partition) if _has_files(lake, table.name, partition) else none
    has_skipped = _has_files(lake, table.skipped_name, partition)
    skipped = _skipped(table, lake, partition) if has_skipped else none
    failed = _without(skipped, stored, by)
    held = pl.concat([stored, failed]) if failed.height else stored
    still_skipped = _without(failed, _without(failed, units, by), by)
    stale_skips = _without(skipped, still_skipped, by).select(by)
    found = replace(nothing, stored_units=stored.height, stale_skips=stale_skips)
    if _settled(units, held, current, table.producer):
        return found
    due = _due(units, held, current, table.producer)
    return replace(found, due=due, orphans=_without(stored, units, by).select(by))


def _has_files(lake: Lake, name: str, partition: Partition) -> bool:
    snapshot = lake.snapshot(name)
    return snapshot is not None and not snapshot.of(partition).is_empty()


def _without(rows: pl.DataFrame, others: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    if rows.is_empty() or others.is_empty():
        return rows
    return rows.join(others, on=by, how="anti", nulls_equal=True)


def _with_bases(plan: TablePlan, lake: Lake, partition: Partition, due: pl.DataFrame) -> TablePlan:
    """With what only work needs: where the partition stands, and which files it touches."""
    keys = pl.concat([due.select(plan.orphans.columns), plan.orphans]).unique()
    return replace(
        plan,
        base=base_of(lake.snapshot(plan.table.name), partition),
        skipped_base=base_of(lake.snapshot(plan.table.skipped_name), partition),
        stale_files=_files(plan.table, lake, partition, keys),
    )


def _stored(table: Table, lake: Lake, partition: Partition) -> pl.DataFrame:
    by = table.producer.lineage.by
    rows = table.rows(lake, partition).select(*by, SRC, VER)
    return (rows if set(table.key) == set(by) else rows.unique(by, keep="any")).collect()


def _skipped(table: Table, lake: Lake, partition: Partition) -> pl.DataFrame:
    rows = lake.scan(table.skipped_name, partition)
    names = [*table.producer.lineage.by, SRC, VER]
    return pl.DataFrame() if rows is None else rows.select(names).collect()


def _settled(
    units: pl.DataFrame, held: pl.DataFrame, current: list[str], producer: Producer
) -> bool:
    """Whether both sides are equal, seen without a join: row by row, else by sums of hashes."""
    if units.height != held.height:
        return False
    if not producer.is_history and not set(held[VER].unique().to_list()) <= set(current):
        return False
    columns = list(producer.lineage.by) + ([] if producer.is_history else [SRC])
    wanted, found = units.select(columns), held.select(columns)
    return wanted.equals(found) or _hash_sum(wanted) == _hash_sum(found)


def _hash_sum(rows: pl.DataFrame) -> int:
    hashes = rows.hash_rows(seed=1)
    return int(hashes.to_numpy().sum(dtype="uint64")) if len(hashes) else 0


def _due(
    units: pl.DataFrame, held: pl.DataFrame, current: list[str], producer: Producer
) -> pl.DataFrame:
    by = list(producer.lineage.by)
    joined = units.join(
        held.with_columns(_there=pl.lit(True)),
        on=by,
        how="left",
        suffix="_held",
        nulls_equal=True,
        maintain_order="left",
    )
    why = pl.when(pl.col("_there").is_null()).then(pl.lit("new"))
    if not producer.is_history:
        codes = [version.split("|")[0] for version in current]
        why = (
            why.when(pl.col(SRC).ne_missing(pl.col(f"{SRC}_held")))
            .then(pl.lit("input"))
            .when(pl.col(VER).is_in(current))
            .then(None)
            .when(pl.col(VER).str.split("|").list.first().is_in(codes))
            .then(pl.lit("params"))
            .otherwise(pl.lit("version"))
        )
    return joined.with_columns(why.alias(WHY)).drop_nulls(WHY).select(*by, SRC, WHY)


def _files(table: Table, lake: Lake, partition: Partition, stale: pl.DataFrame) -> pl.DataFrame:
    """The files in which the stored rows of stale units lie."""
    by = list(table.producer.lineage.by)
    snapshot = None if stale.is_empty() else lake.snapshot(table.name)
    if snapshot is None:
        return stale.with_columns(pl.lit("").alias(FILE)).clear()
    paths = snapshot.of(partition)["path"].to_list()
    rows = snapshot.scan_files(paths, partition, name_file_in=FILE).select(*by, FILE)
    found = rows.join(stale.lazy(), on=by, how="semi", nulls_equal=True).unique().collect()
    return found.with_columns(pl.col(FILE).str.strip_prefix(snapshot.uri("")))


def _estimate(producer: Producer, lake: Lake, due: int) -> Estimate:
    if not due:
        return Estimate(0.0, 0)
    snapshot = lake.snapshot(producer.name)
    commits = [] if snapshot is None else snapshot.history(10)
    told = [c for c in commits if c.get("mlops.units")]
    units = sum(c["mlops.units"] for c in told)
    if not units:
        return Estimate(None, None)
    seconds = sum(c["mlops.seconds"] for c in told) / units * due
    return Estimate(seconds, round(sum(c["mlops.bytes"] for c in told) / units * due))
