"""Models: trained versions, how good they are, and whether they became champion."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated

import numpy as np
import polars as pl
from annotated_types import Ge, Gt, Lt

from mlops_assets.datasets import MODEL, Champion, Selection, champions, labelled_items
from mlops_assets.drift import merge_profiles, profile_columns
from mlops_assets.errors import InputError
from mlops_assets.lake import MEDIA, Lake, current_lake
from mlops_assets.models import (
    Experiment,
    Material,
    ModelRef,
    ModelRegistry,
    TrainingOptions,
    TrainingRecord,
    confusion_picture,
    join_features,
    run_experiment,
)
from mlops_assets.models.mlflow_bridge import load_mlflow
from mlops_assets.rows import How, Row, expand, tables
from mlops_assets.settings import settings
from mlops_assets.tables.frame_embeddings import matrix
from mlops_assets.tables.predictions import load_head
from mlops_assets.tables.snapshots import Snapshot, snapshots


class Model(Row, key="model_id"):
    """Trained versions of a model, each with its snapshot, its scores and the decision of the gate.

    Grain: one row per training. Key: `model_id`, `<model>/<version>`. Partition: model name. Never
    replaced: a training is history. The champion is the latest promoted row; the MLflow alias
    follows it. Limits: a linear or one-layer head on frame vectors and motion.
    """

    model_id: str
    request_id: str
    snapshot_id: str
    version: Annotated[int, "in the MLflow registry"]
    mlflow_run_id: str
    classes: list[str]
    train_media: int
    held_out_media: int
    accuracy: Annotated[float, "on held-out media"]
    macro_f1: float
    log_loss: float
    slices: Annotated[str, "accuracy by source on held-out media, JSON"]
    recent_accuracy: Annotated[float | None, "on held-out media the champion's data had none of"]
    champion_before: Annotated[str | None, "what it was held against"]
    champion_accuracy: Annotated[float | None, "of that one on the same held-out media"]
    champion_recent_accuracy: float | None
    is_promoted: bool
    reason: Annotated[str, "of the gate, for people"]
    decided_at: datetime
    head: Annotated[bytes, "weights and preprocessing, safetensors"]
    confusion_png: bytes


class ReferenceProfile(Row, key="reference_id"):
    """What a model learned from looks like: the reference that drift is judged against.

    Grain: one row per model version, source and feature. Key: `reference_id`. Partition: model
    name. Never replaced. Merged from the `drift_profiles` of the snapshot's partitions; features of
    predictions are those of held-out media.
    """

    reference_id: str
    request_id: str
    version: int
    source_name: str
    feature: str
    learned_from: Annotated[list[str], "partitions"]
    payload: Annotated[bytes, "serialised whylogs profile"]


@tables(
    expand(snapshots),
    names=("models", "reference_profiles"),
    version="1",
    accepts=("*",),
    scheme=MODEL,
    how=How(commit="partition", pool="train"),
)
def train(
    snapshot: Snapshot,
    *,
    hidden: Annotated[int, Ge(0), "width of the hidden layer; 0 for a linear head"] = 32,
    held_out_share: Annotated[float, Gt(0), Lt(1), "of media, by hash of their id"] = 0.3,
    weight_decay: Annotated[float, Ge(0)] = 0.1,
    max_epochs: Annotated[int, Gt(0)] = 60,
) -> Iterator[Model | ReferenceProfile]:
    """Train a head on a snapshot, judge it against the champion, and keep what it learned from."""
    lake = current_lake()
    items = _read(lake, snapshot)
    model = model_name(snapshot)
    champion = (champions(lake, model) or [None])[-1]
    material = _material(items, _learned(lake, champion), held_out_share)
    options = TrainingOptions(hidden=hidden, weight_decay=weight_decay, max_epochs=max_epochs)
    before = load_head(lake, champion.name) if champion else None
    experiment = run_experiment(material, before, options=options)
    references = {**_table_references(lake, snapshot), **_prediction_references(experiment)}
    params = {**_params(snapshot, experiment), **dataclasses.asdict(options)}
    version = _register(model, snapshot, experiment, references, params)
    yield _model(snapshot, experiment, version, champion)
    for (source, feature), payload in sorted(references.items()):
        yield ReferenceProfile(
            reference_id=f"{model}/{version.version}/{source}/{feature}",
            request_id=snapshot.request_id,
            version=version.version,
            source_name=source,
            feature=feature,
            learned_from=[key for key in snapshot.partitions if _source(key) == source],
            payload=payload,
        )


models, reference_profiles = train

References = dict[tuple[str, str], bytes]


def model_name(snapshot: Snapshot) -> str:
    """The model a snapshot is for: its id without the running number."""
    return snapshot.snapshot_id.rpartition("-")[0]


def _source(partition: str) -> str:
    return MEDIA.parse(partition).values[0]


def _read(lake: Lake, snapshot: Snapshot) -> pl.DataFrame:
    labelled = labelled_items(lake, Selection.stored(vars(snapshot)))
    if labelled.content_hash != snapshot.content_hash:
        raise InputError(
            f"snapshot {snapshot.snapshot_id} is incomplete: media it pinned were forgotten",
            reason="incomplete",
        )
    return labelled.items


def _learned(lake: Lake, champion: Champion | None) -> set[str]:
    """Partitions the champion's snapshot had items of."""
    if champion is None:
        return set()
    rows = snapshots.rows(lake, MODEL.of(champion.model))
    mine = rows.filter(pl.col("snapshot_id") == champion.snapshot_id).select("partitions").collect()
    return set(mine["partitions"].explode().to_list())


