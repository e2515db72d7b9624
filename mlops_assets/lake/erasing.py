"""Erase rows for good: from what is active, from every older file, and from what the log says.

The active files change by a commit, as everything does. Older files, which pinned versions and time
travel read, are written anew under their own names without the rows, and the log is made to say so:
an older version then reads as it was, less what was erased.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from mlops_assets.errors import PartitionMoved
from mlops_assets.lake.commits import StagedFile, base_of, commit_partition, stage
from mlops_assets.lake.lake import Lake, Snapshot
from mlops_assets.lake.logs import files_in_log, restate_files
from mlops_assets.lake.partitions import Partition

_ATTEMPTS = 8
_ROW = "_row"
TEXT = (pl.String(), pl.List(pl.String()))
"""Types of columns that can name something."""


@dataclass(frozen=True)
class Doomed:
    """Which rows are to go: those whose text names something, and those with certain keys.

    Args:
        names: texts, such as hashes; a row goes when any of its text columns holds one of them.
        keys: folder of a partition to key columns; a row of it goes when it has one of these keys.
        spare: rows that stay whatever they say.
    """

    names: tuple[str, ...]
    keys: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    spare: pl.Expr | None = None

    def places(self, rows: pl.LazyFrame, folder: str) -> list[int]:
        """The row numbers, ascending, that are to go; reads text and key columns only."""
        schema = rows.collect_schema()
        keys = self.keys.get(folder)
        by = [] if keys is None else [name for name in keys.columns if name in schema]
        texts = [name for name, dtype in schema.items() if dtype in TEXT]
        spared = [] if self.spare is None else self.spare.meta.root_names()
        read = rows.select(*dict.fromkeys([*texts, *by, *spared])).with_row_index(_ROW)
        found = [read.filter(names_any(schema, self.names))] if texts and self.names else []
        if keys is not None and len(by) == len(keys.columns):
            found.append(read.join(keys.lazy(), on=by, how="semi", nulls_equal=True))
        if not found:
            return []
        going = pl.concat(found)
        going = going if self.spare is None else going.filter(~self.spare)
        return going.select(pl.col(_ROW).unique().sort()).collect()[_ROW].to_list()


@dataclass(frozen=True)
class Erased:
    """What was erased from one table.

    Attributes:
        rows: rows that were active.
        files: older or uncommitted files that held such rows.
    """

    rows: int
    files: int


def erase_rows(
    lake: Lake, table: str, doomed: Doomed, *, disturb: Iterable[Partition] = ()
) -> Erased:
    """Erase rows of a table from every file and from the log. Doing it again changes nothing.

    Killed at any instant, the next call completes it.

    Args:
        lake: where.
        table: a row table or a ledger; one that does not exist holds nothing.
        doomed: which rows.
        disturb: partitions whose number moves on in any case: whoever planned on them plans again,
            so nothing computed before the call can be committed after it.

    Raises:
        PartitionMoved: other writers kept coming first; what is done stays done, try again.
    """
    snapshot = lake.snapshot(table)
    if snapshot is None:
        return Erased(0, 0)
    by = tuple(snapshot.partition_columns)
    disturbed = set(disturb)
    rows = sum(
        _erase_active(lake, table, partition, doomed, must_move=partition in disturbed)
        for partition in sorted({*partitions_of(snapshot), *disturbed}, key=lambda one: one.values)
        if partition.columns == by
    )
    return Erased(rows, _erase_older(lake, table, doomed))


def doomed_rows(lake: Lake, table: str, doomed: Doomed) -> int:
    """How many active rows of a table would be erased."""
    snapshot = lake.snapshot(table)
    if snapshot is None:
        return 0
    return sum(
        len(doomed.places(snapshot.scan_files([path], partition), partition.folder))
        for partition in partitions_of(snapshot)
        for path in snapshot.of(partition)["path"]
    )


def partitions_of(snapshot: Snapshot) -> list[Partition]:
    """The partitions that have files."""
    by = tuple(snapshot.partition_columns)
    if not by:
        return [Partition((), ())]
    if snapshot.files.is_empty():
        return []
    values = snapshot.files.select(f"partition.{name}" for name in by).unique()
    return [Partition(by, tuple(map(str, row))) for row in values.iter_rows()]


def _erase_active(
    lake: Lake, table: str, partition: Partition, doomed: Doomed, *, must_move: bool
) -> int:
    for _ in range(_ATTEMPTS):
        try:
            return _commit_without(lake, table, partition, doomed, must_move)
        except PartitionMoved:
            continue
    raise PartitionMoved(f"{table} {partition}: moved {_ATTEMPTS} times while rows were erased")


def _commit_without(
    lake: Lake, table: str, partition: Partition, doomed: Doomed, must_move: bool
) -> int:
    """One commit that replaces every file with doomed rows by one without them."""
    snapshot = lake.snapshot(table)
    if snapshot is None:
        return 0
    base = base_of(snapshot, partition)
    going = dict(_touched(snapshot, partition, doomed))
    if not going and not must_move:
        return 0
    schema = pl.Schema({n: t for n, t in snapshot.schema.items() if n not in partition.columns})
    rests = [
        rest
        for path, places in going.items()
        if (rest := _staged_rest(snapshot, partition, path, places, schema)) is not None
    ]
    erased = sum(map(len, going.values()))
    commit_partition(
        lake,
        table,
        partition,
        base=base,
        add=rests,
        remove=sorted(going),
        schema=schema,
        metadata={"mlops.erased": erased},
    )
    return erased


def _touched(
    snapshot: Snapshot, partition: Partition, doomed: Doomed
) -> Iterator[tuple[str, list[int]]]:
    for path in snapshot.of(partition)["path"]:
        places = doomed.places(snapshot.scan_files([path], partition), partition.folder)
        if places:
            yield path, places


def _staged_rest(
    snapshot: Snapshot, partition: Partition, path: str, places: list[int], schema: pl.Schema
) -> StagedFile | None:
    rows = snapshot.scan_files([path], partition).select(list(schema)).collect()
    rest = _without(rows, places)
    return None if rest.is_empty() else stage(snapshot.lake, snapshot.table, partition, rest)


def _erase_older(lake: Lake, table: str, doomed: Doomed) -> int:
    """Every file that is not active: written anew where a version knows it, else deleted."""
    snapshot = lake.snapshot(table)
    active = set() if snapshot is None else set(snapshot.files["path"])
    known = files_in_log(lake, table)
    older = [path for path in stored_files(lake, table) if path not in active]
    touched = [path for path in older if _erase_file(lake, table, path, doomed, path in known)]
    restate_files(lake, table)
    return len(touched)


def stored_files(lake: Lake, table: str) -> list[str]:
    """Every Parquet file in a table's folder, active or not, relative to it; without the log's."""
    root = f"tables/{table}/"
    listed = (entry["path"].removeprefix(root) for entry in lake.store.list(root.rstrip("/")))
    return [p for p in listed if p.endswith(".parquet") and not p.startswith("_delta_log/")]


def _erase_file(lake: Lake, table: str, path: str, doomed: Doomed, is_known: bool) -> bool:
    uri = lake.store.uri(f"tables/{table}/{path}")
    options = lake.store.options or None
    rows = pl.scan_parquet(uri, storage_options=options, hive_partitioning=False, glob=False)
    places = doomed.places(rows, path.rpartition("/")[0])
    if not places:
        return False
    if not is_known:
        lake.store.delete([f"tables/{table}/{path}"])
        return True
    size = lake.store.size(f"tables/{table}/{path}")
    rest = _without(rows.collect(), places)
    lake.store.put(f"tables/{table}/{path}", _content(rest, unlike=size or 0))
    return True


def _content(rows: pl.DataFrame, *, unlike: int) -> bytes:
    """A Parquet file of any size but one: by its size the log is seen to be out of date."""
    note = "rows were erased"
    while True:
        buffer = io.BytesIO()
        rows.write_parquet(buffer, compression="zstd", metadata={"mlops.note": note})
        if len(buffer.getvalue()) != unlike:
            return buffer.getvalue()
        note += "."


def _without(rows: pl.DataFrame, places: list[int]) -> pl.DataFrame:
    gone = pl.Series(places, dtype=pl.get_index_type())
    return rows.with_row_index(_ROW).filter(~pl.col(_ROW).is_in(gone.implode())).drop(_ROW)


def names_any(schema: pl.Schema, names: Iterable[str]) -> pl.Expr:
    """Whether any text column of a row holds one of some texts."""
    wanted = list(names)
    texts = [
        pl.col(name) if dtype == pl.String() else pl.col(name).list.join("\n")
        for name, dtype in schema.items()
        if dtype in TEXT
    ]
    said = [text.str.contains_any(wanted).fill_null(False) for text in texts]
    return pl.any_horizontal(said) if said and wanted else pl.lit(False)
