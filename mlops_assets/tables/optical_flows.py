"""Optical flows: motion between a frame and the picture a moment later."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from annotated_types import Ge, Gt, Le

from mlops_assets.errors import InputError
from mlops_assets.flow import (
    EncodedFlow,
    FlowStatistics,
    Preset,
    backends_of,
    decode_flow,
    encode_flow,
    flow_sheet,
    gray_pair,
    group_by_size,
)
from mlops_assets.flow.describing.pictures import magnitude_picture
from mlops_assets.flow.measuring import Measured, measure_pairs
from mlops_assets.flow.solving import Solver, solve_pairs
from mlops_assets.lake import MEDIA, Lake, Partition, current_lake
from mlops_assets.rows import HOW_IT_RUNS, How, Row, Rows, each, table
from mlops_assets.tables.decodings import frames
from mlops_assets.tables.raw_media import shown
from mlops_assets.tables.screenings import usable

_F32 = pl.List(pl.Float32())

Method = Literal["vr", "dis", "variational", "raft"]
UNTRUSTED_LIMIT = 0.5


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
    scene=(
        "media_id",
        "time_s",
        "method",
        "method_version",
        "preset",
        "is_cut",
        "is_duplicate",
        "is_trusted",
        "mean_diag_per_s",
        "p95_diag_per_s",
        "still_share",
        "direction_entropy",
        "direction_resultant",
        "divergence_per_motion",
        "curl_per_motion",
        "camera_inliers",
        "camera_dx_diag_per_s",
        "camera_dy_diag_per_s",
        "camera_zoom_per_s",
        "camera_rotation_deg_per_s",
        "camera_residual_diag_per_s",
    ),
):
    """Motion of one frame; `scene` is what neither resolution nor frame rate changes, and gates."""

    frame_id: str
    media_id: str
    time_s: float
    interval_s: Annotated[float, "between the two pictures"]
    method: Annotated[str, "what was solved; never compare rows of two methods"]
    method_version: Annotated[str, "another one may give other numbers"]
    preset: str
    backend: Annotated[str, "the program that solved it"]
    fallback_reason: Annotated[str | None, "why it was not the preferred one"]
    mean_px: Annotated[float, "per pair at the working size, as all px"]
    p50_px: float
    p95_px: float
    max_px: float
    mean_diag_per_s: Annotated[float, "frame diagonals per second"]
    p50_diag_per_s: float
    p95_diag_per_s: Annotated[float, "frame diagonals per second"]
    max_diag_per_s: float
    static_share: Annotated[float, "share of pixels moving less than 0.25 px"]
    still_share: Annotated[float, "share of pixels slower than 1/200 diagonal per second"]
    direction_entropy: Annotated[float | None, "16 bins, 0 to 1"]
    direction_resultant: Annotated[float | None, "agreement of direction, 0 to 1"]
    mean_direction_deg: Annotated[float | None, "0 right, 90 down"]
    divergence_abs: Annotated[float | None, "per pair"]
    curl_abs: Annotated[float | None, "per pair"]
    divergence_per_motion: Annotated[float | None, "per diagonal, over mean magnitude"]
    curl_per_motion: Annotated[float | None, "per diagonal, over mean magnitude"]
    camera_dx_px: Annotated[float | None, "shift of the content to the right"]
    camera_dy_px: Annotated[float | None, "shift of the content down"]
    camera_zoom: Annotated[float | None, "growth, 1 is none"]
    camera_rotation_deg: Annotated[float | None, "clockwise as seen"]
    camera_inliers: Annotated[float | None, "share of the picture that follows the camera"]
    camera_residual_px: Annotated[float | None, "mean distance from the camera's motion"]
    camera_dx_diag_per_s: float | None
    camera_dy_diag_per_s: float | None
    camera_zoom_per_s: Annotated[float | None, "logarithm of growth, 0 is none"]
    camera_rotation_deg_per_s: float | None
    camera_residual_diag_per_s: float | None
    photo_mae: Annotated[float | None, "mean absolute difference after warping, gray levels"]
    census_mae: Annotated[float | None, "share of neighbour relations that differ after warping"]
    fb_fail_share: Annotated[float | None, "share the backward flow does not bring back"]
    fb_mean_px: Annotated[float | None, "mean miss of forward and backward flow"]
    is_cut: Annotated[bool | None, "the two pictures show different scenes"]
    is_duplicate: Annotated[bool, "the second picture is the first again"]
    is_trusted: Annotated[bool | None, "by the backward flow; none where it was not solved"]
    direction_histogram: Annotated[list[float], _F32, "diagonals per second; sums over pairs"]
    magnitude_histogram: Annotated[list[float], _F32, "shares of pixels; sums over pairs"]
    field: Annotated[bytes | None, "encoded flow; see codec"]
    codec: str | None
    codec_version: int | None
    step_px: Annotated[float | None, "pixels per unit of the stored integers"]
    scale_log2: Annotated[int | None, "0 stored at full, 1 at half resolution"]
    height_px: int
    width_px: int


_STATISTICS = [one.name for one in dataclasses.fields(FlowStatistics)]


def _method_version(lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str:
    """Of the numbers a method gives. A plan asks for it, so nothing is imported to answer."""
    program = backends_of(values["method"])[0]
    try:
        variant = program.variant()
    except OSError:  # no weights: the run says so
        variant = ""
    return "-".join(filter(None, (program.version, variant)))


def _executor(values: Mapping[str, Any]) -> Literal["serial", "processes"]:
    """One process where the work is done by a GPU or by threads of its own."""
    first = Solver(values["method"], values["preset"], values["backend"]).backends()[0]
    return "serial" if first.name in ("cupy", "raft") else "processes"


@table(
    each(frames.pixels, where=pl.col("next_gap_s").is_not_null(), only=usable),
    version="2",
    how=How(batch_size=32, slice_units=256, executor=_executor, pool="decode"),
    pins={"method_version": _method_version},
)
def optical_flows(  # noqa: PLR0913 - each is a parameter of the table
    pairs: pl.DataFrame,
    *,
    method: Annotated[Method, "what is solved"] = "vr",
    preset: Annotated[Preset, "effort"] = "balanced",
    backend: Annotated[
        Literal["auto", "cupy", "reference"], HOW_IT_RUNS, "which program solves `variational`"
    ] = "auto",
    pair_every: Annotated[int, Gt(0), "measure every n-th frame of a clip"] = 1,
    check_every: Annotated[int, Ge(0), "solve every n-th of these backward too; 0 for none"] = 10,
    working_px: Annotated[int, Ge(8), Le(4096), "longest side to measure at"] = 640,
    store: Annotated[
        Literal["all", "flagged", "none"], "which fields to keep; flagged: cut or not trusted"
    ] = "all",
    tier: Annotated[Literal["compact", "full"], "keep them at half or full resolution"] = "compact",
    method_version: str = "",
) -> Rows[Flow]:
    """Motion between a frame and its successor, as statistics and an encoded field.

    Grain: one row per measured frame that has a successor. Key: `frame_id`. Partition: source and
    arrival day. Replaced when the two pictures, the method or a parameter changes; another backend
    of the same method replaces nothing. Fields are (dx, dy) in pixels per pair.

    How far apart the two pictures are is `pair_gap_s` of `frames`; their longest side is at most
    its `working_px`. Which frames are measured, and which backward too, hangs on their index alone;
    those left out are skipped as `empty`. With the preset `quality` all are solved backward, and so
    is a pair whose flow explains the second picture poorly. Limits: without the backward flow
    nobody can say whether to trust a pair.
    """
    solver = Solver(method, preset, backend)
    index = pl.col("frame_id").str.split("#").list.last().cast(pl.Int64)
    numbered = pairs.with_columns(_number=index // pair_every)
    rows = numbered.filter(index % pair_every == 0).rows(named=True)
    grays = [_gray(row, working_px) for row in rows]
    every = 1 if preset == "quality" else check_every
    for places, stack in group_by_size(grays):
        mine = [rows[place] for place in places]
        measured = measure_pairs(
            stack.reshape(-1, *stack.shape[2:]),
            np.arange(2 * len(mine)).reshape(-1, 2),
            intervals_s=[row["next_gap_s"] for row in mine],
            is_checked=[every > 0 and row["_number"] % every == 0 for row in mine],
            solver=solver,
        )
        for row, one in zip(mine, measured, strict=True):
            kept = _kept(one, store, tier)
            yield _flow(row, one, kept, solver, method_version)


def _gray(row: Mapping[str, Any], working_px: int) -> np.ndarray:
    if row["next_jpeg"] is None or row["next_gap_s"] is None:
        raise InputError(f"{row['frame_id']} has no successor", reason="no_successor")
    return gray_pair(row["jpeg"], row["next_jpeg"], max_side_px=working_px)


def _kept(one: Measured, store: str, tier: str) -> EncodedFlow | None:
    """The field as it is stored, if it is."""
    is_flagged = one.flags.is_cut is not False or one.flags.is_trusted is False
    if store == "all" or (store == "flagged" and is_flagged):
        return encode_flow(one.solved.flow, scale_log2=1 if tier == "compact" else 0)
    return None


def _flow(
    row: Mapping[str, Any],
    one: Measured,
    kept: EncodedFlow | None,
    solver: Solver,
    method_version: str,
) -> Flow:
    return Flow(
        frame_id=row["frame_id"],
        media_id=row["media_id"],
        time_s=row["time_s"],
        interval_s=row["next_gap_s"],
        method=solver.method,
        method_version=method_version,
        preset=solver.preset,
        backend=one.solved.backend,
        fallback_reason=one.solved.fallback_reason,
        **{name: getattr(one.statistics, name) for name in _STATISTICS},
        is_cut=one.flags.is_cut,
        is_duplicate=one.flags.is_duplicate,
        is_trusted=one.flags.is_trusted,
        field=kept and kept.blob,
        codec=kept and kept.codec,
        codec_version=kept and kept.version,
        step_px=kept and kept.step,
        scale_log2=kept and kept.scale_log2,
        height_px=one.solved.flow.shape[1],
        width_px=one.solved.flow.shape[2],
    )


def is_sound() -> pl.Expr:
    """Whether a pair says something of its scene: no cut, no duplicate, not known to be wrong."""
    is_one_scene = pl.col("is_cut").not_() & pl.col("is_duplicate").not_()
    return is_one_scene & pl.col("is_trusted").fill_null(value=True)


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
        scale_log2=1 if row.scale_log2 is None else row.scale_log2,  # rows of version 1 are halved
    )


@optical_flows.check(blocking=True)
def flows_are_finite(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Every number is finite."""
    numbers = [name for name, dtype in Flow.schema().items() if dtype == pl.Float64()]
    return rows.filter(pl.any_horizontal(~pl.col(name).is_finite() for name in numbers))