def _material(items: pl.DataFrame, learned: set[str], held_out_share: float) -> Material:
    keys = items.select(pl.concat_str("source", "day", separator="@")).to_series()
    return Material(
        features=join_features(matrix(items["vector"]), items),
        labels=items["label"].to_list(),
        media=items["group_id"].to_list(),
        sources=items["source"].to_list(),
        is_recent=(~keys.is_in(list(learned))).to_numpy(),
        held_out_share=held_out_share,
    )


def _table_references(lake: Lake, snapshot: Snapshot) -> References:
    """Per source and feature, the merged profiles of the partitions the snapshot has items of."""
    version = json.loads(snapshot.table_versions).get("drift_profiles")
    if version is None:
        return {}
    rows = lake.scan("drift_profiles", version=version)
    if rows is None:
        return {}
    mine = rows.filter(
        pl.col("partition").is_in(snapshot.partitions)
        & ~pl.col("feature").str.starts_with("predictions.")
    )
    grouped = mine.group_by("source", "feature").agg("payload").collect()
    return {(s, f): merge_profiles(payloads).payload for s, f, payloads in grouped.iter_rows()}


def _prediction_references(experiment: Experiment) -> References:
    """Per source, profiles of what the new head says of held-out media, which it did not see."""
    material, head = experiment.material, experiment.trained.head
    rows = material.split.held_out_idx
    shares = head.predict_proba(material.features[rows])
    said = pl.DataFrame(
        {
            "source": [material.sources[row] for row in rows],
            "label": [head.classes[place] for place in shares.argmax(axis=1)],
            "confidence": shares.max(axis=1).astype(np.float64),
        }
    )
    return {
        (str(source), name): profile.payload
        for (source,), part in said.group_by("source")
        for name, profile in profile_columns(part.drop("source"), prefix="predictions.").items()
    }


def _register(
    model: str,
    snapshot: Snapshot,
    experiment: Experiment,
    references: References,
    params: dict[str, str | int | float],
) -> ModelRef:
    """The registered version of this snapshot; what a killed run left behind is taken up again."""
    registry = model_registry()
    versions = registry.versions(model)
    for known in versions:
        if known.tags.get("snapshot_id") == snapshot.snapshot_id:
            return known
    record = TrainingRecord(
        trained=experiment.trained,
        example=np.zeros_like(experiment.material.features[:2]),  # no medium leaves the lake
        params=params,
        metrics=experiment.metrics(),
        table_versions=json.loads(snapshot.table_versions),
        reference_profiles={f"{s}/{f}": payload for (s, f), payload in references.items()},
        artifacts={"confusion.png": confusion_picture(experiment.scores.held_out)},
        tags={"snapshot_id": snapshot.snapshot_id, "decision": experiment.decision.reason[:500]},
    )
    active = load_mlflow().active_run()
    is_free = active is not None and active.info.run_id not in {one.run_id for one in versions}
    with nullcontext() if is_free else registry.training_run():  # each training has its own
        logged = registry.log_training(record)
    return registry.register(model, logged, tags={"snapshot_id": snapshot.snapshot_id})


def _params(snapshot: Snapshot, experiment: Experiment) -> dict[str, str | int | float]:
    return {
        "snapshot_id": snapshot.snapshot_id,
        "content_hash": snapshot.content_hash,
        "cause": snapshot.cause,
        "media": snapshot.media_count,
        "items": snapshot.item_count,
        "held_out_share": experiment.material.held_out_share,
    }


def model_registry() -> ModelRegistry:
    """The registry of the settings."""
    chosen = settings()
    return ModelRegistry(chosen.mlflow_tracking_uri, chosen.model, chosen.mlflow_artifacts)


def _model(
    snapshot: Snapshot, experiment: Experiment, version: ModelRef, champion: Champion | None
) -> Model:
    scores, before, material = experiment.scores, experiment.champion, experiment.material
    return Model(
        model_id=f"{version.model_name}/{version.version}",
        request_id=snapshot.request_id,
        snapshot_id=snapshot.snapshot_id,
        version=version.version,
        mlflow_run_id=version.run_id,
        classes=list(experiment.trained.head.classes),
        train_media=material.media_count(material.split.train_idx),
        held_out_media=material.media_count(material.split.held_out_idx),
        accuracy=scores.held_out.accuracy,
        macro_f1=scores.held_out.macro_f1,
        log_loss=scores.held_out.log_loss,
        slices=json.dumps(scores.by_source, sort_keys=True),
        recent_accuracy=scores.recent.accuracy if scores.recent else None,
        champion_before=champion.name if champion else None,
        champion_accuracy=before.held_out.accuracy if before else None,
        champion_recent_accuracy=before.recent.accuracy if before and before.recent else None,
        is_promoted=experiment.decision.promote,
        reason=experiment.decision.reason,
        decided_at=datetime.now(UTC),
        head=experiment.trained.head.to_bytes(),
        confusion_png=confusion_picture(scores.held_out),
    )


@models.check(blocking=True)
def models_beat_guessing(rows: pl.LazyFrame) -> pl.LazyFrame:
    """No promoted model is worse than chance over its classes."""
    chance = 1 / pl.col("classes").list.len()
    return rows.filter(pl.col("is_promoted") & (pl.col("accuracy") <= chance))


@models.picture
def confusion_of_latest(rows: pl.LazyFrame) -> bytes | None:
    """The confusion matrix of the latest version on held-out media."""
    latest = rows.sort("version").tail(1).select("confusion_png").collect()
    return latest.item() if latest.height else None
