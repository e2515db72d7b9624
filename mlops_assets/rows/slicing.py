"""How due work is cut: into slices of bounded size, and slices into groups committed together."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mlops_assets.lake import Lake
from mlops_assets.rows.parents import FILE
from mlops_assets.rows.plans import Plan
from mlops_assets.rows.slices import Slice
from mlops_assets.rows.tables import How

_OLD = "_old_file"


@dataclass(frozen=True)
class CommitGroup:
    """Slices whose old rows share files, so that each such file is written anew only once.

    `units` has the unit key, `_src` and `why` of all of them.
    """

    slices: tuple[Slice, ...]
    units: pl.DataFrame


def cut(plan: Plan, lake: Lake, due: pl.DataFrame, how: How) -> list[CommitGroup]:
    """Cut due units into groups of slices.

    Units are ordered by the file their old rows lie in, then by that of their parent, so that a changed
    file touches one Parquet file and a slice reads few.
    """
    if due.is_empty():
        return []
    by = list(plan.producer.lineage.by)
    located = plan.producer.lineage.locate(lake, plan.partition, due)
    located = located.join(
        _old_files(plan, by), on=by, how="left", nulls_equal=True, maintain_order="left"
    )
    located = located.sort(_OLD, FILE, nulls_last=True, maintain_order=True)
    groups = [located] if how.commit == "partition" else _split(located, how.slice_units)
    return [_group(plan, lake, part, how.slice_units) for part in groups]


def _old_files(plan: Plan, by: list[str]) -> pl.DataFrame:
    """One old file per unit, that of the first table that has rows of it."""
    files = pl.concat([one.stale_files for one in plan.tables.values()])
    return files.unique(by, keep="first", maintain_order=True).rename({FILE: _OLD})


def _split(located: pl.DataFrame, size: int) -> list[pl.DataFrame]:
    """Parts of about `size` units that do not share an old file."""
    parts: list[pl.DataFrame] = []
    start = 0
    old = located[_OLD].to_list()
    for place in range(1, located.height + 1):
        full = place - start >= size
        apart = place == located.height or old[place] is None or old[place] != old[place - 1]
        if place == located.height or (full and apart):
            parts.append(located.slice(start, place - start))
            start = place
    return parts


def _group(plan: Plan, lake: Lake, part: pl.DataFrame, size: int) -> CommitGroup:
    units = part.drop("why", _OLD)
    slices = [
        Slice(
            plan.producer.address,
            lake,
            plan.partition,
            units.slice(start, size),
            plan.version,
            plan.values,
        )
        for start in range(0, units.height, size)
    ]
    return CommitGroup(tuple(slices), part.drop(FILE, _OLD))
