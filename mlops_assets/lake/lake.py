"""The lake: tables under one root, their active files, and scans of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from mlops_assets.errors import ConfigurationError, TransientError
from mlops_assets.lake.partitions import Partition
from mlops_assets.lake.store import Store
from mlops_assets.lake.vault import Vault
from mlops_assets.settings import settings

_CREATE_ATTEMPTS = 20
_URI = "_uri"


class _Handles(threading.local):
    """Open tables of one thread. A handle moves on when it is read anew, so threads share none."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, tuple[tuple[str, str], ...]], DeltaTable] = {}
        self.seen: dict[str, Snapshot] = {}


_HANDLES = _Handles()


@dataclass(frozen=True)
class Lake:
    """Tables, vault and staging under one root. Cheap to make; can be sent to a worker process.

    Args:
        store: where it lies.
        vault_mode: see `Vault`.
    """

    store: Store
    vault_mode: Any = "copy"

    @classmethod
    def at(cls, root: str, options: Mapping[str, str] | None = None) -> Lake:
        """The lake under a folder or URL."""
        return cls(Store(root, dict(options or {})))

    @property
    def vault(self) -> Vault:
        """The original bytes."""
        return Vault(self.store, self.vault_mode)

    def uri(self, table: str) -> str:
        """Where a table lies: open it there with DuckDB, Spark or plain delta-rs."""
        return self.store.uri(f"tables/{table}")

    def snapshot(self, table: str, version: int | None = None) -> Snapshot | None:
        """The table as it is now, or at a version; None when it does not exist yet.

        Raises:
            ConfigurationError: the version is gone (vacuumed) or never was.
        """
        if version is not None:
            return Snapshot(self, table, self._open_version(table, version))
        still = _STILL.get()
        key = (self.store.root, table)
        if still is not None and key in still:
            return still[key]
        handle = self._handle(table)
        found = None if handle is None else self._seen(table, handle)
        if still is not None:
            still[key] = found
        return found

    def tables(self) -> list[str]:
        """Names of the tables that exist, sorted."""
        logs = {
            entry["path"].split("/")[1]
            for entry in self.store.list("tables")
            if "/_delta_log/" in entry["path"]
        }
        return sorted(logs)

    def scan(
        self, table: str, partition: Partition | None = None, version: int | None = None
    ) -> pl.LazyFrame | None:
        """Rows of a table, or of one partition of it; None when the table does not exist."""
        snapshot = self.snapshot(table, version)
        return None if snapshot is None else snapshot.scan(partition)

    def create(self, table: str, schema: pl.Schema, partition_by: tuple[str, ...]) -> None:
        """Make an empty table, or widen an existing one by the columns it lacks.

        Raises:
            ConfigurationError: a column has another type than the table has, or no permission.
            TransientError: other writers kept coming first.
        """
        wanted = delta_schema(schema, partition_by)
        for _ in range(_CREATE_ATTEMPTS):
            try:
                self._create(table, wanted, partition_by)
            except CommitFailedError:  # another writer made or widened it just now
                continue
            except (DeltaError, OSError) as err:
                raise ConfigurationError(f"cannot make {self.uri(table)}: {err}") from err
            return
        raise TransientError(f"{table}: not made or widened in {_CREATE_ATTEMPTS} attempts")

    def _create(self, table: str, wanted: Schema, partition_by: tuple[str, ...]) -> None:
        snapshot = self.snapshot(table)
        if snapshot is not None:
            snapshot.widen(wanted)
            return
        DeltaTable.create(
            self.uri(table),
            wanted,
            mode="ignore",
            partition_by=list(partition_by) or None,
            storage_options=self.store.options or None,
        )

    def _handle(self, table: str) -> DeltaTable | None:
        uri = self.uri(table)
        key = (uri, tuple(sorted(self.store.options.items())))
        handle = _HANDLES.open.pop(key, None)
        try:
            if handle is None or not self._has_commit(table, handle.version()):
                if self._never_was(table):
                    return None
                handle = DeltaTable(uri, storage_options=self.store.options or None)
            elif self._has_commit(table, handle.version() + 1):
                handle.update_incremental()
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as err:
            raise ConfigurationError(f"cannot open {uri}: {str(err)[:300]}") from err
        _HANDLES.open[key] = handle
        return handle

    def _seen(self, table: str, handle: DeltaTable) -> Snapshot:
        """The snapshot of a handle; the one already made when the version is as it was."""
        uri, version = self.uri(table), handle.version()
        known = _HANDLES.seen.get(uri)
        if known is not None and known.handle is handle and known.version == version:
            return known
        found = _HANDLES.seen[uri] = Snapshot(self, table, handle)
        _ = found.version, found.files  # the handle moves on, the snapshot does not
        return found

    def _has_commit(self, table: str, version: int) -> bool:
        """Whether the log holds a version: if not the present one, the table was deleted since.

        Versions follow each other without a gap, so a next one that is not there is no news.
        """
        path = f"tables/{table}/_delta_log/{version:020}.json"
        if self.store.is_local:
            return Path(self.store.uri(path)).is_file()
        return self.store.size(path) is not None

    def _never_was(self, table: str) -> bool:
        """Whether there is certainly no table; asking the file system is quicker than failing."""
        return self.store.is_local and not Path(self.uri(table), "_delta_log").is_dir()

    def _open_version(self, table: str, version: int) -> DeltaTable:
        uri = self.uri(table)
        try:
            return DeltaTable(uri, version=version, storage_options=self.store.options or None)
        except (DeltaError, OSError) as err:
            raise ConfigurationError(
                f"{uri} has no version {version} any more: {str(err)[:200]}"
            ) from err


