"""Motion anomalies: pairs that move as their source usually does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import polars as pl
from annotated_types import Gt

from mlops_assets.flow.describing.anomalies import (
    LEAST_HISTORY,
    MEASURES,
    Judgement,
    Values,
    judge_motion,
    measures_of,
    usual_motion,
)
from mlops_assets.lake import MEDIA, Lake, Partition, current_lake
from mlops_assets.rows import Grouped, History, How, Row, group, table
from mlops_assets.tables.optical_flows import is_sound, optical_flows, sheet_of

_LABEL = ("method", "method_version", "preset")
_VALUES = [one.name for one in MEASURES]


class MotionAnomaly(Row, key="frame_id"):
    """How unusual the motion of one frame is."""

    frame_id: str
    partition: str
    media_id: str
    time_s: float
    method: str
    method_version: str
    preset: str
    score: Annotated[
        float | None, "spreads from the median of the history; none when there is too little"
    ]
    is_anomaly: bool
    measure: Annotated[str | None, "the strangest"]
    value: Annotated[float | None, "of that measure"]
    usual: Annotated[float | None, "its median in the history"]
    reason: Annotated[str | None, "what a person reads, of an anomaly"]
    history_from: Annotated[str | None, "day of the first partition of the history"]
    history_to: Annotated[str | None, "day of the last"]
    history_pairs: int
    p95_diag_per_s: float
    mean_diag_per_s: float
    residual_diag_per_s: float | None
    camera_diag_per_s: float | None
    camera_turn_deg_per_s: float | None
    camera_zoom_per_s: float | None


HISTORY = History("motion_anomalies", enough_rows=500, most_partitions=7)


@table(
    group(optical_flows.scene),
    version="1",
    how=How(commit="partition"),
    pins={"history": HISTORY},
)
def motion_anomalies(
    part: Grouped,
    *,
    limit: Annotated[float, Gt(0), "score from which on motion is an anomaly"] = 5.0,
    history: str = "",
) -> Iterator[MotionAnomaly]:
    """How far the motion of each pair is from what is usual for its source, and in what.

    Grain: one row per pair of `optical_flows` that is no cut, no duplicate and not known to be
    untrusted. Key: `frame_id`. Partition: source and arrival day. All rows of a partition are
    replaced together when a flow of it, or its history, changes. The history is the source's
    nearest earlier partitions with 500 pairs, at most 7, of the same method and preset; with fewer
    than 20 pairs in it, as on a source's first day, the partition is held against itself.
    `_ver` says which history a row saw. Limits: neighbouring pairs of a clip are alike, so an
    unusual clip gives many rows.
    """
    partition = MEDIA.parse(part.key["partition"])
    pairs = _judgeable(part["optical_flows"])
    earlier = _read(current_lake(), partition, history)
    for label, mine in pairs.group_by(_LABEL, maintain_order=True):
        known = earlier.filter(**dict(zip(_LABEL, label, strict=True)))
        against = known if known.height >= LEAST_HISTORY else mine.with_columns(_day(partition))
        span = {
            "history_from": against["day"].min(),
            "history_to": against["day"].max(),
            "history_pairs": against.height,
        }
        judged = judge_motion(_columns(mine), usual_motion(_columns(against)))
        for row, found in zip(mine.iter_rows(named=True), judged, strict=True):
            yield MotionAnomaly(
                **row, **span, **_said(found, limit), partition=part.key["partition"]
            )


def _judgeable(flows: pl.DataFrame) -> pl.DataFrame:
    """The pairs whose motion says something of the scene, with their measures."""
    sound = flows.filter(is_sound())
    numbers = {n: _values(sound[n]) for n, t in sound.schema.items() if t.is_numeric()}
    measures = [
        pl.Series(name, values, pl.Float64, nan_to_null=True)
        for name, values in measures_of(numbers).items()
    ]
    return sound.select("frame_id", "media_id", "time_s", *_LABEL).with_columns(measures)


def _read(lake: Lake, partition: Partition, history: str) -> pl.DataFrame:
    """Measures of the partitions that a history names."""
    columns = ["day", *_LABEL, *_VALUES]
    rows = HISTORY.rows(lake, partition, history, columns)
    kinds = {name: motion_anomalies.schema.get(name, pl.String()) for name in columns}
    return pl.DataFrame(schema=kinds) if rows is None else rows.collect()


def _day(partition: Partition) -> pl.Expr:
    return pl.lit(partition.as_dict["day"]).alias("day")


def _columns(pairs: pl.DataFrame) -> dict[str, Values]:
    return {name: _values(pairs[name]) for name in _VALUES}


def _values(column: pl.Series) -> Values:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _said(found: Judgement | None, limit: float) -> dict[str, Any]:
    if found is None:
        nothing = dict.fromkeys(("score", "measure", "value", "usual", "reason"))
        return {**nothing, "is_anomaly": False}
    is_anomaly = found.score >= limit
    return {
        "score": found.score,
        "is_anomaly": is_anomaly,
        "measure": found.measure,
        "value": found.value,
        "usual": found.usual,
        "reason": found.reason if is_anomaly else None,
    }


@motion_anomalies.check(blocking=True)
def scores_are_finite(rows: pl.LazyFrame) -> pl.LazyFrame:
    """A score is a finite number, and an anomaly has one and a reason."""
    unexplained = pl.col("is_anomaly") & (pl.col("score").is_null() | pl.col("reason").is_null())
    return rows.filter(unexplained | ~pl.col("score").fill_null(0).is_finite())


@motion_anomalies.check()
def motion_is_usual(rows: pl.LazyFrame) -> pl.LazyFrame:
    """No pair moves as its source usually does not."""
    return rows.filter("is_anomaly")


@motion_anomalies.summary
def what_was_judged(rows: pl.LazyFrame) -> dict[str, int | float | str | None]:
    """How many pairs were judged against which history, and the strangest of them."""
    counts = rows.select(
        anomalies=pl.col("is_anomaly").sum(),
        history_from=pl.col("history_from").min(),
        history_to=pl.col("history_to").max(),
        highest_score=pl.col("score").max(),
        strangest=pl.col("reason").sort_by("score", descending=True).drop_nulls().first(),
    )
    return counts.collect().row(0, named=True)


@motion_anomalies.picture
def strangest_motion(rows: pl.LazyFrame) -> bytes | None:
    """The strangest pair of each file, at most six, with its flow in colours and the reason."""
    strange = rows.filter("is_anomaly").sort("score", descending=True)
    top = strange.unique("media_id", keep="first", maintain_order=True).head(6).collect()
    if top.is_empty():
        return None
    partition = MEDIA.of(top["source"][0], top["day"][0])
    flows = optical_flows.rows(current_lake(), partition)
    shown = top.lazy().select("frame_id", "score", "reason")
    found = shown.join(flows, on="frame_id", maintain_order="left").collect()
    captions = [f"{score:.1f}: {why}" for score, why in found.select("score", "reason").iter_rows()]
    return sheet_of(found, captions=captions) if captions else None
