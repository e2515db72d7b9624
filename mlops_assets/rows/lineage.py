"""Lineage kinds: small queries that say which units of work should exist, and from what.

A *unit* is what a function is called for: one parent row (`each`, `expand`), two consecutive ones
(`pairs`), or many (`group`). The rows it yields carry the unit's key columns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from mlops_assets.errors import InternalError
from mlops_assets.lake import Lake, Partition
from mlops_assets.rows.fingerprints import as_signed, as_unsigned, combine, mix
from mlops_assets.rows.parents import FILE, Parent, Read, Reading, reading

NEXT = "next_"


@dataclass(frozen=True)
class Grouped:
    """The argument of a function over `group`: a key and, per parent, its rows."""

    key: dict[str, Any]
    rows: dict[str, pl.DataFrame]

    def __getitem__(self, parent: str) -> pl.DataFrame:
        """The rows of one parent; empty when it has none in this group."""
        return self.rows[parent]


@dataclass(frozen=True)
class Only:
    """Leave for some rows of a parent to be used: those whose owner another table lets through.

    A row is not made from the leave: granting it makes units new, withdrawing it makes them
    orphans, and nothing else changes.

    Args:
        gate: the table that grants it; while it has no row for an owner, there is no leave.
        on: the column that names the owner, in the gate and in the parent.
        where: which rows of the gate grant it.
    """

    gate: Parent
    on: str
    where: pl.Expr

    def __call__(self, rows: pl.LazyFrame, lake: Lake, partition: Partition) -> pl.LazyFrame:
        """The rows of a partition whose owner has leave."""
        columns = [self.on, *self.where.meta.root_names()]
        granted = self.gate.scan(lake, partition, Read(tuple(columns)))
        owners = granted.filter(self.where).select(self.on)
        return rows.join(owners, on=self.on, how="semi", maintain_order="left")


@dataclass(frozen=True)
class Lineage(ABC):
    """Which units should exist in a partition, and what each is made from."""

    kind: Literal["each", "expand", "pairs", "group"]
    readings: tuple[Reading, ...]
    by: tuple[str, ...]
    where: pl.Expr | None = None
    only: Only | None = None

    @property
    def parents(self) -> tuple[Parent, ...]:
        """The tables and origins read, and last the one that grants leave."""
        gates = () if self.only is None else (self.only.gate,)
        return (*(r.parent for r in self.readings), *gates)

    @property
    def unit_schema(self) -> pl.Schema:
        """Key columns of a unit."""
        declared = self.readings[0].parent.row.schema()
        return pl.Schema({name: declared.get(name, pl.String()) for name in self.by})

    def units(self, lake: Lake, partition: Partition) -> pl.DataFrame:
        """Every unit that should exist: its key columns and `_src`, one row each.

        Raises:
            InternalError: two units have one key.
        """
        units = self._units(lake, partition)
        if not _are_unique(units.select(self.by)):
            parent = self.readings[0].parent.name
            raise InternalError(f"units of {parent} are not unique by {self.by} in {partition}")
        return units

    @abstractmethod
    def _units(self, lake: Lake, partition: Partition) -> pl.DataFrame: ...

    @abstractmethod
    def inputs(
        self, lake: Lake, partition: Partition, units: pl.DataFrame
    ) -> Iterator[tuple[dict[str, Any], Any]]:
        """Unit key and argument, one by one, in the order of `units` (with `_file`)."""

    def locate(self, lake: Lake, partition: Partition, units: pl.DataFrame) -> pl.DataFrame:
        """The units with `_file`, where their first parent row lies, ordered by it."""
        first = self.readings[0]
        places = first.scan(lake, partition, self.by, with_file=True).select(*self.by, FILE)
        places = places.unique(self.by, keep="any")
        located = units.lazy().join(places, on=self.by, how="left", maintain_order="left")
        return located.sort(FILE, maintain_order=True).collect()

    def rows(
        self,
        place: int,
        lake: Lake,
        partition: Partition,
        columns: Sequence[str],
        files: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Some columns and `_fp` of one parent, as far as `where` and `only` let its rows through.

        Args:
            place: which of the readings; `where` is about the first.
            lake: where.
            partition: of the rows.
            columns: which; more may come back.
            files: only the rows in these files.
        """
        where = self.where if place == 0 else None
        only = self.only if place == 0 or self._is_owned(place) else None
        needed = [] if where is None else where.meta.root_names()
        needed += [] if only is None else [only.on]
        rows = self.readings[place].scan(lake, partition, [*columns, *needed], files=files)
        rows = rows if where is None else rows.filter(where)
        return rows if only is None else only(rows, lake, partition)

    def _is_owned(self, place: int) -> bool:
        """Whether leave is asked for the rows of a further parent: what is joined follows."""
        if self.kind != "group" or self.only is None:
            return False
        return self.only.on in self.readings[place].parent.row.columns()


