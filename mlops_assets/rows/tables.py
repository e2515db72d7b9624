"""Tables: a row class, a lineage and a function, joined by the `table` decorator."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import polars as pl

from mlops_assets.errors import InternalError
from mlops_assets.lake import MEDIA, Lake, Partition, PartitionScheme
from mlops_assets.rows.lineage import Lineage
from mlops_assets.rows.parents import FILE, Read, Reading
from mlops_assets.rows.row import Row

SRC, VER, FP = "_src", "_ver", "_fp"

R = TypeVar("R", bound=Row)
Rows = pl.DataFrame | Iterable[R]
"""What a batched function returns: a data frame with the declared columns, or rows."""

Pin = Callable[[Lake, Partition, Mapping[str, Any]], "str | None"]
"""A parameter the platform fills in, cheaply, from lake, partition and the other parameters.

None means that the table waits for it."""


@runtime_checkable
class Waking(Protocol):
    """A pin that costs too much to be asked of every partition at every look.

    It is left out of what is desired of a partition. Instead, a partition that was brought up wakes
    the others that its rows concern, so that they are looked at again.
    """

    def __call__(self, lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str | None:
        """Its value, as of any pin."""
        ...

    def wakes(self, lake: Lake, partition: Partition) -> Iterable[Partition]:
        """The other partitions whose value may have changed with the rows of this one."""
        ...


HOW_IT_RUNS = object()
"""In the `Annotated` of a parameter that says how a function runs and not what it computes.

Such a parameter is set, kept and shown like any other, and is no part of a row's version: setting
it makes nothing due. The function promises the same answer for every value of it."""

ExecutorKind = Literal["serial", "processes"]
Drawing = Callable[[pl.LazyFrame], "bytes | None"]
Summary = Callable[[pl.LazyFrame], Mapping[str, "int | float | str | None"]]


@dataclass(frozen=True)
class Check:
    """A fact every row of a table must fulfil.

    `offending` maps the rows of a partition to those that break it. A blocking check stops
    what is downstream.
    """

    name: str
    description: str
    offending: Callable[[pl.LazyFrame], pl.LazyFrame]
    blocking: bool


@dataclass(frozen=True)
class Parameter:
    """A keyword-only parameter of a table's function: state, set for all or for one source.

    `is_versioned` is False for one that says how the function runs (`HOW_IT_RUNS`).
    """

    name: str
    annotation: Any
    default: Any
    description: str
    is_versioned: bool = True


@dataclass(frozen=True)
class How:
    """How a producer runs; nothing here is part of a row's version.

    Args:
        batch_size: parent rows per call; 0 calls the function with one unit at a time.
        executor: `serial` in this process, or `processes`: killable workers for hostile input; or
            which of them, as a function of the parameters, asked when there is work.
        commit: `slice` commits as work is done; `partition` commits once, readers see all or none.
        slice_units: most units of one slice.
        weigh_by: column of the parent with the bytes of a unit; bounds slices and runs.
        pool: name of the concurrency pool in which it runs.
    """

    batch_size: int = 0
    executor: ExecutorKind | Callable[[Mapping[str, Any]], ExecutorKind] = "serial"
    commit: Literal["slice", "partition"] = "slice"
    slice_units: int = 64
    weigh_by: str = ""
    pool: str | None = None

    def executor_kind(self, values: Mapping[str, Any]) -> ExecutorKind:
        """The executor under these parameters."""
        return self.executor(values) if callable(self.executor) else self.executor


@dataclass(eq=False)
class Producer:
    """A function and the table or tables it fills."""

    function: Callable[..., Any]
    lineage: Lineage
    version: str
    accepts: tuple[str, ...]
    how: How
    pins: Mapping[str, Pin]
    scheme: PartitionScheme
    looks_at: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def name(self) -> str:
        """Name of the first table, by which plans and parameters are kept."""
        return self.tables[0].name

    @property
    def address(self) -> str:
        """Where a worker process finds it: `module:table`."""
        return f"{self.function.__module__}:{self.name}"

    @property
    def is_history(self) -> bool:
        """Whether its rows, once made, are never due again (`accepts="*"`)."""
        return "*" in self.accepts

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters a person may set, by name."""
        signature = inspect.signature(self.function, eval_str=True)
        given = {n: p for n, p in signature.parameters.items() if p.kind == p.KEYWORD_ONLY}
        return {n: _parameter(p) for n, p in given.items() if n not in self.pins}


