"""Trace rows up to what they were made from, and down to what was made of them.

Every lineage is a set of links between units and parent rows, so both directions are semi joins of
key columns inside one partition, whatever the chain of tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlops_assets.lake import Lake, Partition
from mlops_assets.rows.keys import key_text
from mlops_assets.rows.lineage import Group, Lineage, Pairs
from mlops_assets.rows.parents import Parent
from mlops_assets.rows.tables import Table

_UNIT = "_unit_"


@dataclass(frozen=True)
class Kin:
    """Rows of one table or origin that are related to the rows a trace began with.

    Attributes:
        parent: the table or origin.
        step: links between it and where the trace began, by the longest way.
        keys: key columns of the rows, one row each.
        via: names of the tables on the way that they are next to.
    """

    parent: Parent
    step: int
    keys: pl.DataFrame
    via: tuple[str, ...] = ()

    def joined(self, other: Kin) -> Kin:
        """Both: a table that is reached in two ways."""
        keys = pl.concat([self.keys, other.keys]).unique(maintain_order=True)
        return Kin(self.parent, max(self.step, other.step), keys, (*self.via, *other.via))


def ancestors(table: Table, lake: Lake, partition: Partition, keys: pl.DataFrame) -> list[Kin]:
    """Everything rows were made from, the nearest first; the rows themselves are step 0.

    Args:
        table: of the rows.
        lake: where.
        partition: of the rows.
        keys: their key columns.

    Returns:
        One entry per table and origin; the first parent of a table is there even without a row.
    """
    found = {table.name: Kin(table, 0, keys)}
    for one in _downstream_first(table):
        mine = found.get(one.name)
        if mine is None or mine.keys.is_empty():
            continue
        units = _units_of(one, lake, partition, mine.keys)
        for kin in _made_from(one, lake, partition, units, mine.step + 1):
            before = found.get(kin.parent.name)
            found[kin.parent.name] = kin if before is None else before.joined(kin)
    return sorted(found.values(), key=lambda kin: kin.step)


def _made_from(
    one: Table, lake: Lake, partition: Partition, units: pl.DataFrame, step: int
) -> Iterator[Kin]:
    lineage = one.producer.lineage
    named = units.rename(lambda name: _UNIT + name).lazy()
    for place, reading in enumerate(lineage.readings):
        linked = links(lineage, place, lake, partition)
        mine = linked.join(named, on=_named(lineage), how="semi", nulls_equal=True)
        keys = mine.select(reading.parent.row.row_key).unique(maintain_order=True).collect()
        if keys.height or place == 0:
            yield Kin(reading.parent, step, keys, (one.name,))


def descendants(
    parent: Parent, lake: Lake, partition: Partition, keys: pl.DataFrame, among: Iterable[Table]
) -> list[Kin]:
    """Every stored row that was made from some rows, directly or by other tables.

    Args:
        parent: table or origin of the rows, itself step 0 of the result.
        lake: where.
        partition: of the rows.
        keys: their key columns.
        among: tables to look in, parents before children; those of another partition scheme are
            left out.
    """
    found = {parent.name: Kin(parent, 0, keys)}
    for one in among:
        if one.producer.scheme.columns != partition.columns:
            continue
        for place, reading in enumerate(one.producer.lineage.readings):
            above = found.get(reading.parent.name)
            if above is None or above.keys.is_empty() or above.parent.name == one.name:
                continue
            kin = _made_of(one, place, lake, partition, above)
            before = found.get(one.name)
            found[one.name] = kin if before is None else before.joined(kin)
    return [kin for kin in found.values() if kin.step == 0 or kin.keys.height]


def _made_of(one: Table, place: int, lake: Lake, partition: Partition, above: Kin) -> Kin:
    lineage = one.producer.lineage
    linked = links(lineage, place, lake, partition)
    mine = linked.join(above.keys.lazy(), on=above.keys.columns, how="semi", nulls_equal=True)
    units = mine.select(pl.col(_UNIT + name).alias(name) for name in lineage.by)
    rows = one.rows(lake, partition).join(units, on=lineage.by, how="semi", nulls_equal=True)
    return Kin(one, above.step + 1, rows.select(one.key).unique().collect(), (above.parent.name,))


def links(lineage: Lineage, place: int, lake: Lake, partition: Partition) -> pl.LazyFrame:
    """Which parent rows each unit is made from: the parent's key columns and `_unit_<name>`.

    Args:
        lineage: whose units.
        place: which of its readings.
        lake: where.
        partition: whose rows.
    """
    key = lineage.readings[place].parent.row.row_key
    rows = lineage.rows(place, lake, partition, list(dict.fromkeys([*key, *_linking(lineage)])))
    if isinstance(lineage, Pairs):
        return _pair_links(lineage, rows, key)
    if isinstance(lineage, Group) and not lineage.columns:
        return rows.select(*key, pl.lit(partition.key).alias(_UNIT + lineage.by[0]))
    return rows.select(*key, *[pl.col(name).alias(_UNIT + name) for name in lineage.by])


def _linking(lineage: Lineage) -> tuple[str, ...]:
    if isinstance(lineage, Pairs):
        return (*lineage.by, *lineage.within, lineage.order)
    return lineage.columns if isinstance(lineage, Group) else lineage.by


def _pair_links(lineage: Pairs, rows: pl.LazyFrame, key: tuple[str, ...]) -> pl.LazyFrame:
    """Each unit is named by the first of its two rows."""
    ordered = rows.sort(*lineage.within, lineage.order)
    place, last = pl.int_range(pl.len()), pl.len() - 1
    same_next = [pl.col(n).eq_missing(pl.col(n).shift(-1)) for n in lineage.within]
    same_before = [pl.col(n).eq_missing(pl.col(n).shift(1)) for n in lineage.within]
    first = ordered.filter(pl.all_horizontal(*same_next, place != last))
    before = ordered.with_columns(pl.col(n).shift(1).alias(_UNIT + n) for n in lineage.by)
    second = before.filter(pl.all_horizontal(*same_before, place != 0))
    named = [_UNIT + name for name in lineage.by]
    return pl.concat(
        [
            first.select(*key, *[pl.col(n).alias(_UNIT + n) for n in lineage.by]),
            second.select(*key, *named),
        ]
    )


def _named(lineage: Lineage) -> list[str]:
    return [_UNIT + name for name in lineage.by]


def _downstream_first(table: Table) -> list[Table]:
    """A table and every table above it, each before its parents."""
    placed: dict[str, Table] = {}

    def place(one: Table) -> None:
        if one.name in placed:
            return
        for parent in one.producer.lineage.parents:
            if isinstance(parent, Table):
                place(parent)
        placed[one.name] = one

    place(table)
    return list(reversed(placed.values()))


def _units_of(table: Table, lake: Lake, partition: Partition, keys: pl.DataFrame) -> pl.DataFrame:
    rows = table.rows(lake, partition).join(keys.lazy(), on=table.key, how="semi", nulls_equal=True)
    return rows.select(table.producer.lineage.by).unique().collect()


def as_frame(kin: Iterable[Kin], partition: Partition, *, limit: int = 1000) -> pl.DataFrame:
    """Kin as one frame, a row each, at most `limit` rows of one table.

    Args:
        kin: of one partition.
        partition: which.
        limit: most keys to list per table; `rows` says how many there are.

    Returns:
        `step`, `table`, `partition`, `key`, `rows`, `via`; a table without rows has a null key.
    """
    listed: list[dict[str, Any]] = []
    for one in kin:
        keys = key_text(one.keys.sort(pl.all()).head(limit), one.parent.row.row_key) or [None]
        told = {"step": one.step, "table": one.parent.name, "partition": partition.key}
        more = {"rows": one.keys.height, "via": ", ".join(dict.fromkeys(one.via))}
        listed += [{**told, "key": key, **more} for key in keys]
    return pl.DataFrame(
        listed,
        schema={
            "step": pl.Int64(),
            "table": pl.String(),
            "partition": pl.String(),
            "key": pl.String(),
            "rows": pl.Int64(),
            "via": pl.String(),
        },
    )
