"""Ledgers: append-only tables of statements, of which the latest per key holds."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from mlops_assets.errors import ConfigurationError, TransientError
from mlops_assets.lake.commits import back_off
from mlops_assets.lake.lake import Lake, Snapshot

_COMPACT_AT = 64
_APPEND_ATTEMPTS = 50
_LATEST: dict[str, tuple[Snapshot, pl.DataFrame]] = {}


@dataclass(frozen=True)
class Ledger:
    """An append-only Delta table. Appends never conflict; nothing is ever changed.

    Args:
        name: name of the table.
        schema: its columns. `recorded_at` (UTC) must be one of them: the latest statement holds.
        key: the columns a statement is about.
    """

    name: str
    schema: pl.Schema
    key: tuple[str, ...]

    def append(self, lake: Lake, rows: pl.DataFrame) -> None:
        """Add statements, all of them or none.

        Raises:
            ConfigurationError: columns or types differ from the ledger's, or no permission.
            TransientError: other writers kept coming first.
        """
        if rows.is_empty():
            return
        if rows.schema != self.schema:
            raise ConfigurationError(f"{self.name} takes {self.schema}; got {rows.schema}")
        lake.create(self.name, self.schema, ())
        for attempt in range(_APPEND_ATTEMPTS):
            try:
                self._append(lake, rows)
            except CommitFailedError:  # so many appended at once that delta-rs gave up
                back_off(attempt)
                continue
            except (DeltaError, OSError) as err:
                raise ConfigurationError(f"cannot write {lake.uri(self.name)}: {err}") from err
            return
        raise TransientError(f"{self.name}: no append in {_APPEND_ATTEMPTS} attempts")

    def _append(self, lake: Lake, rows: pl.DataFrame) -> None:
        write_deltalake(
            lake.uri(self.name),
            rows.to_arrow(),
            mode="append",
            storage_options=lake.store.options or None,
        )

    def statements(self, lake: Lake) -> pl.DataFrame:
        """Everything ever stated, in the order it was recorded; empty when nothing was."""
        rows = lake.scan(self.name)
        if rows is None:
            return pl.DataFrame(schema=self.schema)
        return rows.sort("recorded_at", maintain_order=True).collect()

    def latest(self, lake: Lake) -> pl.DataFrame:
        """The latest statement per key; read again only when something was stated since."""
        snapshot = lake.snapshot(self.name)
        if snapshot is None:
            return pl.DataFrame(schema=self.schema)
        known = _LATEST.get(lake.uri(self.name))
        if known is None or known[0] is not snapshot:
            known = _LATEST[lake.uri(self.name)] = snapshot, self._latest(snapshot.scan())
        return known[1]

    def _latest(self, rows: pl.LazyFrame) -> pl.DataFrame:
        ordered = rows.sort("recorded_at", maintain_order=True)
        return ordered.unique(self.key, keep="last", maintain_order=True).collect()

    def version(self, lake: Lake) -> int:
        """A number that grows with every append; -1 when nothing was ever stated."""
        snapshot = lake.snapshot(self.name)
        return -1 if snapshot is None else snapshot.version

    def compact(self, lake: Lake) -> bool:
        """Join many small files into few; readers and appenders are not disturbed."""
        snapshot = lake.snapshot(self.name)
        if snapshot is None or snapshot.files.height < _COMPACT_AT:
            return False
        DeltaTable(
            lake.uri(self.name), storage_options=lake.store.options or None
        ).optimize.compact()
        return True
