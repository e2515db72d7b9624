"""Which media: named by a person, or found by a condition on `raw_media`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.lake import Lake, current_lake
from mlops_assets.landing.tombstones import ERASED, erased_media
from mlops_assets.operations.erasing.orders import Order
from mlops_assets.operations.naming import NOT_FOUND, find_media
from mlops_assets.tables import table_named

_DIGITS = re.compile(r"[0-9a-f]{8,64}")


def media_named(names: Iterable[str], lake: Lake, open_orders: Sequence[Order] = ()) -> list[str]:
    """The media that people name: by hash, 8 or more digits of it, or `source/path`.

    What was forgotten already, or is being forgotten, is found by its hash as well.

    Raises:
        InputError: there is no such thing (`not_found`), or the digits fit several (`ambiguous`).
    """
    return list(dict.fromkeys(_named(name, lake, open_orders) for name in names))


def _named(name: str, lake: Lake, open_orders: Sequence[Order]) -> str:
    for order in open_orders:
        if name in order.paths:
            return order.media[0] if len(order.media) == 1 else order.paths[name]
    try:
        return str(find_media(name, lake)["media_id"][0])
    except InputError as err:
        known = erased_media(lake).union(*(order.media for order in open_orders))
        found = [one for one in known if one.startswith(name.lower())]
        if err.reason != NOT_FOUND or not _DIGITS.fullmatch(name.lower()) or not found:
            raise
        if len(found) > 1:
            raise InputError(
                f"{name!r} begins {len(found)} media_ids; give more", reason="ambiguous"
            ) from err
        return found[0]


def media_where(condition: str, *, lake: Lake | None = None) -> list[str]:
    """The media of the rows of `raw_media` that fulfil a condition, sorted.

    Args:
        condition: an SQL expression, in DuckDB's words, over the columns of `raw_media` with
            `source` and `day`: `source = 'gate' and captured_at < '2026-01-01'`,
            `list_contains(privacy, 'faces')`, `sidecar_json ->> '$.consent' = 'no'`. It sees
            nothing but that table: no file, no network.
        lake: where; the current one for None.

    Raises:
        InputError: it is no such expression (`bad_query`).
    """
    import duckdb

    lake = lake or current_lake()
    rows = table_named("raw_media").rows(lake).filter(pl.col("reason").ne_missing(ERASED))
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("raw_media", rows.collect().to_arrow())
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        try:
            found = connection.view("raw_media").filter(condition).fetchall()
            columns = connection.view("raw_media").columns
        except duckdb.Error as err:
            told = str(err).strip().splitlines()[0]
            raise InputError(
                f"--where {condition!r}: {told}; expected a condition on the columns of raw_media",
                reason="bad_query",
            ) from err
    place = columns.index("media_id")
    return sorted({row[place] for row in found})