@dataclass(frozen=True)
class Single(Lineage):
    """One unit per parent row: `each`, `expand`."""

    def _units(self, lake: Lake, partition: Partition) -> pl.DataFrame:
        found = self.rows(0, lake, partition, self.by).select(*self.by, pl.col("_fp").alias("_src"))
        if len(self.readings) == 1:
            return found.collect()
        for place, other in enumerate(self.readings[1:]):
            rows = other.scan(lake, partition, self.by).rename({"_fp": f"_fp{place}"})
            found = found.join(rows, on=self.by, how="left", maintain_order="left")
        units = found.collect()
        parts = [units[name] for name in units.columns if name.startswith(("_src", "_fp"))]
        return units.select(self.by).with_columns(combine(parts))

    def table(self, lake: Lake, partition: Partition, units: pl.DataFrame) -> pl.DataFrame:
        """What the function reads of these units, as one data frame in their order."""
        first = self.readings[0]
        files = units[FILE].drop_nulls().unique().to_list() if FILE in units.columns else None
        columns = list(dict.fromkeys([*self.by, *first.columns]))
        rows = self.rows(0, lake, partition, columns, files).select(columns)
        found = units.lazy().select(self.by)
        found = found.join(rows, on=self.by, how="left", maintain_order="left")
        for other in self.readings[1:]:
            extra = other.scan(lake, partition, [*self.by, *other.columns]).drop("_fp")
            found = found.join(extra, on=self.by, how="left", maintain_order="left")
        return found.collect()

    def inputs(
        self, lake: Lake, partition: Partition, units: pl.DataFrame
    ) -> Iterator[tuple[dict[str, Any], Any]]:
        """See `Lineage.inputs`; the argument is a row of the parent."""
        row = self.readings[0].parent.row
        for values in self.table(lake, partition, units).iter_rows(named=True):
            yield {name: values[name] for name in self.by}, row.of(values)


@dataclass(frozen=True)
class Pairs(Lineage):
    """One unit per two consecutive parent rows, named by the first."""

    within: tuple[str, ...] = ()
    order: str = ""

    def _units(self, lake: Lake, partition: Partition) -> pl.DataFrame:
        rows = self._ordered(lake, partition, self.by)
        following = rows["_fp"].shift(-1)
        units = rows.select(self.by).with_columns(combine([rows["_fp"], following]))
        return units.filter(rows["_paired"])

    def _ordered(
        self, lake: Lake, partition: Partition, columns: Sequence[str], read_where: bool = True
    ) -> pl.DataFrame:
        names = list(dict.fromkeys([*columns, *self.within, self.order]))
        rows = self.rows(0, lake, partition, names).select(*names, "_fp")
        rows = rows.sort(*self.within, self.order)
        same = [pl.col(name).eq_missing(pl.col(name).shift(-1)) for name in self.within]
        last = pl.int_range(pl.len()) == pl.len() - 1
        return rows.with_columns(_paired=pl.all_horizontal(*same, ~last)).collect()

    def inputs(
        self, lake: Lake, partition: Partition, units: pl.DataFrame
    ) -> Iterator[tuple[dict[str, Any], Any]]:
        """See `Lineage.inputs`; the argument is the two rows."""
        row = self.readings[0].parent.row
        order = self._ordered(lake, partition, self.by)
        links = order.select(
            *self.by, *[pl.col(name).shift(-1).alias(NEXT + name) for name in self.by]
        ).join(units.select(self.by), on=self.by, how="right", maintain_order="right")
        keys = pl.concat(
            [links.select(self.by), links.select(pl.col(NEXT + n).alias(n) for n in self.by)]
        ).unique()
        columns = list(dict.fromkeys([*self.by, *self.readings[0].columns]))
        rows = self.rows(0, lake, partition, columns).select(columns)
        found = rows.join(keys.lazy(), on=self.by, how="semi").collect()
        held = {
            tuple(values[n] for n in self.by): row.of(values)
            for values in found.iter_rows(named=True)
        }
        for link in links.iter_rows(named=True):
            first = tuple(link[name] for name in self.by)
            second = tuple(link[NEXT + name] for name in self.by)
            yield dict(zip(self.by, first, strict=True)), (held[first], held[second])


