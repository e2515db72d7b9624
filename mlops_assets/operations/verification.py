"""Verify the whole: rows, vault and snapshots are what they should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from mlops_assets.datasets import Selection, labelled_items
from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.lake import MEDIA, Lake, current_lake
from mlops_assets.landing.arrivals import known_arrivals
from mlops_assets.operations.naming import known_partitions, partition_named
from mlops_assets.rows.verify import PROBLEMS
from mlops_assets.rows.verify import verify as verify_rows
from mlops_assets.tables import all_producers, table_named

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""

_Work = Callable[[], pl.DataFrame]


def verify(
    *,
    table: str | None = None,
    partition: str | None = None,
    quick: bool = False,
    lake: Lake | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Everything that is wrong with the lake.

    Rows are exactly what parents, versions and parameters imply, once each (see `rows.verify`);
    accepted media are accepted once; the vault has the bytes of everything that landed, with their
    hash (`bytes_lost`, `bytes_changed`); snapshots read what they read at first (`snapshot_lost`,
    `snapshot_changed`).

    Args:
        table: only this one; vault and snapshots are left out.
        partition: only this media partition; snapshots are left out.
        quick: do not read bytes: row contents, hashes of the vault, items of snapshots.
        lake: which; the current one for None.
        progress: told after each part.

    Returns:
        `table`, `partition`, `problem`, `key`, `message`; empty when all is right.

    Raises:
        ConfigurationError: there is no such table.
        InputError: there is no such partition (`not_found`).
    """
    lake = lake or current_lake()
    work = list(_rows_work(table, partition, quick, lake))
    if table is None:
        work += _media_work(partition, quick, lake)
    if table is None and partition is None:
        work += _snapshot_work(quick, lake)
    found = [pl.DataFrame(schema=PROBLEMS)]
    for done, part in enumerate(work, start=1):
        found.append(part())
        if progress:
            progress(done, len(work))
    return pl.concat(found)


def _problems(rows: list[tuple[str, str, str, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=PROBLEMS, orient="row")


def _rows_work(
    table: str | None, partition: str | None, quick: bool, lake: Lake
) -> Iterator[_Work]:
    producers = all_producers() if table is None else [table_named(table).producer]
    for one in producers:
        if partition is None:
            places = known_partitions(one.scheme, lake)
        elif one.scheme == MEDIA or table is not None:
            places = [partition_named(partition, lake, one.scheme)]
        else:
            continue
        for place in places:
            yield lambda one=one, place=place: verify_rows(one, lake, place, quick=quick)


def _media_work(partition: str | None, quick: bool, lake: Lake) -> list[_Work]:
    rows = known_arrivals(lake).with_columns(_at=pl.concat_str("source", "day", separator="@"))
    if partition is not None:
        rows = rows.filter(pl.col("_at") == partition)
    kept = [
        rows.select("_at", "source", "path", hash=pl.col(column)).drop_nulls("hash")
        for column in ("sha256", "sidecar_sha256")
    ]
    media = pl.concat(kept).unique("hash", maintain_order=True)
    checks: list[_Work] = [
        lambda row=row: _verify_bytes(*row, quick=quick, lake=lake) for row in media.iter_rows()
    ]
    return [lambda: _accepted_twice(lake), *checks]


def _accepted_twice(lake: Lake) -> pl.DataFrame:
    """Media accepted in two places; labels speak of their own folder and may be."""
    rows = table_named("raw_media").rows(lake)
    kept = rows.filter((pl.col("status") == "accepted") & (pl.col("kind") != "labels"))
    places = pl.concat_str("source", "path", separator="/")
    twice = (
        kept.group_by("media_id")
        .agg(places.sort().alias("places"))
        .filter(pl.col("places").list.len() > 1)
    )
    return _problems(
        [
            ("raw_media", "", "accepted_twice", media_id, ", ".join(where))
            for media_id, where in twice.sort("media_id").collect().iter_rows()
        ]
    )


def _verify_bytes(
    at: str, source: str, path: str, sha256: str, *, quick: bool, lake: Lake
) -> pl.DataFrame:
    name = f"{source}/{path}"
    if not lake.vault.holds(sha256):
        return _problems([("vault", at, "bytes_lost", sha256, name)])
    if quick:
        return _problems([])
    try:
        with lake.vault.open(sha256):
            pass
    except InputError as err:
        return _problems([("vault", at, err.reason, sha256, f"{name}: {err}")])
    if lake.vault.verify(sha256):
        return _problems([])
    return _problems([("vault", at, "bytes_changed", sha256, f"{name} has another hash now")])


def _snapshot_work(quick: bool, lake: Lake) -> list[_Work]:
    rows = table_named("snapshots").rows(lake)
    columns = ("model", "snapshot_id", "table_versions", "query", "content_hash")
    return [
        lambda row=row: _verify_snapshot(row, quick=quick, lake=lake)
        for row in rows.select(columns).sort("snapshot_id").collect().iter_rows(named=True)
    ]


def _verify_snapshot(row: dict[str, Any], *, quick: bool, lake: Lake) -> pl.DataFrame:
    selection = Selection.stored(row)
    model, snapshot_id, content = row["model"], row["snapshot_id"], row["content_hash"]
    lost = [
        ("snapshots", model, "snapshot_lost", snapshot_id, message)
        for message in _lost_files(selection.versions, lake)
    ]
    if lost or quick:
        return _problems(lost)
    reads = labelled_items(lake, selection).content_hash
    if reads == content:
        return _problems([])
    message = f"reads {reads} at its pinned versions; it was {content}"
    return _problems([("snapshots", model, "snapshot_changed", snapshot_id, message)])


def _lost_files(versions: Mapping[str, int], lake: Lake) -> Iterator[str]:
    """What is gone of the pinned versions: a version, or files of it."""
    for table, version in versions.items():
        try:
            snapshot = lake.snapshot(table, version)
        except ConfigurationError as err:
            yield str(err)
            continue
        paths = [] if snapshot is None else snapshot.files["path"].to_list()
        gone = [p for p in paths if lake.store.size(f"tables/{table}/{p}") is None]
        if gone:
            yield f"{len(gone)} of {len(paths)} files of {table} version {version} are gone"
