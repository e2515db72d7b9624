"""Tables that only benchmarks have: as many rows or bytes as are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from mlops_assets.lake import MEDIA, Lake, Partition, commit_partition
from mlops_assets.lake.commits import Base, stage
from mlops_assets.rows import Origin, Row, each, expand, table
from mlops_assets.rows.parameters import version_of
from mlops_assets.rows.slices import stamp
from mlops_assets.rows.tables import FP, Table

PARTITION = MEDIA.of("synthetic", "2026-01-01")
ROWS_PER_FILE = 100_000
BLOBS_PER_FILE = 30
BLOB_BYTES = 20_000


class Item(Row, key="item_id"):
    """As named as a frame is: a hash and a number."""

    item_id: str
    number: int


class Measure(Row, key="item_id"):
    """What was made of an item."""

    item_id: str
    value: float


class Listed(Row, key="path"):
    """A file that landed, and its revision."""

    path: str
    revision: int


class Blob(Row, key="blob_id"):
    """A share of a file."""

    blob_id: str
    path: str
    content: bytes


LANDED: dict[str, int] = {}
"""Path to revision: what the origin of `blobs` says has landed."""

NOTHING = Origin("nothing", Item, lambda lake, partition: pl.DataFrame(schema=Item.schema()))


def _landed(lake: Lake, partition: Partition) -> pl.DataFrame:
    data = {"path": list(LANDED), "revision": list(LANDED.values())}
    return pl.DataFrame(data, schema=Listed.schema())


@table(each(NOTHING), version="1")
def items(item: Item) -> Item:
    """Grain: one row per item; never computed, only written by `fill`."""
    return item


@table(each(items), version="1")
def measures(item: Item, *, factor: float = 2.0) -> Measure:
    """Grain: one row per item."""
    return Measure(item_id=item.item_id, value=factor * item.number)


@table(expand(Origin("landed", Listed, _landed), by="path"), version="1")
def blobs(listed: Listed) -> Iterator[Blob]:
    """Grain: one row per share of a file; random bytes, so nothing is saved by compression."""
    rng = np.random.default_rng([int(listed.path.split("-")[1]), listed.revision])
    for number in range(BLOBS_PER_FILE):
        content = rng.bytes(BLOB_BYTES)
        yield Blob(blob_id=f"{listed.path}#{number:03}", path=listed.path, content=content)


def fill(lake: Lake, rows: int, seed: int) -> None:
    """Write so many rows into `items`, and into `measures` the rows they imply."""
    rng = np.random.default_rng(seed)
    for start in range(0, rows, ROWS_PER_FILE):
        made = _items(rng, start, min(ROWS_PER_FILE, rows - start))
        stamped = stamp(items, made, {(key,): 0 for key in made["item_id"]}, "1|{}")
        _add(lake, items, stamped, start // ROWS_PER_FILE)
        sources = dict(stamped.select("item_id", FP).iter_rows())
        values = made.select("item_id", value=pl.col("number") * 2.0)
        version = version_of(measures.producer, {"factor": 2.0})
        _add(
            lake,
            measures,
            stamp(measures, values, {(k,): v for k, v in sources.items()}, version),
            start // ROWS_PER_FILE,
        )


def _items(rng: np.random.Generator, start: int, count: int) -> pl.DataFrame:
    """Fifty items of one clip have one hash."""
    clips = [rng.bytes(32).hex() for _ in range(count // 50 + 1)]
    keys = [f"{clips[place // 50]}#{place % 50:06}" for place in range(count)]
    return pl.DataFrame(
        {"item_id": keys, "number": range(start, start + count)}, schema=Item.schema()
    )


def _add(lake: Lake, one: Table, rows: pl.DataFrame, number: int) -> None:
    snapshot = lake.snapshot(one.name)
    paths = frozenset() if snapshot is None else frozenset(snapshot.of(PARTITION)["path"])
    staged = stage(lake, one.name, PARTITION, rows)
    commit_partition(
        lake, one.name, PARTITION, base=Base(number, paths), add=[staged], schema=one.schema
    )