@dataclass(frozen=True)
class Snapshot:
    """One version of one table."""

    lake: Lake
    table: str
    handle: DeltaTable

    @cached_property
    def version(self) -> int:
        """The Delta version."""
        return self.handle.version()

    @cached_property
    def files(self) -> pl.DataFrame:
        """Active files: `path`, `size_bytes`, `num_records`, `partition.*`, `min.*`, `max.*`."""
        return pl.DataFrame(self.handle.get_add_actions(flatten=True))

    @cached_property
    def schema(self) -> pl.Schema:
        """Columns and types, partition columns included."""
        empty = pl.DataFrame(self.handle.schema().to_arrow().empty_table())
        return empty.schema

    @cached_property
    def partition_columns(self) -> list[str]:
        """Names of the partition columns."""
        return list(self.handle.metadata().partition_columns)

    @cached_property
    def _parts(self) -> dict[str, pl.DataFrame]:
        return {}

    def of(self, partition: Partition) -> pl.DataFrame:
        """The active files of one partition."""
        if partition.key not in self._parts:
            self._parts[partition.key] = self._of(partition)
        return self._parts[partition.key]

    def _of(self, partition: Partition) -> pl.DataFrame:
        wanted = {f"partition.{name}": value for name, value in partition.as_dict.items()}
        if not wanted.keys() <= set(self.files.columns):
            return self.files.clear()
        return self.files.filter(**wanted)

    def number(self, partition: Partition) -> int:
        """How many commits this partition has had: its app-transaction number."""
        return self.handle.transaction_version(partition.key) or 0

    def scan(self, partition: Partition | None = None) -> pl.LazyFrame:
        """Rows of the table, or of one partition of it."""
        if partition is not None:
            return self.scan_files(self.of(partition)["path"].to_list(), partition)
        if self.files.is_empty():
            return pl.LazyFrame(schema=self.schema)
        if not self.partition_columns:
            return self.scan_files(self.files["path"].to_list(), Partition((), ()))
        if self._folders_are_values():
            return pl.scan_delta(self.handle, use_pyarrow=False)
        uris = pl.lit(self.uri("")) + pl.col("path")
        values = {name: f"partition.{name}" for name in self.partition_columns}
        places = self.files.select(uris.alias(_URI), **values)
        nameless = Partition(tuple(values), ("",) * len(values))
        rows = self.scan_uris(places[_URI].to_list(), nameless, name_file_in=_URI)
        found = rows.drop(list(values)).join(places.lazy(), on=_URI, how="left")
        return found.select(list(self.schema))

    def _folders_are_values(self) -> bool:
        """Whether a reader that takes values from names of folders, as Polars does, is right."""
        named = [pl.format(f"{n}={{}}", pl.col(f"partition.{n}")) for n in self.partition_columns]
        folder = pl.concat_str(*named, pl.lit(""), separator="/")
        return self.files.select(pl.col("path").str.starts_with(folder).all()).item()

    def scan_files(
        self, paths: list[str], partition: Partition, *, name_file_in: str | None = None
    ) -> pl.LazyFrame:
        """Rows of some files of one partition, its columns filled in."""
        return self.scan_uris(
            [self.uri(path) for path in paths], partition, name_file_in=name_file_in
        )

    def scan_uris(
        self, uris: list[str], partition: Partition, *, name_file_in: str | None = None
    ) -> pl.LazyFrame:
        """As `scan_files`, by where the files lie."""
        stored = {n: t for n, t in self.schema.items() if n not in partition.columns}
        literals = [pl.lit(v).alias(n) for n, v in partition.as_dict.items()]
        if not uris:
            extra = {name_file_in: pl.String()} if name_file_in else {}
            return pl.LazyFrame(schema={**stored, **extra}).with_columns(literals)
        return pl.scan_parquet(
            uris,
            schema=stored,
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
            glob=False,
            include_file_paths=name_file_in,
            storage_options=self.lake.store.options or None,
        ).with_columns(literals)

    def uri(self, path: str) -> str:
        """Where an active file lies."""
        return f"{self.lake.uri(self.table)}/{path}"

    def history(self, limit: int = 20) -> list[dict[str, Any]]:
        """The latest commits, newest first, with what this platform wrote about each."""
        return self.handle.history(limit)

    def widen(self, wanted: Schema) -> None:
        """Add the columns the table lacks; anything else is a migration.

        Raises:
            ConfigurationError: a column has another type than the table has.
        """
        have = {field.name: field for field in self.handle.schema().fields}
        for field in wanted.fields:
            old = have.get(field.name)
            if old is not None and old.type != field.type:
                raise ConfigurationError(
                    f"{self.table}.{field.name} is stored as {old.type}, "
                    f"the code has {field.type}: changing a type is a migration"
                )
        missing = [field for field in wanted.fields if field.name not in have]
        if missing:
            self.handle.alter.add_columns(missing)


