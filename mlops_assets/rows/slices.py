"""Slices: a bounded share of a partition's due work, computed anywhere, committed by the parent.

A worker reads its own inputs from the lake, writes its own Parquet files beside the table, and
returns paths and statistics; blobs cross no pipe. A marker named after the slice's exact inputs
lets a later run find finished work again.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from mlops_assets.errors import InputError, InternalError
from mlops_assets.lake import Lake, Partition, StagedFile, use_lake
from mlops_assets.lake.commits import stage
from mlops_assets.rows.fingerprints import fingerprint
from mlops_assets.rows.lineage import batches
from mlops_assets.rows.parents import FILE
from mlops_assets.rows.row import Row
from mlops_assets.rows.tables import FP, SRC, VER, Producer, Table

FILE_BYTES = 64 << 20
"""A Parquet file is closed at about this many bytes of values."""

_COUNT_EVERY = 32


@dataclass(frozen=True)
class Slice:
    """What a worker is told: which units, with which version and values.

    `units` has the unit key, `_src` and `_file`.
    """

    address: str
    lake: Lake
    partition: Partition
    units: pl.DataFrame
    version: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """A digest of the exact inputs: equal slices have equal names."""
        told = [self.address, self.partition.key, self.version]
        keys = self.units.drop(FILE, strict=False).write_csv()
        return hashlib.sha256("\n".join([*told, keys]).encode()).hexdigest()[:32]

    def only(self, units: pl.DataFrame) -> Slice:
        """The same work for some of its units."""
        return Slice(self.address, self.lake, self.partition, units, self.version, self.values)


@dataclass(frozen=True)
class Skip:
    """A unit that gave no row."""

    unit: dict[str, Any]
    reason: str
    message: str
    seconds: float = 0.0
    tables: tuple[str, ...] = ()


@dataclass
class Output:
    """What a slice came to: staged files per table, skipped units, cost."""

    files: dict[str, list[StagedFile]] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def size_bytes(self) -> int:
        """Bytes staged."""
        return sum(file.size_bytes for files in self.files.values() for file in files)

    def to_json(self) -> str:
        """As a marker."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: bytes) -> Output:
        """From a marker."""
        told = json.loads(text)
        files = {t: [StagedFile(**file) for file in staged] for t, staged in told["files"].items()}
        skips = [Skip(**{**skip, "tables": tuple(skip["tables"])}) for skip in told["skips"]]
        return cls(files, skips, told["seconds"])


def find_producer(address: str) -> Producer:
    """The producer of an address `module:table`.

    Raises:
        InternalError: the module has no such table at its top level.
    """
    module, name = address.split(":")
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, Table) and value.name == name:
            return value.producer
    raise InternalError(f"{module} has no table {name} at its top level")


def compute(work: Slice, producer: Producer | None = None) -> Output:
    """Call the function for every unit of a slice and stage what it yields.

    One bad unit (`InputError`, or out of memory) becomes a `Skip`; anything else stops the slice.
    """
    producer = producer or find_producer(work.address)
    started = time.perf_counter()
    sinks = {table.name: _Sink(table, work) for table in producer.tables}
    output = Output()
    with use_lake(work.lake):
        calls = _batched(producer, work) if producer.how.batch_size else _single(producer, work)
        for skip in _fill(sinks, calls, producer):
            output.skips.append(skip)
    output.files = {name: sink.close() for name, sink in sinks.items()}
    output.seconds = time.perf_counter() - started
    return output


