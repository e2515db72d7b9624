"""Snapshots: immutable training sets: a query, pinned table versions, a hash of the content."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import polars as pl

from mlops_assets.datasets import MODEL, Request, Selection, labelled_items, requests
from mlops_assets.errors import InputError
from mlops_assets.lake import current_lake
from mlops_assets.rows import How, Row, each, table
from mlops_assets.settings import settings


class Snapshot(Row, key="request_id"):
    """One training set."""

    request_id: str
    snapshot_id: Annotated[str, "such as scene-0003: the request it answers"]
    query: Annotated[str, "what was asked of the tables, JSON"]
    table_versions: Annotated[str, "Delta version of every table read, JSON"]
    partitions: Annotated[list[str], "where its items are from"]
    media_count: int
    item_count: int
    media_per_class: Annotated[str, "labelled media by class, JSON"]
    content_hash: str
    cause: Annotated[str, "first, drift, labels or person"]
    reason: str
    asked_by: str
    asked_at: datetime


@table(
    each(requests),
    version="1",
    accepts=("*",),
    scheme=MODEL,
    how=How(commit="partition"),
    looks_at=(
        "raw_media",
        "screenings",
        "near_duplicates",
        "labels",
        "frame_embeddings",
        "optical_flows",
    ),
)
def snapshots(request: Request) -> Snapshot:
    """Training sets: which labelled items, at which version of every table.

    Grain: one row per training request. Key: `request_id`. Partition: model name. Never replaced: a
    snapshot is history. Read its items again with
    `datasets.labelled_items(lake, Selection.stored(row))`; vacuum keeps what it pins. Limits: the
    query is fixed: every gold-labelled, accepted frame whose policy is one of `MLOPS_TRAIN_ON`.
    """
    lake = current_lake()
    selection = Selection.at_present(lake, settings().train_on)
    labelled = labelled_items(lake, selection)
    if labelled.items.is_empty():
        raise InputError("no labelled item has features yet", reason="no_items")
    return Snapshot(
        request_id=request.request_id,
        snapshot_id=request.request_id,
        query=selection.query,
        table_versions=json.dumps(selection.versions, sort_keys=True),
        partitions=labelled.partitions,
        media_count=labelled.items["media_id"].n_unique(),
        item_count=labelled.items.height,
        media_per_class=json.dumps(labelled.media_per_class, sort_keys=True),
        content_hash=labelled.content_hash,
        cause=request.cause,
        reason=request.reason,
        asked_by=request.asked_by,
        asked_at=request.asked_at,
    )


@snapshots.check(blocking=True)
def snapshots_hold_items(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every snapshot has items of at least two classes."""
    classes = pl.col("media_per_class").str.count_matches(":")
    return rows.filter((pl.col("item_count") < 1) | (classes < 2))