def delta_schema(schema: pl.Schema, partition_by: tuple[str, ...]) -> Schema:
    """The Delta schema of Polars columns plus the string partition columns."""
    full = {**{name: pl.String() for name in partition_by}, **schema}
    return Schema.from_arrow(pl.DataFrame(schema=full).to_arrow().schema)


_CURRENT: ContextVar[Lake | None] = ContextVar("current_lake", default=None)


_STILL: ContextVar[dict[tuple[str, str], Snapshot | None] | None] = ContextVar(
    "still", default=None
)


@contextlib.contextmanager
def still_lake() -> Iterator[None]:
    """Look at every table once while the block lasts: to read many partitions, never to commit."""
    outer = _STILL.get()
    token = _STILL.set({} if outer is None else outer)
    try:
        yield
    finally:
        _STILL.reset(token)


def current_lake() -> Lake:
    """The lake of this context: the one in use, else the one of the settings."""
    lake = _CURRENT.get()
    if lake is None:
        chosen = settings()
        lake = Lake(Store(chosen.lake_root, chosen.lake_options), chosen.vault_mode)
    return lake


@contextlib.contextmanager
def use_lake(lake: Lake) -> Iterator[Lake]:
    """Make `lake` the current one while the block lasts."""
    token = _CURRENT.set(lake)
    try:
        yield lake
    finally:
        _CURRENT.reset(token)
