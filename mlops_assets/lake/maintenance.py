"""Maintenance through the one writer: join small files, remove what no version in use needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake.commits import StagedFile, base_of, commit_partition, stage
from mlops_assets.lake.lake import Lake, Snapshot
from mlops_assets.lake.partitions import Partition

FILE_BYTES = 64 << 20
SMALL_BYTES = FILE_BYTES // 2
MANY_FILES = 50
RETENTION_HOURS = 7 * 24


@dataclass(frozen=True)
class Compaction:
    """Files of a partition before and after."""

    files_before: int
    files_after: int


def compact_partition(
    lake: Lake, table: str, partition: Partition, *, at_least: int = MANY_FILES
) -> Compaction | None:
    """Join the small files of a partition into files of at most 64 MB; rows stay as they are.

    Args:
        lake: where.
        table: a row table.
        partition: which.
        at_least: do nothing with fewer small files than this.

    Returns:
        What was done; None when nothing was.

    Raises:
        PartitionMoved: another writer came first; nothing is lost.
    """
    snapshot = lake.snapshot(table)
    if snapshot is None:
        return None
    base = base_of(snapshot, partition)
    small = snapshot.of(partition).filter(pl.col("size_bytes") < SMALL_BYTES).sort("path")
    if small.height < max(at_least, 2):
        return None
    schema = pl.Schema({n: t for n, t in snapshot.schema.items() if n not in partition.columns})
    joined = [_join(snapshot, partition, paths, schema) for paths in _bundles(small)]
    commit_partition(
        lake,
        table,
        partition,
        base=base,
        add=joined,
        remove=small["path"].to_list(),
        schema=schema,
        metadata={"mlops.compacted": small.height},
    )
    return Compaction(len(base.paths), len(base.paths) - small.height + len(joined))


def vacuum_table(
    lake: Lake,
    table: str,
    *,
    pinned: Iterable[int] = (),
    retention_hours: int = RETENTION_HOURS,
) -> list[str]:
    """Remove files that neither the table, nor a pinned version, nor a recent reader needs.

    Args:
        lake: where.
        table: name of the table.
        pinned: versions that snapshots refer to; what they need stays.
        retention_hours: files removed from the table less than this ago stay; also the time a
            staged file has to be committed.

    Returns:
        Paths of the removed files.

    Raises:
        ConfigurationError: a pinned version is gone or never was, or no permission.
    """
    if lake.snapshot(table) is None:
        return []
    try:
        handle = DeltaTable(lake.uri(table), storage_options=lake.store.options or None)
        return handle.vacuum(
            retention_hours=retention_hours,
            dry_run=False,
            enforce_retention_duration=False,
            full=True,
            keep_versions=sorted(set(pinned)) or None,
        )
    except (DeltaError, OSError) as err:
        raise ConfigurationError(f"cannot vacuum {lake.uri(table)}: {str(err)[:300]}") from err


def _bundles(small: pl.DataFrame) -> list[list[str]]:
    bundles: list[list[str]] = [[]]
    total = 0
    for path, size in small.select("path", "size_bytes").iter_rows():
        if bundles[-1] and total + size > FILE_BYTES:
            bundles.append([])
            total = 0
        bundles[-1].append(path)
        total += size
    return bundles


def _join(
    snapshot: Snapshot, partition: Partition, paths: list[str], schema: pl.Schema
) -> StagedFile:
    rows = snapshot.scan_files(paths, partition).select(list(schema)).collect()
    return stage(snapshot.lake, snapshot.table, partition, rows)
