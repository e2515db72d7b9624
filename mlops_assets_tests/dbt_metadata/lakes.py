"""A small lake, row by row: one clip with two frames, one image, one model, one label."""

from __future__ import annotations

from typing import Any

import polars as pl

from mlops_assets.datasets import MODEL
from mlops_assets.lake import MEDIA, Lake
from mlops_assets.lake.commits import base_of, commit_partition, stage
from mlops_assets.tables import table_named

PARTITIONS = {MEDIA: MEDIA.of("camera-01", "2026-11-20"), MODEL: MODEL.of("scene")}


def plant(lake: Lake, name: str, **values: Any) -> None:
    """Commit one row; columns not given are NULL."""
    table = table_named(name)
    partition = PARTITIONS[table.producer.scheme]
    row = pl.DataFrame({n: [values.get(n)] for n in table.schema}, schema=table.schema)
    base = base_of(lake.snapshot(name), partition)
    staged = [stage(lake, name, partition, row)]
    commit_partition(lake, name, partition, base=base, add=staged, schema=table.schema)


def fill(lake: Lake) -> None:
    """A lake in which everything fits: 4 files, 3 frames, 1 flow, 1 label, 3 predictions."""
    file = {"kind": "video", "status": "accepted", "size_bytes": 1000}
    plant(lake, "raw_media", path="a.mp4", media_id="a", duration_s=2.5, **file)
    plant(lake, "raw_media", path="copy.mp4", media_id="a", **{**file, "status": "duplicate"})
    plant(lake, "raw_media", path="b.jpg", media_id="b", **{**file, "kind": "image"})
    bad = {**file, "status": "quarantined", "reason": "unreadable"}
    plant(lake, "raw_media", path="c.mp4", media_id="c", **bad)
    for media in ("a", "b"):
        plant(lake, "decodings", media_id=media, status="decoded")
    for frame in ("a#000000", "a#000001", "b#000000"):
        found = {"frame_id": frame, "media_id": frame[0]}
        plant(lake, "frames", jpeg=b"picture", **found)
        plant(lake, "frame_embeddings", vector=[1.0, 0.0], **found)
        plant(lake, "predictions", model_version="scene/1", **found)
    plant(lake, "moments", moment_id="a@000000", media_id="a", key_frame_id="a#000001")
    plant(lake, "optical_flows", frame_id="a#000000", media_id="a", field=b"flow")
    judged = {"frame_id": "a#000000", "media_id": "a", "partition": "camera-01@2026-11-20"}
    plant(lake, "motion_anomalies", score=1.5, is_anomaly=False, **judged)
    label = {"label_id": "a.mp4#000000", "path": "a.mp4", "item_path": "a.mp4"}
    plant(lake, "labels", media_id="a", label="waves", **label)
    plant(lake, "snapshots", request_id="scene-0001", snapshot_id="scene-0001")
    trained = {"model_id": "scene/1", "version": 1, "accuracy": 0.9, "is_promoted": True}
    plant(lake, "models", request_id="scene-0001", head=b"weights", **trained)


def plant_orphan_frame(lake: Lake) -> None:
    """A frame of a file that nobody decoded."""
    plant(lake, "frames", frame_id="gone#000000", media_id="gone")


def plant_prediction_of_unknown_model(lake: Lake) -> None:
    """A prediction by a version that was never trained."""
    found = {"frame_id": "b#000000", "media_id": "b"}
    plant(lake, "predictions", model_version="scene/99", **found)


def plant_null_key(lake: Lake) -> None:
    """A frame without a key."""
    plant(lake, "frames", frame_id=None, media_id="a")


FAULTS = {
    "frames_have_decodings": plant_orphan_frame,
    "predictions_have_models": plant_prediction_of_unknown_model,
    "frame_keys_are_not_null": plant_null_key,
}
"""Each fault by the one check it turns red."""
