"""Rows of parents as if a run had made them: frames whose motion is known, flows as wanted."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from mlops_assets.lake import MEDIA, Lake, Partition, commit_partition, use_lake
from mlops_assets.lake.commits import base_of, stage
from mlops_assets.rows import Options, Outcome, Table, bring
from mlops_assets.rows.executors import SerialExecutor
from mlops_assets.rows.slices import stamp
from mlops_assets.tables.decodings import frames
from mlops_assets.tables.optical_flows import optical_flows
from mlops_assets.tables.screenings import screenings
from mlops_assets_tests.flow.scenes import translated_pair

PARTITION = MEDIA.of("camera-01", "2026-11-20")


def plant(lake: Lake, table: Table, rows: list[dict[str, Any]], partition: Partition) -> None:
    """Put rows in the place of those a partition has; columns not given are null."""
    schema = table.row.schema()
    frame = pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)
    by = table.producer.lineage.by
    stamped = stamp(table, frame, dict.fromkeys(frame.select(by).iter_rows(), 1), "planted|{}")
    base = base_of(lake.snapshot(table.name), partition)
    staged = [stage(lake, table.name, partition, stamped)] if rows else []
    removed = sorted(base.paths)
    commit_partition(
        lake, table.name, partition, base=base, add=staged, remove=removed, schema=table.schema
    )


def run(lake: Lake, table: Table, partition: Partition = PARTITION) -> Outcome:
    """Bring one table of a partition in this process."""
    with use_lake(lake):
        return bring(table.producer, lake, partition, Options(executor=SerialExecutor()))


def rows_of(lake: Lake, table: Table, partition: Partition = PARTITION) -> pl.DataFrame:
    """Stored rows by frame."""
    return table.rows(lake, partition).sort("frame_id").collect()


def skips_of(lake: Lake, table: Table) -> dict[str, str]:
    """Reason by frame."""
    found = lake.scan(table.skipped_name, PARTITION)
    rows = [] if found is None else found.select("frame_id", "reason").collect().iter_rows()
    return dict(rows)


def jpeg(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="JPEG", quality=95)
    return out.getvalue()


def clip(
    media_id: str, count: int = 3, *, size: tuple[int, int] = (48, 64), dx: float = 2.0
) -> list[dict[str, Any]]:
    """Frames of a clip whose content moves by (dx, 1) px to each successor."""
    pairs = [translated_pair(*size, dx, 1, seed=seed) for seed in range(count)]
    return [frame(media_id, index, *pair) for index, pair in enumerate(pairs)]


def frame(media_id: str, index: int, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """One frame with its successor a tenth of a second later."""
    return {
        "frame_id": f"{media_id}#{index:06}",
        "media_id": media_id,
        "index": index,
        "time_s": float(index),
        "next_gap_s": 0.1,
        "working_px": 640,
        "jpeg": jpeg(first),
        "next_jpeg": jpeg(second),
    }


def plant_frames(
    lake: Lake, *clips: list[dict[str, Any]], partition: Partition = PARTITION
) -> None:
    """Frames of several clips in the place of those there are, all fit for use."""
    rows = [row for one in clips for row in one]
    plant(lake, frames, rows, partition)
    vouch(lake, rows, partition)


def vouch(lake: Lake, rows: list[dict[str, Any]], partition: Partition = PARTITION) -> None:
    """Say that the media of some rows are fit for use."""
    media = dict.fromkeys(row["media_id"] for row in rows)
    plant(lake, screenings, [screening(one) for one in media], partition)


def screening(media_id: str, verdict: str = "clear", **values: Any) -> dict[str, Any]:
    """What is said of one medium, to be planted under any partition."""
    said = {"findings": [], "messages": [], "policy": "open", "history_media": 0}
    return {"media_id": media_id, "verdict": verdict, "kind": "video", **said, **values}


def flow(media_id: str, index: int, **values: Any) -> dict[str, Any]:
    """A flow of a still camera over a lively scene; `speed` in diagonals per second."""
    speed = values.pop("speed", 0.1)
    said: Mapping[str, Any] = {
        "frame_id": f"{media_id}#{index:06}",
        "media_id": media_id,
        "time_s": float(index),
        "method": "vr",
        "method_version": "1",
        "preset": "balanced",
        "is_cut": False,
        "is_duplicate": False,
        "p95_diag_per_s": speed,
        "mean_diag_per_s": speed / 4,
        "still_share": 0.5,
        "camera_inliers": 0.9,
        "camera_dx_diag_per_s": 0.0,
        "camera_dy_diag_per_s": 0.0,
        "camera_zoom_per_s": 0.0,
        "camera_rotation_deg_per_s": 0.0,
        "camera_residual_diag_per_s": speed / 4,
    }
    return {**said, **values}


def plant_flows(lake: Lake, rows: list[dict[str, Any]], partition: Partition = PARTITION) -> None:
    """Flows in the place of those there are, all of media that are fit for use."""
    plant(lake, optical_flows, rows, partition)
    vouch(lake, rows, partition)
