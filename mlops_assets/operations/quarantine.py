"""Quarantine as work: what is out of use and why, and trying again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.lake import MEDIA, Lake, Partition, current_lake, still_lake, use_lake
from mlops_assets.landing.arrivals import known_arrivals
from mlops_assets.landing.rulings import RULINGS
from mlops_assets.landing.stopped_sheet import SHEET_ITEMS
from mlops_assets.operations.behind import media_producers, note
from mlops_assets.operations.naming import find_media
from mlops_assets.rows import Producer, Table
from mlops_assets.rows.keys import text_of
from mlops_assets.rows.retrying import forget_skips
from mlops_assets.tables import table_named
from mlops_assets.tables.raw_media import stopped_sheet

PLACE = ("source", "day")
_ABOUT = (*PLACE, "path")
_EMPTY = "empty"  # a unit that gave no row did not fail
_SKIPS = {
    **dict.fromkeys((*PLACE, "table", "key", "path", "media_id", "reason", "message"), pl.String),
}


@dataclass(frozen=True)
class Case:
    """Everything about one medium that is, or was, out of use.

    Attributes:
        items: its lines of `quarantined`, ruled upon or not; empty when it is in use.
        rulings: `ruling`, `reason`, `ruled_by`, `recorded_at`, the latest last.
        files: `source`, `path`, `day`, `media_id` of every landed file with these bytes.
        vault_uri: where the bytes lie.
    """

    items: pl.DataFrame
    rulings: pl.DataFrame
    files: pl.DataFrame
    vault_uri: str


def quarantined(
    *,
    reason: str | None = None,
    source: str | None = None,
    older_than: timedelta | None = None,
    every: bool = False,
    lake: Lake | None = None,
    now: datetime | None = None,
) -> pl.DataFrame:
    """What is out of use and waits for a person: files that a gate or a person stopped, and skips.

    A *skip* is a unit of another table that failed: a clip that no decoder could read, a document
    without text.

    Args:
        reason: only this reason code.
        source: only this source.
        older_than: only what has waited longer.
        every: what was rejected for good as well.
        lake: which; the current one for None.
        now: to measure age against; the time of the call for None.

    Returns:
        `source`, `day`, `path`, `media_id`, `table`, `key` (of the unit), `reason`, `message`,
        `since`, `age_days`, `ruling`, `ruled_by`; the longest waiting first.
    """
    lake, now = lake or current_lake(), now or datetime.now(UTC)
    with still_lake():
        found = [_stopped(lake), *(_skipped(producer, lake) for producer in media_producers())]
        rows = _with_rulings(pl.concat(found), lake)
    rows = rows.with_columns(age_days=(pl.lit(now) - pl.col("since")).dt.total_seconds() / 86_400)
    wanted = [pl.lit(True)]
    wanted += [pl.col("reason") == reason] if reason else []
    wanted += [pl.col("source") == source] if source else []
    wanted += [pl.col("since") < now - older_than] if older_than else []
    wanted += [] if every else [pl.col("ruling").ne_missing("rejected")]
    columns = [*PLACE, "path", "media_id", "table", "key", "reason", "message"]
    columns += ["since", "age_days", "ruling", "ruled_by"]
    return rows.filter(*wanted).select(columns).sort("since", *PLACE, "path", "table")


def quarantine_sheet(
    *, reason: str | None = None, source: str | None = None, lake: Lake | None = None
) -> bytes | None:
    """A contact sheet of what waits for a person: the newest 24, with reason and file name.

    Args:
        reason: only this reason code.
        source: only this source.
        lake: which; the current one for None.

    Returns:
        PNG; None when nothing waits. See `tables.raw_media.stopped_sheet` for what is not shown.
    """
    from mlops_assets.media.pictures import jpeg_to_png

    lake = lake or current_lake()
    waiting = quarantined(reason=reason, source=source, lake=lake).drop_nulls(["media_id", "path"])
    newest = waiting.sort("since", "path", descending=[True, False]).head(SHEET_ITEMS)
    about = table_named("raw_media").rows(lake).select(*_ABOUT, "kind", "size_bytes", "privacy")
    items = newest.lazy().join(about, on=_ABOUT, how="left", maintain_order="left").collect()
    with use_lake(lake):
        jpeg = stopped_sheet(items.with_columns(pl.col("kind").fill_null("unknown")))
    return None if jpeg is None else jpeg_to_png(jpeg)


def quarantine_case(media: str, *, lake: Lake | None = None) -> Case:
    """One medium: why it is out of use, who decided what, and where its bytes are.

    Args:
        media: SHA-256 of the bytes, at least its first 8 digits, or `source/path`.
        lake: which; the current one for None.

    Raises:
        InputError: no such media (`not_found`).
    """
    lake = lake or current_lake()
    files = find_media(media, lake)
    media_id = files["media_id"][0]
    items = quarantined(every=True, lake=lake).filter(_is_of(files, media_id))
    rulings = RULINGS.statements(lake).filter(pl.col("media_id") == media_id).drop("media_id")
    files = files.select("source", "path", "day", "media_id")
    return Case(items, rulings, files, lake.store.uri(lake.vault.path(media_id)))


def retry(media: str, *, lake: Lake | None = None) -> pl.DataFrame:
    """Try again what failed: after a crash of a decoder, a time limit, a repaired machine.

    The next run calls the functions again; nobody's ruling and no gate's verdict changes.

    Args:
        media: SHA-256 of the bytes, at least its first 8 digits, or `source/path`.
        lake: which; the current one for None.

    Returns:
        `source`, `day`, `table`, `key`, `reason` of the units that will be tried again.

    Raises:
        InputError: no such media (`not_found`); nothing of it was skipped (`nothing_to_retry`).
    """
    lake = lake or current_lake()
    files = find_media(media, lake)
    items = quarantined(every=True, lake=lake).filter(_is_of(files, files["media_id"][0]))
    skips = items.filter(pl.col("key").is_not_null())
    if skips.is_empty():
        raise InputError(
            f"nothing of {media} was skipped; a gate's verdict changes by its threshold "
            "(mlops set) or by a release",
            reason="nothing_to_retry",
        )
    for (source, day), part in skips.group_by(PLACE, maintain_order=True):
        _retry_in(lake, MEDIA.of(str(source), str(day)), part)
    return skips.select(*PLACE, "table", "key", "reason")


def _retry_in(lake: Lake, partition: Partition, skips: pl.DataFrame) -> None:
    for producer in media_producers():
        names = [table.name for table in producer.tables]
        keys = skips.filter(pl.col("table").is_in(names))["key"].unique().to_list()
        if not keys:
            continue
        by = producer.lineage.by
        for table in producer.tables:
            units = _skips_of(table, lake, partition).filter(text_of(by).is_in(keys))
            forget_skips(producer, lake, partition, units.select(by).collect())
    note(lake, partition, "touched", digest="", run_id="retry")


def _is_of(files: pl.DataFrame, media_id: str) -> pl.Expr:
    named = pl.concat_str("source", "path", separator="/")
    paths = files.select(named).to_series().to_list()
    return (pl.col("media_id") == media_id) | named.is_in(paths)


def _stopped(lake: Lake) -> pl.DataFrame:
    """Files that a gate or a person stopped."""
    rows = table_named("raw_media").rows(lake).filter(pl.col("status") == "quarantined")
    columns = [*PLACE, "path", "media_id", "reason", "message"]
    stopped = rows.select(*columns, table=pl.lit("raw_media"), key=pl.lit(None, pl.String))
    return stopped.select(list(_SKIPS)).collect()


def _skipped(producer: Producer, lake: Lake) -> pl.DataFrame:
    """Units that failed, with the file they are of; once for all tables of a function."""
    parts = [_failed(table, lake) for table in producer.tables]
    units = pl.concat(parts).unique([*PLACE, "key"], keep="first", maintain_order=True)
    return _with_files(units, producer, lake).select(list(_SKIPS))


def _failed(table: Table, lake: Lake) -> pl.DataFrame:
    by = table.producer.lineage.by
    rows = _skips_of(table, lake).filter(pl.col("reason") != _EMPTY)
    return rows.select(
        *PLACE, *by, "reason", "message", table=pl.lit(table.name), key=text_of(by)
    ).collect()


def _skips_of(table: Table, lake: Lake, partition: Partition | None = None) -> pl.LazyFrame:
    rows = lake.scan(table.skipped_name, partition)
    if rows is not None:
        return rows
    columns = [*PLACE, "reason", "message"]
    schema = {**table.producer.lineage.unit_schema, **dict.fromkeys(columns, pl.String())}
    return pl.LazyFrame(schema=schema)


def _with_files(units: pl.DataFrame, producer: Producer, lake: Lake) -> pl.DataFrame:
    """With `media_id` and `path`, as far as the first parent's rows say whose a unit is."""
    parent, by = producer.lineage.parents[0], [*PLACE, *producer.lineage.by]
    if units.is_empty():
        return units.with_columns(pl.lit(None, pl.String).alias(n) for n in ("media_id", "path"))
    if isinstance(parent, Table) and "media_id" in parent.row.columns():
        wanted = list(dict.fromkeys([*by, "media_id"]))
        owners = parent.rows(lake).select(wanted).unique(by, keep="any").collect()
        units = units.join(owners, on=by, how="left", maintain_order="left")
    arrived = known_arrivals(lake).select(*PLACE, "path", media_id="sha256")
    if "path" in units.columns:
        names = [name for name in ("media_id",) if name in units.columns]
        return units.drop(names).join(arrived, on=[*PLACE, "path"], how="left")
    if "media_id" not in units.columns:
        return units.with_columns(pl.lit(None, pl.String).alias(n) for n in ("media_id", "path"))
    first = arrived.sort("path").unique([*PLACE, "media_id"], keep="first")
    return units.join(first, on=[*PLACE, "media_id"], how="left", maintain_order="left")


def _with_rulings(rows: pl.DataFrame, lake: Lake) -> pl.DataFrame:
    """With `since`: the ruling of who put it out of use, else the arrival of the file."""
    arrived = known_arrivals(lake).select(*PLACE, "path", "landed_at")
    rulings = RULINGS.latest(lake).select("media_id", "ruling", "ruled_by", ruled_at="recorded_at")
    rows = rows.join(arrived, on=[*PLACE, "path"], how="left", maintain_order="left")
    rows = rows.join(rulings, on="media_id", how="left", maintain_order="left")
    by_hand = pl.col("ruling").is_in(["quarantined", "rejected"])
    since = pl.when(by_hand).then(pl.col("ruled_at")).otherwise(pl.col("landed_at"))
    return rows.with_columns(since=since)
