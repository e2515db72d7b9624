"""What rows are made from: a table, or an origin outside the graph, and which columns of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from mlops_assets.lake import Lake, Partition
from mlops_assets.rows.fingerprints import fingerprint
from mlops_assets.rows.row import Row

FILE = "_file"


class Parent(Protocol):
    """Where rows come from."""

    @property
    def name(self) -> str:
        """Name of the table or origin."""
        ...

    @property
    def row(self) -> type[Row]:
        """What one row holds."""
        ...

    def scan(
        self, lake: Lake, partition: Partition, read: Read, files: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """Columns, `_fp` and, if asked for, `_file` of one partition, or of some files of it."""
        ...


@dataclass(frozen=True)
class Read:
    """What to read of a parent.

    Args:
        columns: declared columns.
        group: which fingerprint to give as `_fp`: that of a column group, or of the row for None.
        with_file: also give the file each row lies in, as `_file`.
    """

    columns: tuple[str, ...]
    group: str | None = None
    with_file: bool = False

    @property
    def names(self) -> list[str]:
        """Everything that comes back."""
        return [*dict.fromkeys(self.columns), "_fp", *([FILE] if self.with_file else [])]


@dataclass(frozen=True)
class Origin:
    """Rows this platform did not make: a ledger, a catalogue, a queue.

    Args:
        name: what to call it.
        row: what one row holds.
        read: the rows of a partition; narrow, since they are fingerprinted at every plan.
    """

    name: str
    row: type[Row]
    read: Callable[[Lake, Partition], pl.DataFrame]

    def scan(
        self, lake: Lake, partition: Partition, read: Read, files: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """See `Parent.scan`; an origin has no files."""
        rows = self.read(lake, partition)
        fingerprints = fingerprint(rows, self.row.reading(read.group))
        return rows.with_columns(fingerprints, pl.lit("").alias(FILE)).lazy().select(read.names)


@dataclass(frozen=True)
class Reading:
    """A parent, and which of its column groups is read; None for all its columns."""

    parent: Parent
    group: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns a function sees."""
        return self.parent.row.reading(self.group)

    def scan(
        self,
        lake: Lake,
        partition: Partition,
        columns: Sequence[str],
        *,
        files: Sequence[str] | None = None,
        with_file: bool = False,
    ) -> pl.LazyFrame:
        """Some columns and `_fp` of one partition."""
        read = Read(tuple(columns), self.group, with_file)
        return self.parent.scan(lake, partition, read, files)


def reading(of: Parent | Reading) -> Reading:
    """A parent as the reading of all its columns; a reading as it is."""
    return of if isinstance(of, Reading) else Reading(of)
