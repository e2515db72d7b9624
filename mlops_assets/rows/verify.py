"""Verify that stored rows are exactly what parents, versions and parameters imply, once each."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from mlops_assets.errors import InternalError
from mlops_assets.lake import Lake, Partition
from mlops_assets.lake.lake import Snapshot
from mlops_assets.rows.fingerprints import fingerprint
from mlops_assets.rows.keys import key_text, text_of
from mlops_assets.rows.plans import WHY, TablePlan, make_plan
from mlops_assets.rows.tables import Producer, Table

PROBLEMS = pl.Schema(
    {
        "table": pl.String(),
        "partition": pl.String(),
        "problem": pl.String(),
        "key": pl.String(),
        "message": pl.String(),
    }
)
"""One row per problem; the key is that of a unit, a row or a file, as the problem says."""

_OURS = re.compile(r"(^|/)[0-9a-f]{32}\.parquet$")  # what `lake.commits.stage` writes
_KEYS_LISTED = 100

Problem = tuple[str, str | None, str]
"""Code, key and message."""


def verify(
    producer: Producer, lake: Lake, partition: Partition, *, quick: bool = False
) -> pl.DataFrame:
    """Everything that is wrong with one partition of a producer's tables.

    Codes: `due` (a unit without current rows), `orphan` (rows whose unit is gone), `stale_skip`,
    `doubled` (a key stored twice), `file_lost`, `file_changed` (of another size than committed),
    `unreadable`, `foreign_file` (not written by this platform, so rows may be missing), `units` (a
    parent row is there twice), `wrong_fingerprint` (a row's content is not what was committed) and
    `other_group` (rows written when a column group had other columns: their readers would not see
    a change).

    Args:
        producer: the function and its tables.
        lake: where.
        partition: which.
        quick: do not read the rows' content; what only it shows is not looked for.

    Returns:
        `PROBLEMS`; empty when all is right. At most 100 keys per table and code.
    """
    damaged = {t.name: list(_damaged_files(t, lake, partition)) for t in producer.tables}
    found = [(name, *problem) for name, problems in damaged.items() for problem in problems]
    if not found:  # a plan cannot read what is damaged
        found = list(_wrong_rows(producer, lake, partition, quick=quick))
    rows = [(table, partition.key, *problem) for table, *problem in found]
    return pl.DataFrame(rows, schema=PROBLEMS, orient="row")


def _wrong_rows(
    producer: Producer, lake: Lake, partition: Partition, *, quick: bool
) -> Iterator[tuple[str, str, str | None, str]]:
    for table in () if quick else producer.tables:
        unread = list(_changed_rows(table, lake, partition))
        yield from ((table.name, *problem) for problem in unread)
        if any(problem[0] == "unreadable" for problem in unread):
            return
    try:
        plan = make_plan(producer, lake, partition)
    except InternalError as err:  # the parent has a row twice
        yield producer.name, "units", None, str(err)
        return
    except pl.exceptions.PolarsError as err:
        yield producer.name, "unreadable", None, str(err).splitlines()[0][:300]
        return
    for one in plan.tables.values():
        yield from ((one.table.name, *problem) for problem in _unplanned(one))
        yield from ((one.table.name, *problem) for problem in _doubled(one.table, lake, partition))


def _damaged_files(table: Table, lake: Lake, partition: Partition) -> Iterator[Problem]:
    snapshot = lake.snapshot(table.name)
    if snapshot is None:
        return
    for path, committed in snapshot.of(partition).select("path", "size_bytes").iter_rows():
        if not _OURS.search(path):
            yield "foreign_file", path, "not written by this platform; compute its rows anew"
            continue
        stored = lake.store.size(f"tables/{table.name}/{path}")
        if stored is None:
            yield "file_lost", path, "the file is gone"
        elif stored != committed:
            yield "file_changed", path, f"has {stored} bytes; {committed} were committed"


def _unplanned(plan: TablePlan) -> Iterator[Problem]:
    by = plan.table.producer.lineage.by
    due = plan.due.head(_KEYS_LISTED)
    for key, why in zip(key_text(due, by), due[WHY], strict=True):
        yield "due", key, f"{why}; {plan.due.height} units are due"
    for key in key_text(plan.orphans.head(_KEYS_LISTED), by):
        yield "orphan", key, "there are rows of it, and nothing to make them from"
    for key in key_text(plan.stale_skips.head(_KEYS_LISTED), by):
        yield "stale_skip", key, "recorded as skipped, and has rows or is gone"


def _doubled(table: Table, lake: Lake, partition: Partition) -> Iterator[Problem]:
    keys = table.rows(lake, partition).group_by(text_of(table.key).alias("key")).len()
    for key, times in keys.filter(pl.col("len") > 1).head(_KEYS_LISTED).collect().iter_rows():
        yield "doubled", key, f"stored {times} times"


def _changed_rows(table: Table, lake: Lake, partition: Partition) -> Iterator[Problem]:
    """Rows whose content does not give their fingerprints; file by file, to bound memory."""
    snapshot = lake.snapshot(table.name)
    paths = [] if snapshot is None else snapshot.of(partition)["path"].to_list()
    told = 0
    for path in paths:
        for problem in _changed_in(table, snapshot, partition, path):
            if told < _KEYS_LISTED:
                yield problem
            told += 1


def _changed_in(
    table: Table, snapshot: Snapshot | None, partition: Partition, path: str
) -> Iterator[Problem]:
    if snapshot is None:
        return
    try:
        rows = snapshot.scan_files([path], partition).collect()
    except (pl.exceptions.PolarsError, OSError) as err:
        yield "unreadable", path, str(err).splitlines()[0][:300]
        return
    declared = table.schema
    missing = [pl.lit(None, declared[n]).alias(n) for n in declared if n not in rows.columns]
    rows = rows.with_columns(missing)  # a column added since, which no commit has widened yet
    wrong = rows.filter(_is_wrong(table, rows, None))
    for key in key_text(wrong, table.key):
        yield "wrong_fingerprint", key, "_fp does not fit the content"
    if wrong.is_empty():
        yield from _wrong_groups(table, rows, path)


def _wrong_groups(table: Table, rows: pl.DataFrame, path: str) -> Iterator[Problem]:
    """Rows that are what was committed, but not the fingerprints of their column groups."""
    for group in table.row.row_groups:
        wrong = rows.filter(_is_wrong(table, rows, group))
        name = table.fingerprint_column(group)
        if wrong.height and wrong.height == rows.height:
            message = f"every {name} is of other columns than {group!r} has now: raise the version"
            yield "other_group", path, message
            continue
        for key in key_text(wrong, table.key):
            yield "wrong_fingerprint", key, f"{name} does not fit the content"


def _is_wrong(table: Table, rows: pl.DataFrame, group: str | None) -> pl.Series:
    """Whether a stored fingerprint is another than the content's; null where it was not stored."""
    stored = rows[table.fingerprint_column(group)]
    of = fingerprint(rows, table.row.reading(group))
    return stored.ne_missing(of) if group is None else (stored != of).fill_null(value=False)
