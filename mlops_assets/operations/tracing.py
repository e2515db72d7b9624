"""Trace rows up to file and second; name everything made from media; explain why a row is as it is.

The rows know their own chain (`rows.trace`); what joins chains of different partitions is here:
snapshots and the items they pinned, models and what they say of which partition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.lake import MEDIA, Lake, Partition, current_lake, still_lake
from mlops_assets.operations.learning import learned_items, models_of, snapshots_of, uses_of
from mlops_assets.operations.naming import NOT_FOUND, find_media, known_partitions, not_found
from mlops_assets.operations.overview import row_counts
from mlops_assets.operations.places import with_places
from mlops_assets.rows import Table
from mlops_assets.rows.explain import Explanation
from mlops_assets.rows.explain import explain as explain_row
from mlops_assets.rows.keys import Found, find
from mlops_assets.rows.trace import ancestors, as_frame, descendants
from mlops_assets.tables import all_tables, table_named

IMPACT = pl.Schema(
    {"what": pl.String(), "name": pl.String(), "partition": pl.String(), "rows": pl.Int64()}
)
EXPLAINED = pl.Schema(
    dict.fromkeys(("table", "partition", "key", "state", "reason", "message"), pl.String())
)


def trace(
    table: str,
    key: str,
    *,
    partition: str | None = None,
    limit: int = 1000,
    lake: Lake | None = None,
) -> pl.DataFrame:
    """Everything a row was made from, up to the file in the vault and the second in it.

    A model leads by its snapshot to every item it learned from, read at the pinned versions.

    Args:
        table: name of the row's table.
        key: its key, or 8 characters of its beginning, or `source/path`: then of all rows of it.
        partition: look in this one only.
        limit: most rows to list per table; `rows` says how many there are.
        lake: which; the current one for None.

    Returns:
        `step` (0 is the row itself), `table`, `partition`, `key`, `rows`, `via` (through which
        tables), `file` (`source/path`), `time_s`.

    Raises:
        ConfigurationError: there is no such table.
        InputError: there is no such row (`not_found`); `explain` says why.
    """
    lake = lake or current_lake()
    one = table_named(table)
    with still_lake():
        found = _rows_named(one, key, partition, lake)
        if not found:
            raise not_found(f"{table} has no row {key!r}; ask `mlops explain {table} {key}` why")
        parts = [
            part for rows in found for part in _trace_in(one, lake, rows.partition, rows, limit)
        ]
    return pl.concat(parts).sort("step", maintain_order=True)


def _trace_in(
    table: Table, lake: Lake, partition: Partition, rows: Found, limit: int
) -> Iterator[pl.DataFrame]:
    kin = ancestors(table, lake, partition, rows.keys)
    listed = as_frame(kin, partition, limit=limit)
    if table.producer.scheme == MEDIA:
        yield with_places(listed, kin, lake, partition)
        return
    yield listed.with_columns(file=pl.lit(None, pl.String), time_s=pl.lit(None, pl.Float64))
    for one in kin:
        if one.parent.name == "snapshots":
            yield learned_items(lake, partition, one, limit)


def impact(what: str, *, lake: Lake | None = None) -> pl.DataFrame:
    """Everything that was made from some media, a partition or a snapshot.

    Args:
        what: a medium (`media_id`, 8 digits of it, or `source/path`), a partition
            (`camera-01@2026-11-20`) or a snapshot (`scene-0003`).
        lake: which; the current one for None.

    Returns:
        `what` (`rows`, `snapshot` or `model`), `name` of table, snapshot or model, `partition`,
        `rows`: how many rows, or how many items of a snapshot come from it.

    Raises:
        InputError: there is no such thing (`not_found`).
    """
    lake = lake or current_lake()
    with still_lake():
        if what in {one.key for one in known_partitions(MEDIA, lake)}:
            found = _of_partition(MEDIA.parse(what), lake)
        elif snapshots_of(lake).filter(pl.col("snapshot_id") == what).height:
            found = list(uses_of(lake, what))
        else:
            found = _of_media(what, lake)
    return pl.DataFrame(found, schema=IMPACT, orient="row")


Line = tuple[str, str, str, int]


def _of_partition(partition: Partition, lake: Lake) -> list[Line]:
    source, day = partition.values
    counts = row_counts(lake).filter((pl.col("source") == source) & (pl.col("day") == day))
    rows = counts.select("table", "rows").iter_rows()
    found: list[Line] = [("rows", table, partition.key, count) for table, count in rows]
    in_it = pl.col("source").eq(source) & pl.col("day").eq(day)
    return found + list(models_of(lake, in_it, sources={source}))


def _of_media(media: str, lake: Lake) -> list[Line]:
    files = find_media(media, lake)
    media_id = files["media_id"][0]
    found: list[Line] = []
    learned = {media_id}
    for source, day in files.select("source", "day").unique(maintain_order=True).iter_rows():
        partition = MEDIA.of(source, day)
        found += _rows_of(media_id, partition, lake)
        learned |= _labelled_by(media_id, partition, lake)
    is_learned = pl.col("media_id").is_in(sorted(learned))
    return found + list(models_of(lake, is_learned, sources=set(files["source"])))


def _rows_of(media_id: str, partition: Partition, lake: Lake) -> list[Line]:
    raw_media = table_named("raw_media")
    mine = raw_media.rows(lake, partition).filter(pl.col("media_id") == media_id)
    keys = mine.select(raw_media.key).collect()
    kin = descendants(raw_media, lake, partition, keys, all_tables().values())
    return [("rows", one.parent.name, partition.key, one.keys.height) for one in kin]


def _labelled_by(media_id: str, partition: Partition, lake: Lake) -> set[str]:
    """The media that a file's statements are about: they learn from it, wherever they lie."""
    source = partition.values[0]
    said = table_named("labels").rows(lake, partition).filter(pl.col("media_id") == media_id)
    media = table_named("raw_media").rows(lake).filter(pl.col("source") == source)
    named = media.join(said.select(path="item_path").unique(), on="path", how="semi")
    return set(named.select("media_id").collect()["media_id"])