@dataclass(eq=False)
class Table:
    """A partitioned Delta table whose rows know what they were made from."""

    name: str
    row: type[Row]
    producer: Producer
    checks: list[Check] = field(default_factory=list)
    pictures: list[Drawing] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the table's function, as in a notebook."""
        return self.producer.function(*args, **kwargs)

    def __getattr__(self, group: str) -> Reading:
        """The reading of a named column group: `frames.pixels`."""
        if group.startswith("_") or group not in self.row.row_groups:
            raise AttributeError(f"table {self.__dict__.get('name')} has no column group {group!r}")
        return Reading(self, group)

    @property
    def description(self) -> str:
        """The docstring of the function, or of the row class where it fills several tables."""
        of = self.producer.function if len(self.producer.tables) == 1 else self.row
        return inspect.getdoc(of) or ""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return self.row.row_key

    @property
    def skipped_name(self) -> str:
        """Name of the table of units that gave no row."""
        return f"{self.name}__skipped"

    @property
    def schema(self) -> pl.Schema:
        """Stored columns: the declared ones, then `_src`, `_ver`, `_fp` and `_fp_<group>`."""
        groups = {f"{FP}_{name}": pl.Int64() for name in self.row.row_groups}
        made = {SRC: pl.Int64(), VER: pl.String(), FP: pl.Int64(), **groups}
        return pl.Schema({**self.row.schema(), **made})

    def fingerprint_column(self, group: str | None) -> str:
        """The stored fingerprint of a column group, or of the row."""
        return FP if group is None else f"{FP}_{group}"

    def scan(
        self, lake: Lake, partition: Partition, read: Read, files: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """See `Parent.scan`; a table that does not exist yet is empty.

        A column that was declared since, and that no commit has added yet, is null.
        """
        snapshot = lake.snapshot(self.name)
        if snapshot is None:
            full = {
                **self.schema,
                **dict.fromkeys(partition.columns, pl.String()),
                FILE: pl.String(),
            }
            rows = pl.LazyFrame(schema=full)
        elif files is None:
            paths = snapshot.of(partition)["path"].to_list()
            rows = snapshot.scan_files(
                paths, partition, name_file_in=FILE if read.with_file else None
            )
        else:
            rows = snapshot.scan_uris(list(files), partition)
        if snapshot is not None:
            rows = self._widened(rows, snapshot.schema)
        fingerprint = pl.col(self.fingerprint_column(read.group)).alias(FP)
        return rows.select(*[n for n in read.names if n != FP], fingerprint)

    def rows(
        self, lake: Lake, partition: Partition | None = None, version: int | None = None
    ) -> pl.LazyFrame:
        """All stored columns of a partition, or of the whole table; empty when there is none.

        A column that was declared since, and that no commit has added yet, is null.
        """
        snapshot = lake.snapshot(self.name, version)
        if snapshot is None:
            columns = dict.fromkeys(self.producer.scheme.columns, pl.String())
            return pl.LazyFrame(schema={**self.schema, **columns})
        return self._widened(snapshot.scan(partition), snapshot.schema)

    def _widened(self, rows: pl.LazyFrame, stored: pl.Schema) -> pl.LazyFrame:
        """Rows with every column of the table, where some were declared after the last commit."""
        lacking = {name: dtype for name, dtype in self.schema.items() if name not in stored}
        nulls = [pl.lit(None, dtype).alias(name) for name, dtype in lacking.items()]
        return rows.with_columns(nulls) if nulls else rows

    def check(self, *, blocking: bool = False) -> Callable[[Callable[..., pl.LazyFrame]], Check]:
        """Attach a check: a function from the rows of a partition to the offending ones."""

        def attach(function: Callable[[pl.LazyFrame], pl.LazyFrame]) -> Check:
            said = inspect.getdoc(function) or ""
            check = Check(function.__name__, said, function, blocking)
            self.checks.append(check)
            return check

        return attach

    def picture(self, function: Drawing) -> Drawing:
        """Attach a picture: a function from the rows of a partition to JPEG or PNG bytes.

        The first is shown as `picture`, further ones under the names of their functions.
        """
        self.pictures.append(function)
        return function

    def summary(self, function: Summary) -> Summary:
        """Attach a summary: a function from the rows of a partition to what to tell beside them."""
        self.summaries.append(function)
        return function


def table(  # noqa: PLR0913 - what a table is
    lineage: Lineage,
    *,
    version: str,
    accepts: Sequence[str] = (),
    how: How = How(),
    pins: Mapping[str, Pin] | None = None,
    scheme: PartitionScheme = MEDIA,
    looks_at: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Table]:
    """Make a function that yields rows of one class into the table of its name.

    Args:
        lineage: which units should exist: `each`, `expand`, `pairs` or `group`.
        version: change it when the function's results change; rows of other versions are due.
        accepts: older versions whose rows stay current; `"*"` accepts all and makes them history.
        how: how it runs.
        pins: keyword-only parameters the platform fills in, and how.
        scheme: its partition columns.
        looks_at: tables that pins, or the function itself, read beside the lineage; for the graph.

    Raises:
        InternalError: the return annotation names no row class, or several.
    """

    def decorate(function: Callable[..., Any]) -> Table:
        made = tables(
            lineage,
            names=(function.__name__,),
            version=version,
            accepts=accepts,
            how=how,
            pins=pins,
            scheme=scheme,
            looks_at=looks_at,
        )(function)
        return made[0]

    return decorate


def tables(  # noqa: PLR0913 - the options of `table`, and names
    lineage: Lineage,
    *,
    names: Sequence[str],
    version: str,
    accepts: Sequence[str] = (),
    how: How = How(),
    pins: Mapping[str, Pin] | None = None,
    scheme: PartitionScheme = MEDIA,
    looks_at: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], tuple[Table, ...]]:
    """Make a function that yields rows of several classes into several tables, in one pass.

    Args:
        lineage: see `table`.
        names: one per row class, in the order of the return annotation.
        version: see `table`.
        accepts: see `table`.
        how: see `table`.
        pins: see `table`.
        scheme: see `table`.
        looks_at: see `table`.
    """

    def decorate(function: Callable[..., Any]) -> tuple[Table, ...]:
        rows = _row_classes(inspect.signature(function, eval_str=True).return_annotation)
        if len(rows) != len(names):
            raise InternalError(
                f"{function.__name__} returns {len(rows)} row classes, names {names}"
            )
        producer = Producer(
            function, lineage, version, tuple(accepts), how, pins or {}, scheme, tuple(looks_at)
        )
        made = [Table(name, row, producer) for name, row in zip(names, rows, strict=True)]
        producer.tables = tuple(made)
        for one in made:
            _require_unit_columns(one)
        return producer.tables

    return decorate


def _require_unit_columns(one: Table) -> None:
    missing = set(one.producer.lineage.by) - set(one.row.columns())
    if missing:
        raise InternalError(f"{one.row.__name__} lacks its parent's key {sorted(missing)}")


def _row_classes(annotation: Any) -> list[type[Row]]:
    if isinstance(annotation, type) and issubclass(annotation, Row):
        return [annotation]
    found: list[type[Row]] = []
    for argument in typing.get_args(annotation):
        found += [row for row in _row_classes(argument) if row not in found]
    return found


def _parameter(given: inspect.Parameter) -> Parameter:
    if given.default is given.empty:
        raise InternalError(f"parameter {given.name} has no default")
    metadata = getattr(given.annotation, "__metadata__", ())
    said = [one for one in metadata if isinstance(one, str)]
    plain = getattr(given.annotation, "__origin__", given.annotation)
    default = float(given.default) if plain is float else given.default  # 1 and 1.0 are one value
    is_versioned = not any(one is HOW_IT_RUNS for one in metadata)
    return Parameter(given.name, given.annotation, default, " ".join(said), is_versioned)