def _fill(
    sinks: dict[str, _Sink], calls: Iterable[tuple[dict[str, Any], Any]], producer: Producer
) -> Iterator[Skip]:
    """Pour rows into their sinks; what a unit left empty, or failed at, comes back as skips."""
    for unit, rows in calls:
        began = time.perf_counter()
        key = tuple(unit.values())
        try:
            for row in rows:
                sinks[_table_of(producer, row)].add(key, row)
        except (InputError, MemoryError) as err:
            for sink in sinks.values():
                sink.drop(key)
            reason = err.reason if isinstance(err, InputError) else "out_of_memory"
            message = str(err) or "out of memory"
            yield Skip(unit, reason, message, time.perf_counter() - began, tuple(sinks))
            continue
        empty = tuple(name for name, sink in sinks.items() if not sink.holds(key))
        if empty:
            yield Skip(unit, "empty", "gave no row", time.perf_counter() - began, empty)


def _table_of(producer: Producer, row: Any) -> str:
    for table in producer.tables:
        if isinstance(row, table.row):
            return table.name
    raise InternalError(
        f"{producer.name} yielded a {type(row).__name__}, which is none of its rows"
    )


def _single(producer: Producer, work: Slice) -> Iterator[tuple[dict[str, Any], Iterable[Row]]]:
    """Unit and the rows it yields, lazily, so that a long unit is never held whole."""
    inputs = producer.lineage.inputs(work.lake, work.partition, work.units)
    for unit, argument in inputs:
        yield unit, _call(producer, argument, work)


def _call(producer: Producer, argument: Any, work: Slice) -> Iterator[Row]:
    given = argument if isinstance(argument, tuple) else (argument,)
    made = producer.function(*given, **work.values)
    if made is None:
        return
    yield from [made] if isinstance(made, Row) else made


def _batched(producer: Producer, work: Slice) -> Iterator[tuple[dict[str, Any], Iterable[Row]]]:
    """As `_single`, a batch of units in one call."""
    size = producer.how.batch_size
    for units, rows in batches(producer.lineage, work.lake, work.partition, work.units, size):
        yield from _in_halves(producer, units, rows, work)


def _rows_of(producer: Producer, made: Any) -> list[Row]:
    if isinstance(made, pl.DataFrame):
        row = producer.tables[0].row
        return [row.of(values) for values in made.select(list(row.columns())).iter_rows(named=True)]
    return list(made)


def _in_halves(
    producer: Producer, units: pl.DataFrame, rows: pl.DataFrame, work: Slice
) -> Iterator[tuple[dict[str, Any], Iterable[Row]]]:
    """What a batch gave; one that fails is tried again in halves, down to the unit at fault."""
    if units.height == 1:
        yield units.select(producer.lineage.by).row(0, named=True), _deferred(producer, rows, work)
        return
    try:
        made = _rows_of(producer, producer.function(rows, **work.values))
    except (InputError, MemoryError):
        half = units.height // 2
        yield from _in_halves(producer, units.head(half), rows.head(half), work)
        yield from _in_halves(producer, units.slice(half), rows.slice(half), work)
        return
    yield from _by_unit(producer, units, made)


def _deferred(producer: Producer, rows: pl.DataFrame, work: Slice) -> Iterator[Row]:
    yield from _rows_of(producer, producer.function(rows, **work.values))


def _by_unit(
    producer: Producer, units: pl.DataFrame, made: Sequence[Row]
) -> Iterator[tuple[dict[str, Any], Iterable[Row]]]:
    by = producer.lineage.by
    mine: dict[tuple[Any, ...], list[Row]] = {}
    for row in made:
        mine.setdefault(tuple(getattr(row, name) for name in by), []).append(row)
    for unit in units.select(by).iter_rows(named=True):
        yield unit, mine.pop(tuple(unit.values()), [])
    if mine:
        raise InternalError(
            f"{producer.name} yielded rows of units it was not given: {list(mine)[:3]}"
        )