@dataclass(frozen=True)
class Group(Lineage):
    """One unit per value of the grouping columns; of the whole partition when there are none."""

    columns: tuple[str, ...] = field(default=())

    def _units(self, lake: Lake, partition: Partition) -> pl.DataFrame:
        parts = [self._digests(place, lake, partition) for place in range(len(self.readings))]
        units = parts[0].rename({"_digest": "_fp0"})
        for place, part in enumerate(parts[1:], start=1):
            units = units.join(
                part.rename({"_digest": f"_fp{place}"}),
                on=self.by,
                how="full",
                coalesce=True,
                nulls_equal=True,
            )
        sources = [units[f"_fp{place}"] for place in range(len(parts))]
        return units.select(self.by).with_columns(combine(sources)).sort(self.by)

    def _digests(self, place: int, lake: Lake, partition: Partition) -> pl.DataFrame:
        rows = self.rows(place, lake, partition, self.columns).select(*self.columns, "_fp")
        rows = rows.collect()
        mixed = as_signed("_digest", mix(as_unsigned(rows["_fp"])))
        key = [] if self.columns else [pl.lit(partition.key).alias(self.by[0])]
        keyed = rows.with_columns(mixed, *key)
        return keyed.group_by(self.by).agg(pl.col("_digest").bitwise_xor())

    def locate(self, lake: Lake, partition: Partition, units: pl.DataFrame) -> pl.DataFrame:
        """See `Lineage.locate`; a group lies in many files, so in none."""
        return units.with_columns(pl.lit("").alias(FILE))

    def inputs(
        self, lake: Lake, partition: Partition, units: pl.DataFrame
    ) -> Iterator[tuple[dict[str, Any], Any]]:
        """See `Lineage.inputs`; the argument is a `Grouped`."""
        names = [reading.parent.name for reading in self.readings]
        for key in units.select(self.by).iter_rows(named=True):
            found = {
                name: self._of(place, lake, partition, key) for place, name in enumerate(names)
            }
            yield key, Grouped(key, found)

    def _of(
        self, place: int, lake: Lake, partition: Partition, key: dict[str, Any]
    ) -> pl.DataFrame:
        columns = list(dict.fromkeys([*self.columns, *self.readings[place].columns]))
        rows = self.rows(place, lake, partition, columns).select(columns)
        wanted = [pl.col(name).eq_missing(pl.lit(key[name])) for name in self.columns]
        return rows.filter(wanted).collect() if wanted else rows.collect()


def each(
    *parents: Parent | Reading, where: pl.Expr | None = None, only: Only | None = None
) -> Lineage:
    """One unit per row of the first parent; further parents are joined by the same key, if there.

    A unit yields at most one row, whose key is the parent's.
    """
    readings = tuple(reading(parent) for parent in parents)
    return Single("each", readings, readings[0].parent.row.row_key, where, only)


def expand(
    parent: Parent | Reading,
    *,
    by: str | None = None,
    where: pl.Expr | None = None,
    only: Only | None = None,
) -> Lineage:
    """One unit per parent row; it yields any number of rows, committed together.

    Args:
        parent: what is read.
        by: the column that names a parent row, when it is not the key.
        where: which parent rows.
        only: leave that another table must have granted to their owner.
    """
    one = reading(parent)
    return Single("expand", (one,), (by,) if by else one.parent.row.row_key, where, only)


def pairs(
    parent: Parent | Reading,
    *,
    within: str | tuple[str, ...],
    order: str,
    where: pl.Expr | None = None,
    only: Only | None = None,
) -> Lineage:
    """One unit per two rows that follow each other in `order` within equal `within`."""
    one = reading(parent)
    scope = (within,) if isinstance(within, str) else within
    return Pairs("pairs", (one,), one.parent.row.row_key, where, only, scope, order)


def group(
    *parents: Parent | Reading,
    by: str | tuple[str, ...] = (),
    where: pl.Expr | None = None,
    only: Only | None = None,
) -> Lineage:
    """One unit per value of `by`, of all rows with it; of the whole partition without `by`.

    A unit of a whole partition has the key column `partition`. `only` holds for every parent that
    has the owner's column.
    """
    readings = tuple(reading(parent) for parent in parents)
    columns = (by,) if isinstance(by, str) else by
    return Group("group", readings, columns or ("partition",), where, only, columns)


def batches(
    lineage: Lineage, lake: Lake, partition: Partition, units: pl.DataFrame, size: int
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Units and what the function reads of them, `size` at a time; the last batch may be smaller.

    Raises:
        InternalError: the lineage is not one row per unit.
    """
    if not isinstance(lineage, Single):
        raise InternalError(
            f"batch_size needs each or expand; this table is made by {lineage.kind}"
        )
    for start in range(0, units.height, size):
        part = units.slice(start, size)
        yield part, lineage.table(lake, partition, part)


def _are_unique(keys: pl.DataFrame) -> bool:
    """Whether no key occurs twice: told by hashes, a tenth of the time where they all differ."""
    if keys.height < 2:
        return True
    hashes = np.sort(keys.hash_rows(seed=1).to_numpy())
    return not (hashes[1:] == hashes[:-1]).any() or keys.n_unique() == keys.height
