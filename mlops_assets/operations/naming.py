"""What people call things: tables, partitions, media by hash, by its beginning, or by path."""

from __future__ import annotations

import re

import polars as pl

from mlops_assets.datasets import MODEL, REQUESTS
from mlops_assets.errors import InputError
from mlops_assets.lake import MEDIA, Lake, Partition, PartitionScheme
from mlops_assets.landing.arrivals import known_arrivals
from mlops_assets.tables import all_tables

NOT_FOUND = "not_found"
"""The reason of every error that says that there is no such thing."""

_SHORTENED = re.compile(r"[0-9a-f]{8,64}")


def not_found(message: str) -> InputError:
    """The error for something that is not there."""
    return InputError(message, reason=NOT_FOUND)


def known_partitions(scheme: PartitionScheme, lake: Lake) -> list[Partition]:
    """Every partition that something arrived or was asked for in, or that has rows; sorted."""
    found = {p for table in all_tables() for p in _stored(scheme, lake, table)}
    if scheme == MEDIA:
        found |= {MEDIA.of(*row) for row in _landed(lake).iter_rows()}
    if scheme == MODEL:
        found |= {MODEL.of(name) for name in REQUESTS.latest(lake)["model"].unique()}
    return sorted(found, key=lambda partition: partition.values)


def partition_named(key: str, lake: Lake, scheme: PartitionScheme = MEDIA) -> Partition:
    """The known partition of a key.

    Raises:
        InputError: there is none (`not_found`).
        ConfigurationError: the key is not of the scheme's form.
    """
    partition = scheme.parse(key)
    if partition not in known_partitions(scheme, lake):
        raise not_found(f"there is no partition {key!r}")
    return partition


def find_media(media: str, lake: Lake) -> pl.DataFrame:
    """Every landed file with some bytes, the owner first.

    Args:
        media: SHA-256 of the bytes, at least its first 8 digits, or `source/path`.
        lake: where.

    Returns:
        `media_id`, `source`, `path`, `day`, `sidecar_sha256`, `ruling`; all of one `media_id`.

    Raises:
        InputError: no such file landed (`not_found`), or the digits fit several (`ambiguous`).
    """
    rows = known_arrivals(lake).sort("landed_at", "source", "path")
    named = rows.filter(pl.concat_str("source", "path", separator="/") == media)
    if named.is_empty() and _SHORTENED.fullmatch(media.lower()):
        named = rows.filter(pl.col("sha256").str.starts_with(media.lower()))
    ids = named["sha256"].unique().to_list()
    if not ids:
        raise not_found(
            f"no landed file is {media!r}; expected a media_id, 8 or more digits of it, "
            "or source/path"
        )
    if len(ids) > 1:
        raise InputError(f"{media!r} begins {len(ids)} media_ids; give more", reason="ambiguous")
    mine = rows.filter(pl.col("sha256") == ids[0])
    return mine.select("source", "path", "day", "sidecar_sha256", "ruling", media_id="sha256")


def _landed(lake: Lake) -> pl.DataFrame:
    return known_arrivals(lake).select("source", "day").unique()


def _stored(scheme: PartitionScheme, lake: Lake, table: str) -> set[Partition]:
    if all_tables()[table].producer.scheme != scheme:
        return set()
    snapshot = lake.snapshot(table)
    columns = [f"partition.{name}" for name in scheme.columns]
    if snapshot is None or not set(columns) <= set(snapshot.files.columns):
        return set()
    return {scheme.of(*values) for values in snapshot.files.select(columns).unique().iter_rows()}
