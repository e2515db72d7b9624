"""Optical flows: motion between a frame and the picture a moment later."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Literal

import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.flow import (
    EncodedFlow,
    FlowStatistics,
    Preset,
    decode_flow,
    dense_flow,
    describe_flow,
    encode_flow,
    flow_sheet,
    gray_pair,
)
from mlops_assets.rows import How, Row, each, table
from mlops_assets.tables.decodings import Frame, frames

_F32 = pl.List(pl.Float32())


class Flow(
    Row,
    key="frame_id",
    motion=(
        "media_id",
        "mean_diag_per_s",
        "p95_diag_per_s",
        "static_share",
        "direction_entropy",
        "direction_resultant",
        "divergence_abs",
        "curl_abs",
        "camera_inliers",
        "camera_residual_px",
    ),
):
    """Motion of one frame."""

    frame_id: str
    media_id: str
    time_s: float
    interval_s: Annotated[float, "between the two pictures"]
    method: Annotated[str, "what was solved; never compare rows of two methods"]
    preset: str
    backend: Annotated[str, "what solved it"]
    mean_px: float
    p50_px: float
    p95_px: float
    max_px: float
    mean_diag_per_s: Annotated[float, "frame diagonals per second"]
    p95_diag_per_s: Annotated[float, "frame diagonals per second"]
    static_share: Annotated[float, "share of pixels moving less than 0.25 px"]
    direction_entropy: Annotated[float | None, "16 bins, 0 to 1"]
    direction_resultant: float | None
    mean_direction_deg: float | None
    divergence_abs: float | None
    curl_abs: float | None
    camera_dx_px: float | None
    camera_dy_px: float | None
    camera_zoom: float | None
    camera_rotation_deg: float | None
    camera_inliers: float | None
    camera_residual_px: float | None
    photo_mae: Annotated[float | None, "mean absolute difference after warping, gray levels"]
    direction_histogram: Annotated[list[float], _F32]
    magnitude_histogram: Annotated[list[float], _F32]
    field: Annotated[bytes | None, "encoded flow; see codec"]
    codec: str | None
    codec_version: int | None
    step_px: float | None
    height_px: int
    width_px: int


_STATISTICS = {one.name for one in dataclasses.fields(FlowStatistics)} & set(Flow.columns())


@table(
    each(frames.pixels, where=pl.col("next_gap_s").is_not_null()),
    version="1",
    how=How(executor="processes", slice_units=64, pool="decode"),
)
def optical_flows(
    frame: Frame,
    *,
    preset: Annotated[Preset, "fast, balanced or quality"] = "balanced",
    store: Annotated[Literal["all", "none"], "keep the encoded field"] = "all",
) -> Iterator[Flow]:
    """Motion between a frame and its successor, as statistics and an encoded field.

    Grain: one row per frame that has a successor. Key: `frame_id`. Partition: source and arrival
    day. Replaced when the two pictures or the preset change. Fields are (dx, dy) in pixels per pair
    at the working size of `frames`, stored at half resolution. Limits: OpenCV's DIS on the CPU.
    """
    if frame.next_jpeg is None or frame.next_gap_s is None:
        raise InputError(f"{frame.frame_id} has no successor", reason="no_successor")
    pair = gray_pair(frame.jpeg, frame.next_jpeg, max_side_px=frame.working_px)
    batch = dense_flow(pair[None], preset=preset)
    flow = batch.flow[0]
    statistics = describe_flow(flow, pair[0], pair[1], interval_s=frame.next_gap_s)
    encoded = encode_flow(flow, scale_log2=1) if store == "all" else None
    yield Flow(
        frame_id=frame.frame_id,
        media_id=frame.media_id,
        time_s=frame.time_s,
        interval_s=frame.next_gap_s,
        method=batch.method,
        preset=batch.preset,
        backend=batch.backend,
        field=encoded.blob if encoded else None,
        codec=encoded.codec if encoded else None,
        codec_version=encoded.version if encoded else None,
        step_px=encoded.step if encoded else None,
        height_px=flow.shape[1],
        width_px=flow.shape[2],
        **{name: getattr(statistics, name) for name in _STATISTICS},
    )


def decode_field(row: Flow) -> EncodedFlow:
    """The stored field of a row, to be read with `flow.decode_flow`.

    Raises:
        InputError: the row was stored without its field.
    """
    if row.field is None or row.codec is None:
        raise InputError(f"{row.frame_id} was stored without its field", reason="no_field")
    return EncodedFlow(
        row.field,
        row.codec,
        row.codec_version or 1,
        row.step_px or 1 / 32,
        row.height_px,
        row.width_px,
        scale_log2=1,
    )


@optical_flows.check(blocking=True)
def flows_are_finite(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every magnitude is a finite number."""
    return rows.filter(~pl.col("mean_px").is_finite() | ~pl.col("max_px").is_finite())


@optical_flows.check(blocking=True)
def one_method_per_partition(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of two methods never stand side by side."""
    return rows.filter(pl.concat_str("method", "preset").n_unique() > 1)


@optical_flows.picture
def flow_pictures(rows: pl.LazyFrame) -> bytes | None:
    """Flow in colours beside its frame, for the largest motions of the partition."""
    from mlops_assets.lake import MEDIA, current_lake

    top = (
        rows.filter(pl.col("field").is_not_null())
        .sort("mean_px", descending=True)
        .head(6)
        .collect()
    )
    if top.is_empty():
        return None
    partition = MEDIA.of(top["source"][0], top["day"][0])
    pictures = frames.rows(current_lake(), partition).select("frame_id", "jpeg")
    shown = top.lazy().join(pictures, on="frame_id", maintain_order="left").collect()
    fields = [decode_flow(decode_field(Flow.of(row))) for row in shown.iter_rows(named=True)]
    return flow_sheet(shown["jpeg"].to_list(), fields)
