"""How due work is cut: into slices of bounded size, and slices into groups committed together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import polars as pl

from mlops_assets.lake import Lake
from mlops_assets.rows.executors import worker_count
from mlops_assets.rows.parents import FILE
from mlops_assets.rows.plans import Plan
from mlops_assets.rows.slices import Slice
from mlops_assets.rows.tables import How

_OLD = "_old_file"
_BYTES = "_bytes"

SLICE_BYTES = 1 << 30
"""A slice is cut at about so many bytes of what its units are read from."""

_SHARE_BYTES = 4 << 20
"""Work is spread over workers from so many bytes each; less is not worth a commit of its own."""

_UNWEIGHED_BYTES = 256 << 10
"""What a unit counts for then, where its parent does not say what it weighs."""


@dataclass(frozen=True)
class CommitGroup:
    """Slices whose old rows share files, so that each such file is written anew only once.

    `units` has the unit key, `_src` and `why` of all of them.
    """

    slices: tuple[Slice, ...]
    units: pl.DataFrame


def affordable(plan: Plan, lake: Lake, options: Budget) -> pl.DataFrame:
    """The due units one run takes on: the first, and as many more as the budget allows."""
    due = plan.due
    if options.budget_units is not None:
        due = due.head(options.budget_units)
    if options.budget_bytes is None or not plan.producer.how.weigh_by:
        return due
    before = _weighed(plan, lake, due)[_BYTES].cum_sum().shift(1, fill_value=0)
    return due.filter(before < options.budget_bytes)


class Budget(Protocol):
    """The part of a run's options that bounds its work."""

    @property
    def budget_units(self) -> int | None:
        """Most units."""
        ...

    @property
    def budget_bytes(self) -> int | None:
        """Most bytes of what the units are read from."""
        ...


def cut(plan: Plan, lake: Lake, due: pl.DataFrame, how: How) -> list[CommitGroup]:
    """Cut due units into groups of slices.

    Units are ordered by the file their old rows lie in, then by that of their parent, so that a
    changed file touches one Parquet file and a slice reads few.
    """
    if due.is_empty():
        return []
    by = list(plan.producer.lineage.by)
    located = plan.producer.lineage.locate(lake, plan.partition, _weighed(plan, lake, due))
    located = located.join(
        _old_files(plan, by), on=by, how="left", nulls_equal=True, maintain_order="left"
    )
    located = located.sort(_OLD, FILE, nulls_last=True, maintain_order=True)
    workers = worker_count() if how.executor_kind(plan.values) == "processes" else 1
    size = min(how.slice_units, _fair_share(located, workers))
    groups = [located] if how.commit == "partition" else _split(located, size)
    return [_group(plan, lake, part, size) for part in groups]


def _fair_share(units: pl.DataFrame, workers: int) -> int:
    """Units of a slice when every worker has one; all of them where there is little to read."""
    weight = int(units[_BYTES].sum()) or units.height * _UNWEIGHED_BYTES
    parts = min(workers, weight // _SHARE_BYTES)
    return -(-units.height // max(1, parts))


def _weighed(plan: Plan, lake: Lake, due: pl.DataFrame) -> pl.DataFrame:
    """The units with the bytes of what each is read from, where its parent says so."""
    lineage, column = plan.producer.lineage, plan.producer.how.weigh_by
    if not column:
        return due.with_columns(pl.lit(0, pl.Int64()).alias(_BYTES))
    rows = lineage.readings[0].scan(lake, plan.partition, [*lineage.by, column])
    weights = rows.group_by(lineage.by).agg(pl.col(column).max().alias(_BYTES)).collect()
    joined = due.join(weights, on=list(lineage.by), how="left", maintain_order="left")
    return joined.with_columns(pl.col(_BYTES).fill_null(0))


def _old_files(plan: Plan, by: list[str]) -> pl.DataFrame:
    """One old file per unit, that of the first table that has rows of it."""
    files = pl.concat([one.stale_files for one in plan.tables.values()])
    return files.unique(by, keep="first", maintain_order=True).rename({FILE: _OLD})


def _split(located: pl.DataFrame, size: int) -> list[pl.DataFrame]:
    """Parts of bounded size that do not share an old file."""
    old = located[_OLD].to_list()
    parts: list[pl.DataFrame] = []
    start = 0
    for stop in _bounds(located, size):
        apart = stop == located.height or old[stop] is None or old[stop] != old[stop - 1]
        if apart:
            parts.append(located.slice(start, stop - start))
            start = stop
    return parts


def _bounds(units: pl.DataFrame, size: int) -> Iterator[int]:
    """Where to cut: after so many units, or so many bytes, whichever comes first."""
    count, weight = 0, 0
    for place, one in enumerate(units[_BYTES].to_list()):
        if count and (count >= size or weight + one > SLICE_BYTES):
            yield place
            count, weight = 0, 0
        count, weight = count + 1, weight + one
    yield units.height


def _group(plan: Plan, lake: Lake, part: pl.DataFrame, size: int) -> CommitGroup:
    units = part.drop("why", _OLD, _BYTES)
    bounds = [0, *_bounds(part, size)]
    slices = [
        Slice(
            plan.producer.address,
            lake,
            plan.partition,
            units.slice(start, stop - start),
            plan.version,
            plan.values,
        )
        for start, stop in pairwise(bounds)
    ]
    return CommitGroup(tuple(slices), part.drop(FILE, _OLD, _BYTES))
