"""The impact of an erasure: everything that goes, and what learned from it."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from mlops_assets.lake import Lake
from mlops_assets.operations.erasing.history import History
from mlops_assets.operations.erasing.orders import Order
from mlops_assets.operations.erasing.places import landed_files, previews, reports

IMPACT = pl.Schema(
    {
        "what": pl.String(),
        "name": pl.String(),
        "partition": pl.String(),
        "rows": pl.Int64(),
        "size_bytes": pl.Int64(),
    }
)

_Line = tuple[str, str, str | None, int | None, int | None]


def impact_of(order: Order, lake: Lake, history: History) -> pl.DataFrame:
    """What an order comes to; nothing is changed.

    Returns:
        `what` (`rows`, `arrivals`, `vault`, `landing file`, `preview`, `runs`, `report`,
        `snapshot` or `model`), `name`, `partition`, `rows` (of a snapshot its items that go),
        `size_bytes`.
    """
    lines = [*_rows(order), *_bytes(order, lake), *_seen(order, lake, history), *_learned(order)]
    return pl.DataFrame(lines, schema=IMPACT, orient="row")


def _rows(order: Order) -> Iterator[_Line]:
    for table, parts in order.keys.items():
        for partition, rows in sorted(parts.items()):
            yield "rows", table, partition, rows.height, None
    if order.paths:
        yield "arrivals", "arrivals", None, len(order.paths), None


def _bytes(order: Order, lake: Lake) -> Iterator[_Line]:
    for sha256 in order.names:
        size = lake.store.size(lake.vault.path(sha256))
        if size is not None:
            yield "vault", sha256, None, None, size
    for found in landed_files(order):
        yield "landing file", str(found), None, None, found.stat().st_size


def _seen(order: Order, lake: Lake, history: History) -> Iterator[_Line]:
    for path, size in previews(order, lake):
        _, table, _ = path.split("/", 2)
        yield "preview", table, None, None, size
    runs = history.count(order.partitions) if order.partitions else None
    if runs and (runs.runs or runs.unfinished):
        yield "runs", "of Dagster", ", ".join(order.partitions), runs.runs + runs.unfinished, None
    if order.partitions:
        for file in reports():
            yield "report", file.name, None, None, file.stat().st_size


def _learned(order: Order) -> Iterator[_Line]:
    for one in order.learned:
        yield "snapshot", one.snapshot_id, one.model, one.items, None
        for name in one.versions:
            yield "model", name, one.model, None, None
