"""Labels: statements of people about media, from sidecars and from `labels.csv`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated

import polars as pl

from mlops_assets.gates import read_labels_csv
from mlops_assets.rows import Row, expand, table
from mlops_assets.tables.raw_media import Media, raw_media


class Label(Row, key="label_id"):
    """One statement about one item by one annotator."""

    label_id: str
    path: Annotated[str, "of the file that says so, within the source"]
    media_id: Annotated[str, "of the file that says so"]
    item_path: Annotated[str, "of the file it is about, within the source"]
    label: str
    origin: Annotated[str, "human, model or rule"]
    annotator: str | None
    labelled_at: datetime | None
    status: Annotated[str, "gold: counts for training"]


_SAYS = (pl.col("status") == "accepted") & (
    pl.col("labels_json").is_not_null() | (pl.col("kind") == "labels")
)


@table(expand(raw_media.said, where=_SAYS), version="1")
def labels(media: Media) -> Iterator[Label]:
    """Labels from sidecars and from `labels.csv`, with who said it and when.

    Grain: one row per statement. Key: `label_id`. Partition: source and arrival day of the file
    that says so. All statements of a file are replaced together. A line of `labels.csv` is about a
    path within its own source, wherever the file lies, and whether or not that path has landed yet.
    """
    statements = _of_file(media) if media.kind == "labels" else _of_sidecar(media)
    for index, (item, label, annotator, at) in enumerate(statements):
        yield Label(
            label_id=f"{media.path}#{index:06}",
            path=media.path,
            media_id=media.media_id,
            item_path=item,
            label=label,
            origin="human",
            annotator=annotator,
            labelled_at=at,
            status="gold",
        )


Statement = tuple[str, str, "str | None", "datetime | None"]


def _of_sidecar(media: Media) -> Iterator[Statement]:
    for one in json.loads(media.labels_json or "[]"):
        at = one.get("labelled_at")
        yield (
            media.path,
            one["label"],
            one.get("annotator"),
            datetime.fromisoformat(at) if at else None,
        )


def _of_file(media: Media) -> Iterator[Statement]:
    with media.open() as file:
        told = read_labels_csv(file.read_bytes())
    for line in told.lines:
        yield PurePosixPath(line.path).as_posix(), line.label, line.annotator, line.labelled_at


@labels.check(blocking=True)
def labels_are_not_blank(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every statement says something."""
    return rows.filter(pl.col("label").str.strip_chars() == "")