@optical_flows.check(blocking=True)
def one_method_per_partition(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of two methods never stand side by side."""
    said = pl.concat_str("method", "method_version", "preset", separator=" ", ignore_nulls=True)
    return rows.filter(said.n_unique() > 1)


@optical_flows.check()
def few_flows_are_untrusted(rows: pl.LazyFrame) -> pl.LazyFrame:
    """At most half of the pairs that were solved backward, cuts aside, are not to be trusted."""
    doubted = pl.col("is_trusted").not_() & pl.col("is_cut").not_().fill_null(value=True)
    judged = pl.col("is_trusted").is_not_null() & pl.col("is_cut").not_().fill_null(value=True)
    return rows.filter(doubted & (doubted.sum() > UNTRUSTED_LIMIT * judged.sum()))


@optical_flows.summary
def flow_quality(rows: pl.LazyFrame) -> dict[str, int | str | None]:
    """How many pairs are cut, duplicate, checked and untrusted, and which programs solved them."""
    flags = rows.select(
        cuts=pl.col("is_cut").sum(),
        duplicates=pl.col("is_duplicate").sum(),
        solved_backward=pl.col("fb_fail_share").is_not_null().sum(),
        untrusted=pl.col("is_trusted").not_().sum(),
        fields_kept=pl.col("codec").is_not_null().sum(),
        fallbacks=pl.col("fallback_reason").is_not_null().sum(),
    )
    programs = rows.group_by("backend").len().sort("backend")
    why = rows.select(pl.col("fallback_reason").drop_nulls().first())
    told, used, reason = pl.collect_all([flags, programs, why])
    backends = ", ".join(f"{name} {count}" for name, count in used.iter_rows())
    return {
        **told.row(0, named=True),
        "backends": backends or None,
        "fallback_reason": reason.item() if reason.height else None,
    }


@optical_flows.picture
def flow_pictures(rows: pl.LazyFrame) -> bytes | None:
    """Flow in colours beside its frame, for the largest motions of the partition."""
    whole = rows.filter(pl.col("is_cut").not_().fill_null(value=True))
    top = whole.sort("mean_px", "frame_id", descending=[True, False]).head(6).collect()
    return sheet_of(top) if top.height else None


def sheet_of(flows: pl.DataFrame, *, captions: list[str] | None = None) -> bytes:
    """A contact sheet of fields beside their frames; a field that was not kept is solved again.

    Args:
        flows: rows of one partition, few and at least one, in the order to show.
        captions: a line for each.

    Raises:
        InputError: a frame is gone or damaged.
    """
    partition = MEDIA.of(flows["source"][0], flows["day"][0])
    pictures = frames.rows(current_lake(), partition).select("frame_id", "jpeg", "next_jpeg")
    found = flows.lazy().join(pictures, on="frame_id", maintain_order="left").collect()
    fields = [_field(row) for row in found.iter_rows(named=True)]
    return flow_sheet(shown(found), fields, captions=captions)


def _field(row: Mapping[str, Any]) -> np.ndarray:
    """The field of a row with its pictures, decoded, or solved again."""
    if row["field"] is not None:
        return decode_flow(decode_field(Flow.of(row)))
    pair = gray_pair(
        row["jpeg"], row["next_jpeg"], max_side_px=max(row["height_px"], row["width_px"])
    )
    solver = Solver(row["method"], row["preset"])
    return solve_pairs(pair, np.array([[0, 1]]), solver)[0].flow


@optical_flows.picture
def motion_over_time(rows: pl.LazyFrame) -> bytes | None:
    """How fast the picture moves, pair after pair and clip after clip, with what is flagged."""
    columns = ("media_id", "magnitude_histogram", "is_cut", "is_duplicate", "is_trusted")
    shown = rows.sort("media_id", "time_s").select(columns).collect()
    if shown.is_empty():
        return None
    is_start = shown["media_id"] != shown["media_id"].shift(1)
    flags = {
        "cut": shown["is_cut"],
        "duplicate": shown["is_duplicate"],
        "not trusted": ~shown["is_trusted"],
    }
    return magnitude_picture(
        shown["magnitude_histogram"].to_list(),
        starts=is_start.arg_true().to_list(),
        flagged={
            name: flag.fill_null(value=False).arg_true().to_list() for name, flag in flags.items()
        },
    )
