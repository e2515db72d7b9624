"""Predictions: what the champion says of each frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import polars as pl

from mlops_assets.datasets import MODEL, champion_for
from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake, Partition, current_lake
from mlops_assets.models import Head, join_features
from mlops_assets.rows import How, Row, Rows, each, table
from mlops_assets.settings import settings
from mlops_assets.tables.frame_embeddings import frame_embeddings, matrix
from mlops_assets.tables.optical_flows import optical_flows


class Prediction(Row, key="frame_id", scores=("media_id", "label", "confidence")):
    """What one model version says of one frame."""

    frame_id: str
    media_id: str
    model_version: Annotated[str, "such as scene/3"]
    label: str
    confidence: Annotated[float, "probability of the label"]
    probabilities: Annotated[
        list[float], pl.List(pl.Float32()), "in the order of the head's classes"
    ]


def _champion(lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str | None:
    champion = champion_for(lake, settings().model, partition.as_dict["day"])
    return champion.name if champion else None


@table(
    each(frame_embeddings.vectors, optical_flows.motion),
    version="1",
    how=How(batch_size=4096, slice_units=16_384),
    pins={"champion": _champion},
    looks_at=("models",),
)
def predictions(items: pl.DataFrame, *, champion: str = "") -> Rows[Prediction]:
    """What the champion says of each frame, from its vector and its motion.

    Grain: one row per frame. Key: `frame_id`. Partition: source and arrival day. Replaced when the
    vector, the motion or the champion changes; a promotion reaches back 30 days. Empty until there
    is a champion.
    """
    head = load_head(current_lake(), champion)
    shares = head.predict_proba(join_features(matrix(items["vector"]), items))
    best = shares.argmax(axis=1)
    return items.select(
        "frame_id",
        "media_id",
        model_version=pl.lit(champion),
        label=pl.Series([head.classes[place] for place in best], dtype=pl.String),
        confidence=pl.Series(shares[np.arange(len(best)), best].astype(np.float64)),
        probabilities=pl.Series(shares, dtype=pl.Array(pl.Float32, shares.shape[1])).cast(
            pl.List(pl.Float32)
        ),
    )


def load_head(lake: Lake, name: str) -> Head:
    """The head of a model version such as `scene/3`.

    Raises:
        ConfigurationError: there is no such version.
    """
    model, _, version = name.rpartition("/")
    rows = lake.scan("models", MODEL.of(model)) if model else None
    found = None if rows is None else rows.filter(pl.col("version") == int(version)).select("head")
    heads = [] if found is None else found.collect()["head"].to_list()
    if not heads:
        raise ConfigurationError(f"there is no model version {name!r}")
    return Head.from_bytes(heads[0])


@predictions.check(blocking=True)
def confidences_are_shares(rows: pl.LazyFrame) -> pl.LazyFrame:
    """A confidence lies between 0 and 1."""
    return rows.filter(~pl.col("confidence").is_between(0, 1))
