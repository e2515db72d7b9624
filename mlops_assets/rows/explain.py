"""Explain one row: it is as its inputs imply, or due, skipped, unwanted or missing, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from mlops_assets.lake import Lake, Partition
from mlops_assets.rows.keys import has_key, key_text, text_of
from mlops_assets.rows.lineage import Group, Lineage
from mlops_assets.rows.parents import Parent
from mlops_assets.rows.plans import WHY, Plan, make_plan
from mlops_assets.rows.tables import VER, Table

_KEY_TEXT = "_key"

State = Literal["current", "due", "orphan", "skipped", "filtered", "missing", "waiting"]


@dataclass(frozen=True)
class Explanation:
    """Why a row is as it is.

    Attributes:
        table: name of the table.
        partition: key of the partition.
        key: as it was asked for.
        state: `current`; `due`; `orphan` (its parent is gone); `skipped` (computed, no row);
            `filtered` (its parent is there and not wanted); `missing` (nothing to make it from);
            `waiting` (for a pin, such as the first champion).
        reason: code: why due, or why skipped.
        message: for people.
        because: of the parent, where the reason lies there.
    """

    table: str
    partition: str
    key: str
    state: State
    reason: str | None
    message: str
    because: Explanation | None = None

    def chain(self) -> Iterator[Explanation]:
        """This explanation and those it rests on."""
        yield self
        if self.because is not None:
            yield from self.because.chain()


def explain(table: Table, lake: Lake, partition: Partition, key: str) -> Explanation:
    """Whether a row is as its inputs imply, and if not, or if there is none, why.

    Args:
        table: of the row.
        lake: where.
        partition: of the row.
        key: of the row, or of the unit (the parent) it would be made from.
    """
    plan = make_plan(table.producer, lake, partition)
    said = Explanation(table.name, partition.key, key, "current", None, "as its inputs imply")
    stored = table.rows(lake, partition).filter(has_key(table, key)).head(1).collect()
    if plan.waits_for:
        message = f"the table waits for {', '.join(plan.waits_for)}"
        return replace(said, state="waiting", message=message)
    if stored.is_empty():
        return _explain_absent(plan, table, lake, said)
    unit = stored.select(table.producer.lineage.by)
    due = _same_unit(plan.due, unit)
    if due.height:
        why = due[WHY][0]
        return replace(said, state="due", reason=why, message=_why(why, plan, stored[VER][0]))
    if _same_unit(plan.tables[table.name].orphans, unit).height:
        return _explain_parent(table, lake, partition, unit, replace(said, state="orphan"))
    return said


def _explain_absent(plan: Plan, table: Table, lake: Lake, said: Explanation) -> Explanation:
    """There is no such row: is its unit due, was it skipped, or is there no such unit?"""
    by = table.producer.lineage.by
    units = table.producer.lineage.units(lake, plan.partition)
    mine = _unit_named(units, by, said.key)
    if mine.is_empty():
        unit = pl.DataFrame({by[0]: [said.key]}) if len(by) == 1 else mine.select(by)
        return _explain_parent(table, lake, plan.partition, unit, replace(said, state="missing"))
    due = _same_unit(plan.due, mine)
    if due.height:
        why = due[WHY][0]
        return replace(said, state="due", reason=why, message=_why(why, plan, None))
    skipped = lake.scan(table.skipped_name, plan.partition)
    failed = None if skipped is None else _same_unit(skipped.collect(), mine)
    if failed is not None and failed.height:
        reason, message = failed.select("reason", "message").row(0)
        return replace(said, state="skipped", reason=reason, message=message)
    unit = key_text(mine, by)[0]
    message = f"{unit} was computed and gave other rows; none has this key"
    return replace(said, state="missing", message=message)


def _explain_parent(
    table: Table, lake: Lake, partition: Partition, unit: pl.DataFrame, said: Explanation
) -> Explanation:
    """No unit: what is the matter with the row it would be made from?"""
    lineage = table.producer.lineage
    parent = lineage.readings[0].parent
    if isinstance(lineage, Group) or unit.is_empty():
        names = ", ".join(one.name for one in lineage.parents)
        return replace(said, message=f"no row of {names} belongs to it")
    needed = [] if lineage.where is None else lineage.where.meta.root_names()
    owner = [] if lineage.only is None else [lineage.only.on]
    columns = list(dict.fromkeys([*parent.row.row_key, *lineage.by, *needed, *owner]))
    rows = lineage.readings[0].scan(lake, partition, columns).select(columns).collect()
    mine = _unit_named(rows, lineage.by, key_text(unit, lineage.by)[0])
    if mine.height:
        state = said.state if said.state == "orphan" else "filtered"
        if lineage.only is not None:
            mine = lineage.only(mine.lazy(), lake, partition).collect()
            if mine.is_empty():
                message = f"{lineage.only.gate.name} does not let it through"
                return replace(said, state=state, message=message)
        return replace(said, state=state, message=_unwanted(parent, mine, needed, lineage))
    because = None
    if isinstance(parent, Table):
        because = explain(parent, lake, partition, said.key)
    return replace(said, message=f"{parent.name} has no row of it", because=because)


def _unwanted(parent: Parent, rows: pl.DataFrame, needed: list[str], lineage: Lineage) -> str:
    name = key_text(rows, parent.row.row_key)[0]
    if lineage.where is not None and rows.filter(lineage.where).is_empty():
        values = ", ".join(f"{n}={v}" for n, v in rows.select(needed).row(0, named=True).items())
        return f"{parent.name} {name} is not wanted here: {values}"
    return f"nothing follows {parent.name} {name}"


def _why(why: str, plan: Plan, stored_version: str | None) -> str:
    if why == "input":
        return "what it is made from changed since"
    if why == "new" or stored_version is None:
        return "it was never computed"
    code, _, values = stored_version.partition("|")
    if why == "version":
        return f"made by version {code}; the code is version {plan.producer.version}"
    before, now = json.loads(values), json.loads(plan.version.partition("|")[2])
    changed = [n for n in sorted({*before, *now}) if before.get(n) != now.get(n)]
    return ", ".join(f"{n}: {before.get(n)} is now {now.get(n)}" for n in changed)


def _same_unit(rows: pl.DataFrame, unit: pl.DataFrame) -> pl.DataFrame:
    return rows.join(unit, on=unit.columns, how="semi", nulls_equal=True)


def _unit_named(rows: pl.DataFrame, by: tuple[str, ...], key: str) -> pl.DataFrame:
    """The rows of a unit, or of the longest one that a row's key begins with (`<unit>#000003`)."""
    named = rows.with_columns(text_of(by).alias(_KEY_TEXT))
    exact = named.filter(pl.col(_KEY_TEXT) == key)
    if exact.height:
        return exact.drop(_KEY_TEXT)
    begins = pl.lit(key).str.starts_with(pl.col(_KEY_TEXT))
    parted = pl.lit(key).str.slice(pl.col(_KEY_TEXT).str.len_chars(), 1).str.contains(r"\W")
    within = named.filter(begins & parted)
    longest = within.sort(pl.col(_KEY_TEXT).str.len_chars(), descending=True).head(1)
    return longest.drop(_KEY_TEXT)