class _Sink:
    """Rows of one table on their way to staged files of bounded size."""

    def __init__(self, table: Table, work: Slice) -> None:
        self.table = table
        self.work = work
        self.sources = {
            tuple(values[:-1]): values[-1]
            for values in work.units.select(*table.producer.lineage.by, SRC).iter_rows()
        }
        self.rows: list[Row] = []
        self.bytes = 0
        self.staged: list[tuple[StagedFile, set[tuple[Any, ...]]]] = []
        self.seen: set[tuple[Any, ...]] = set()
        self.blobs = [n for n, t in table.row.schema().items() if t in (pl.Binary(), pl.String())]

    def add(self, unit: tuple[Any, ...], row: Row) -> None:
        if self._unit_of(row) != unit:
            raise InternalError(
                f"{self.table.name}: unit {unit} yielded a row of {self._unit_of(row)}"
            )
        self.rows.append(row)
        self.seen.add(unit)
        self.bytes += 64 + sum(len(getattr(row, name) or "") for name in self.blobs)
        if self.bytes >= FILE_BYTES:
            self._flush()

    def holds(self, unit: tuple[Any, ...]) -> bool:
        return unit in self.seen

    def drop(self, unit: tuple[Any, ...]) -> None:
        """Forget every row of a unit that failed half way, staged ones too."""
        if unit not in self.seen:
            return
        self.seen.discard(unit)
        self.rows = [row for row in self.rows if self._unit_of(row) != unit]
        kept = [(file, units) for file, units in self.staged if unit not in units]
        for file, units in self.staged:
            if unit in units and units != {unit}:
                kept.append((self._without(file, unit), units - {unit}))
        self.staged = kept

    def close(self) -> list[StagedFile]:
        self._flush()
        return [file for file, _ in self.staged]

    def _unit_of(self, row: Row) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in self.table.producer.lineage.by)

    def _flush(self) -> None:
        if not self.rows:
            return
        units = {self._unit_of(row) for row in self.rows}
        rows = self.table.row.frame(self.rows)
        self._require_sound(rows)
        frame = stamp(self.table, rows, self.sources, self.work.version)
        self.staged.append(
            (stage(self.work.lake, self.table.name, self.work.partition, frame), units)
        )
        self.rows, self.bytes = [], 0

    def _require_sound(self, rows: pl.DataFrame) -> None:
        """Refuse a key yielded twice, and a null where the row class allows none."""
        key = list(self.table.key)
        if rows.select(key).n_unique() != rows.height:
            twice = rows.filter(rows.select(key).is_duplicated()).select(key).row(0)
            raise InternalError(f"{self.table.name} yielded the key {twice} twice")
        required = [n for n, column in self.table.row.columns().items() if not column.nullable]
        empty = [name for name in required if rows[name].null_count()]
        if empty:
            raise InternalError(f"{self.table.name} yielded no value for {', '.join(empty)}")

    def _without(self, file: StagedFile, unit: tuple[Any, ...]) -> StagedFile:
        uri = self.work.lake.store.uri(f"tables/{self.table.name}/{file.path}")
        options = self.work.lake.store.options or None
        rows = pl.read_parquet(uri, storage_options=options, hive_partitioning=False)
        by = self.table.producer.lineage.by
        is_unit = pl.all_horizontal(pl.col(n).eq_missing(v) for n, v in zip(by, unit, strict=True))
        return stage(self.work.lake, self.table.name, self.work.partition, rows.filter(~is_unit))


def stamp(
    table: Table, rows: pl.DataFrame, sources: Mapping[tuple[Any, ...], int], version: str
) -> pl.DataFrame:
    """Declared columns plus `_src`, `_ver`, `_fp` and the group fingerprints, as stored."""
    by = table.producer.lineage.by
    src = [sources[unit] for unit in rows.select(by).iter_rows()]
    groups = [
        fingerprint(rows, table.row.reading(name)).alias(f"{FP}_{name}")
        for name in table.row.row_groups
    ]
    return rows.with_columns(
        pl.Series(SRC, src, pl.Int64()),
        pl.lit(version).alias(VER),
        fingerprint(rows, table.row.columns()).alias(FP),
        *groups,
    ).select(list(table.schema))
