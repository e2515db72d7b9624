"""Keys as people write them: a row's key as one text, and the rows that have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from mlops_assets.lake import Lake, Partition
from mlops_assets.rows.tables import Table

_SHORTEST_PREFIX = 8


@dataclass(frozen=True)
class Found:
    """Rows of a key: their partition, and the key columns of each."""

    partition: Partition
    keys: pl.DataFrame


def find(table: Table, lake: Lake, key: str, partition: Partition | None = None) -> list[Found]:
    """The rows with a key; else those of a shortened one.

    At least 8 characters of a key's beginning are enough, with or without what follows a `#` or
    `@`: `9e8d55b6` finds every frame of a medium, `9e8d55b6#000003` one.

    Args:
        table: where to look.
        lake: where it lies.
        key: a row's key as text; the values of a key of several columns are joined by `|`.
        partition: look in this one only.

    Returns:
        One entry per partition that has such rows; empty when none has.
    """
    rows = table.rows(lake, partition)
    found = rows.filter(has_key(table, key)).select(*table.producer.scheme.columns, *table.key)
    keys = found.collect()
    beginning, mark, end = _parted(key)
    if keys.is_empty() and len(beginning) >= _SHORTEST_PREFIX:
        text = text_of(table.key)
        begins = text.str.starts_with(beginning) & text.str.ends_with(mark + end)
        keys = rows.filter(begins).select(keys.columns).collect()
    columns = table.producer.scheme.columns
    return [
        Found(Partition(columns, tuple(map(str, values))), part.select(table.key).unique())
        for values, part in keys.group_by(columns, maintain_order=True)
    ]


def _parted(key: str) -> tuple[str, str, str]:
    place = next((place for place, sign in enumerate(key) if sign in "#@"), len(key))
    return key[:place], key[place : place + 1], key[place + 1 :]


def key_text(rows: pl.DataFrame, columns: Iterable[str]) -> list[str]:
    """The key of each row as text; the values of several columns are joined by `|`."""
    return rows.select(text_of(tuple(columns))).to_series().to_list()


def text_of(columns: tuple[str, ...]) -> pl.Expr:
    """Key columns as one text; null when one of them is."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in columns], separator="|")


def has_key(table: Table, key: str) -> pl.Expr:
    """Whether a row has this key; on a text column alone, so that file statistics help."""
    if len(table.key) == 1 and table.row.schema()[table.key[0]] == pl.String():
        return pl.col(table.key[0]) == key
    return text_of(table.key) == key
