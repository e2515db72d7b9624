"""Drift profiles: what the data of a partition look like, small enough to keep for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import polars as pl

from mlops_assets.drift import FeatureProfile, profile_columns, vector_features
from mlops_assets.rows import Grouped, How, Row, group, table
from mlops_assets.tables.chunk_embeddings import chunk_embeddings
from mlops_assets.tables.decodings import frames
from mlops_assets.tables.frame_embeddings import frame_embeddings, matrix
from mlops_assets.tables.optical_flows import is_sound, optical_flows
from mlops_assets.tables.predictions import predictions
from mlops_assets.tables.screenings import usable
from mlops_assets.tables.text_chunks import text_chunks


class DriftProfile(Row, key="profile_id", said=("partition", "feature", "media_count", "payload")):
    """The profile of one feature."""

    profile_id: str
    partition: str
    feature: Annotated[str, "table and column"]
    kind: Annotated[str, "numeric or categorical"]
    count: int
    media_count: Annotated[int, "files the values come from: what is independent of each other"]
    missing: int
    mean: float | None
    stddev: float | None
    minimum: float | None
    maximum: float | None
    quantile_05: float | None
    median: float | None
    quantile_95: float | None
    payload: Annotated[bytes, "serialised whylogs profile"]


@table(
    group(
        frames.quality,
        optical_flows.scene,
        frame_embeddings.vectors,
        text_chunks.size,
        chunk_embeddings.vectors,
        predictions.scores,
        only=usable,
    ),
    version="2",
    how=How(commit="partition"),
)
def drift_profiles(part: Grouped) -> Iterator[DriftProfile]:
    """A whylogs profile per feature of a partition: quality, motion, vectors, text, predictions.

    Grain: one row per feature. Key: `profile_id`. Partition: source and arrival day. All features
    of a partition are replaced together when any row behind them changes. Vectors are profiled by
    their norm and four fixed projections; motion by what resolution and frame rate do not change,
    of pairs that are no cut, no duplicate and not known to be untrusted, and under its method
    (`optical_flows.vr1-balanced.mean_diag_per_s`), so that two methods never meet in one test.
    """
    for prefix, rows in _parts(part):
        media_count = rows["media_id"].n_unique()
        for profile in profile_columns(_columns(rows), prefix=f"{prefix}.").values():
            if profile.count:
                yield _row(part.key["partition"], profile, media_count)


def _parts(part: Grouped) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each table under its name; those of motion method by method, the sound ones."""
    for name, rows in part.rows.items():
        if name != optical_flows.name:
            yield name, rows
            continue
        sound = rows.filter(is_sound()).drop("time_s", "camera_inliers")
        for said, mine in sound.group_by("method", "method_version", "preset", maintain_order=True):
            yield f"{name}.{said[0]}{said[1]}-{said[2]}", mine


def _columns(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns worth profiling: numbers, and of vectors what `vector_features` gives."""
    kept = [name for name, kind in rows.schema.items() if kind.is_numeric() or name == "label"]
    vectors = vector_features(matrix(rows["vector"])) if "vector" in rows.columns else {}
    return pl.DataFrame({**{name: rows[name] for name in kept}, **vectors})


def _row(partition: str, profile: FeatureProfile, media_count: int) -> DriftProfile:
    return DriftProfile(
        profile_id=f"{partition}/{profile.feature}",
        partition=partition,
        feature=profile.feature,
        kind=profile.kind,
        count=profile.count,
        media_count=media_count,
        missing=profile.missing,
        mean=profile.mean,
        stddev=profile.stddev,
        minimum=profile.minimum,
        maximum=profile.maximum,
        quantile_05=profile.quantile_05,
        median=profile.median,
        quantile_95=profile.quantile_95,
        payload=profile.payload,
    )


@drift_profiles.check(blocking=True)
def profiles_hold_values(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every profile has seen at least one row."""
    return rows.filter(pl.col("count") < 1)