def explain(
    table: str, key: str, *, partition: str | None = None, lake: Lake | None = None
) -> pl.DataFrame:
    """Why a row is current, due, skipped, unwanted, orphaned or missing.

    Args:
        table: name of the row's table.
        key: its key, or that of what it would be made from, or `source/path`.
        partition: look in this one only.
        lake: which; the current one for None.

    Returns:
        `table`, `partition`, `key`, `state`, `reason`, `message`: the row, then its parents.

    Raises:
        ConfigurationError: there is no such table.
        InputError: no row, unit or landed file has that name (`not_found`).
    """
    lake = lake or current_lake()
    one = table_named(table)
    with still_lake():
        rows = []
        for at, name in _asked(one, key, partition, lake):
            chain = list(explain_row(one, lake, at, name).chain())
            rows += [*chain, *_of_gate(chain[-1], lake, at)]
    told = [[getattr(row, name) for name in EXPLAINED] for row in rows]
    return pl.DataFrame(told, schema=EXPLAINED, orient="row")


def _asked(
    table: Table, key: str, partition: str | None, lake: Lake
) -> list[tuple[Partition, str]]:
    """Where to look for a key, and what it is called there."""
    found = find(table, lake, key, _at(table, partition))
    if found:
        column = table.key[0]
        exact = [(one.partition, str(one.keys[column][0])) for one in found]
        return exact if len(table.key) == 1 else [(one.partition, key) for one in found]
    if partition is not None:
        return [(table.producer.scheme.parse(partition), key)]
    if table.producer.scheme != MEDIA:
        return [(one, key) for one in known_partitions(table.producer.scheme, lake)]
    beginning, mark, end = _split(key)
    files = find_media(beginning, lake).head(1)
    source, day, path, media_id = files.select("source", "day", "path", "media_id").row(0)
    unit = path if "path" in table.producer.lineage.by else f"{media_id}{mark}{end}"
    return [(MEDIA.of(source, day), unit)]


def _split(key: str) -> tuple[str, str, str]:
    """A key of a part of a medium (`<media_id>#000003`) as medium, mark and number."""
    for mark in "#@":
        beginning, _, end = key.rpartition(mark)
        if beginning and end.isdigit():
            return beginning, mark, end
    return key, "", ""


def _of_gate(last: Explanation, lake: Lake, partition: Partition) -> Iterator[Explanation]:
    """What the gate said of a file that is not wanted further down."""
    parent = table_named(last.table).producer.lineage.readings[0].parent
    if last.state not in ("filtered", "orphan") or parent.name != "raw_media":
        return
    media_id, _, _ = _split(last.key)
    is_it = (pl.col("media_id") == media_id) | (pl.col("path") == last.key)
    rows = table_named("raw_media").rows(lake, partition).filter(is_it)
    columns = ("path", "status", "reason", "message")
    for path, status, reason, message in rows.select(columns).collect().iter_rows():
        told = f"{status}: {message}" if message else status
        yield replace(
            last, table="raw_media", key=path, state="current", reason=reason, message=told
        )


def _at(table: Table, partition: str | None) -> Partition | None:
    return None if partition is None else table.producer.scheme.parse(partition)


def _rows_named(table: Table, key: str, partition: str | None, lake: Lake) -> list[Found]:
    """The rows of a key; else all rows of the medium it names."""
    found = find(table, lake, key, _at(table, partition))
    if found or table.producer.scheme != MEDIA or "media_id" not in table.row.columns():
        return found
    try:
        files = find_media(key, lake)
    except InputError as err:
        if err.reason == NOT_FOUND:
            return []
        raise
    return [one for one in _rows_of_media(table, files, lake) if one.keys.height]


def _rows_of_media(table: Table, files: pl.DataFrame, lake: Lake) -> Iterator[Found]:
    for source, day in files.select("source", "day").unique(maintain_order=True).iter_rows():
        rows = table.rows(lake, MEDIA.of(source, day))
        mine = rows.filter(pl.col("media_id") == files["media_id"][0])
        yield Found(MEDIA.of(source, day), mine.select(table.key).collect())
