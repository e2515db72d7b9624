"""A small lake filled through the real tables: two clips, a still, a copy, junk, and a champion.

No document and no MLflow: whoever needs them pays for their libraries.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np

from mlops_assets.datasets import MODEL, ask_for_training
from mlops_assets.lake import MEDIA, Lake, commit_partition, use_lake
from mlops_assets.lake.commits import base_of, stage
from mlops_assets.landing import register
from mlops_assets.landing.arrivals import desired_digests
from mlops_assets.models import Head, join_features
from mlops_assets.rows import Options, Table, bring, make_plan
from mlops_assets.rows.executors import SerialExecutor
from mlops_assets.rows.slices import stamp
from mlops_assets.samples import render_clip, render_still, write_junk
from mlops_assets.tables import all_tables
from mlops_assets.tables.frame_embeddings import matrix
from mlops_assets.tables.models import Model, ReferenceProfile

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SOURCE, DAY = "camera-01", "2026-11-20"
PARTITION = MEDIA.of(SOURCE, DAY)
SCENE = MODEL.of("scene")
BEFORE_MODEL = (
    *("raw_media", "labels", "decodings", "documents", "near_duplicates", "sightings"),
    *("screenings", "optical_flows", "frame_embeddings"),
)
AFTER_MODEL = ("motion_anomalies", "predictions", "drift_profiles", "drift_verdicts")
EMPTY = ("text_chunks", "chunk_embeddings")


def render_inbox(folder: Path) -> None:
    """What lands: `moving.mp4`, `standing.mp4`, `gate.png`, a copy, junk, labels and sidecars."""
    inbox = folder / SOURCE
    inbox.mkdir(parents=True)
    at = {"frames": 8, "rate": Fraction(4), "size": (128, 96)}
    render_clip(inbox / "moving.mp4", motion=(3.0, 0.0), seed=1, **at)
    render_clip(inbox / "standing.mp4", motion=(0.0, 0.0), seed=2, **at)
    render_still(inbox / "gate.png", seed=3, size=(128, 96))
    write_junk(inbox / "junk.mp4", seed=4)
    shutil.copyfile(inbox / "moving.mp4", inbox / "z-moving.mp4")
    sidecar = {"caption": "a van", "labels": ["vehicle"]}
    (inbox / "moving.mp4.json").write_text(json.dumps(sidecar))
    (inbox / "labels.csv").write_text("path,label\nstanding.mp4,empty\ngate.png,vehicle\n")
    for file in inbox.rglob("*"):
        os.utime(file, (NOW.timestamp(), NOW.timestamp()))


def fill(lake: Lake, landing: Path) -> None:
    """Bring every table of the partition, with a hand-made champion half way."""
    with use_lake(lake):
        register(lake, landing, now=datetime.now(UTC), budget_s=600)
        for name in (*BEFORE_MODEL, *EMPTY):
            run(lake, name)
        ask_for_training(lake, "scene", cause="first", reason="test", by="test", now=NOW)
        run(lake, "snapshots", SCENE)
        write_champion(lake)
        for name in AFTER_MODEL:
            run(lake, name)


def run(lake: Lake, name: str, partition=None) -> None:
    producer = all_tables()[name].producer
    place = partition or media_partition(lake)
    bring(producer, lake, place, Options(executor=SerialExecutor()))


def media_partition(lake: Lake):
    """The one partition that landed."""
    ((source, day),) = desired_digests(lake).select("source", "day").iter_rows()
    return MEDIA.of(source, day)


def write_champion(lake: Lake) -> None:
    """Rows of `models` and `reference_profiles` as a training would leave them."""
    tables = all_tables()
    items = tables["frame_embeddings"].rows(lake).collect()
    width = join_features(matrix(items["vector"])).shape[1]
    rng = np.random.default_rng(0)
    layer = (
        rng.normal(size=(width, 2)).astype(np.float32),
        np.array([0.1, -0.1], np.float32),
    )
    head = Head(
        ("empty", "vehicle"),
        np.zeros(width, np.float32),
        np.ones(width, np.float32),
        (layer,),
        {},
    )
    request = tables["snapshots"].rows(lake).collect().row(0, named=True)
    at = media_partition(lake).key
    _commit(lake, tables["models"], _model(request["request_id"], head))
    reference = ReferenceProfile(
        reference_id=f"scene/1/{SOURCE}/frames.brightness",
        request_id=request["request_id"],
        version=1,
        source_name=SOURCE,
        feature="frames.brightness",
        learned_from=[at],
        payload=b"never read: the partition is held against itself",
    )
    _commit(lake, tables["reference_profiles"], reference)


def _model(request_id: str, head: Head) -> Model:
    return Model(
        model_id="scene/1",
        request_id=request_id,
        snapshot_id=request_id,
        version=1,
        mlflow_run_id="",
        classes=list(head.classes),
        train_media=2,
        held_out_media=1,
        accuracy=1.0,
        macro_f1=1.0,
        log_loss=0.1,
        slices="{}",
        recent_accuracy=None,
        champion_before=None,
        champion_accuracy=None,
        champion_recent_accuracy=None,
        is_promoted=True,
        reason="made by a test",
        decided_at=NOW,
        head=head.to_bytes(),
        confusion_png=b"",
    )


def _commit(lake: Lake, table: Table, row: Model | ReferenceProfile) -> None:
    units = make_plan(table.producer, lake, SCENE).due.select("request_id", "_src")
    sources = {(key,): src for key, src in units.iter_rows()}
    rows = stamp(table, table.row.frame([row]), sources, "1|{}")
    base = base_of(lake.snapshot(table.name), SCENE)
    staged = stage(lake, table.name, SCENE, rows)
    commit_partition(lake, table.name, SCENE, base=base, add=[staged], schema=table.schema)
