"""Learning: from snapshots to the items they pinned, and to models and what these said."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from mlops_assets.datasets import Selection
from mlops_assets.datasets.assembling import labelled_media
from mlops_assets.lake import MEDIA, Lake, Partition
from mlops_assets.rows.trace import Kin
from mlops_assets.tables import table_named

Line = tuple[str, str, str, int]


def snapshots_of(lake: Lake, partition: Partition | None = None) -> pl.DataFrame:
    """Ids, `model`, `partitions`, and what `Selection.stored` reads, of every snapshot."""
    rows = table_named("snapshots").rows(lake, partition)
    columns = ("request_id", "snapshot_id", "model", "partitions", "table_versions", "query")
    return rows.select(columns).sort("snapshot_id").collect()


def snapshot_items(lake: Lake, selection: Selection) -> pl.DataFrame:
    """The items of a snapshot at its pinned versions, narrow: no vectors.

    Returns:
        `frame_id`, `media_id`, `source`, `day`, `label`, `path`, `vault_path`, `time_s`; the second
        is that of the pinned motion, else of the present frame.

    Raises:
        ConfigurationError: a version is gone.
    """
    versions = selection.versions
    media = labelled_media(lake, selection)
    raw = lake.scan("raw_media", version=versions.get("raw_media"))
    vectors = lake.scan("frame_embeddings", version=versions.get("frame_embeddings"))
    if media.is_empty() or raw is None or vectors is None:
        columns = ("frame_id", "media_id", "source", "day", "label", "path", "vault_path")
        return pl.DataFrame(schema={**dict.fromkeys(columns, pl.String), "time_s": pl.Float64})
    files = raw.filter(pl.col("status") == "accepted")
    files = files.select("source", "day", "media_id", "path", "vault_path")
    items = vectors.select("frame_id", "media_id").join(media.lazy(), on="media_id")
    items = items.join(files, on=["source", "day", "media_id"], how="left")
    times = [_times(lake, "optical_flows", versions.get("optical_flows")), _times(lake, "frames")]
    for place, one in enumerate(times):
        items = items.join(one.rename({"time_s": f"_time{place}"}), on="frame_id", how="left")
    placed = items.with_columns(time_s=pl.coalesce("_time0", "_time1")).drop("_time0", "_time1")
    return placed.sort("source", "path", "frame_id").collect()


def _times(lake: Lake, table: str, version: int | None = None) -> pl.LazyFrame:
    rows = lake.scan(table, version=version)
    if rows is None:
        return pl.LazyFrame(schema={"frame_id": pl.String, "time_s": pl.Float64})
    return rows.select("frame_id", "time_s")


def learned_items(lake: Lake, partition: Partition, kin: Kin, limit: int) -> pl.DataFrame:
    """Items of snapshots as lines of a trace: every frame with file and second, then the vault."""
    chosen = snapshots_of(lake, partition).join(kin.keys, on="request_id", how="semi")
    parts = [snapshot_items(lake, Selection.stored(row)) for row in chosen.iter_rows(named=True)]
    items = pl.concat(parts).unique("frame_id", maintain_order=True)
    files = items.unique("media_id", maintain_order=True).with_columns(
        time_s=pl.lit(None, pl.Float64)
    )
    frames = _lines(items, kin.step + 1, "frames", "frame_id", "snapshots").head(limit)
    return pl.concat(
        [frames, _lines(files, kin.step + 2, "vault", "vault_path", "frames").head(limit)]
    )


def _lines(items: pl.DataFrame, step: int, table: str, key: str, via: str) -> pl.DataFrame:
    return items.select(
        step=pl.lit(step, pl.Int64),
        table=pl.lit(table),
        partition=pl.concat_str("source", "day", separator="@"),
        key=pl.col(key),
        rows=pl.lit(items.height, pl.Int64),
        via=pl.lit(via),
        file=pl.concat_str("source", "path", separator="/"),
        time_s=pl.col("time_s"),
    )


def models_of(lake: Lake, is_wanted: pl.Expr, *, sources: set[str]) -> Iterator[Line]:
    """The snapshots that have wanted items, and the models that learned from them.

    Args:
        lake: where.
        is_wanted: of an item of `snapshot_items`.
        sources: where wanted items can be from; other snapshots are not read.
    """
    for row in snapshots_of(lake).iter_rows(named=True):
        if not sources & {MEDIA.parse(key).values[0] for key in row["partitions"]}:
            continue
        items = snapshot_items(lake, Selection.stored(row)).filter(is_wanted)
        if items.height:
            yield "snapshot", row["snapshot_id"], row["model"], items.height
            yield from _models(lake, row["snapshot_id"])


def _models(lake: Lake, snapshot_id: str) -> Iterator[Line]:
    rows = table_named("models").rows(lake).filter(pl.col("snapshot_id") == snapshot_id)
    for model, name in rows.select("model", "model_id").sort("model_id").collect().iter_rows():
        yield "model", name, model, 1


def uses_of(lake: Lake, snapshot_id: str) -> Iterator[Line]:
    """What came of a snapshot: its models, their references, predictions and verdicts."""
    for line in _models(lake, snapshot_id):
        yield line
        _, name, model, _ = line
        references = table_named("reference_profiles").rows(lake)
        mine = references.filter(pl.col("reference_id").str.starts_with(f"{name}/"))
        yield "rows", "reference_profiles", model, mine.select(pl.len()).collect().item()
        yield from _counted(lake, "predictions", pl.col("model_version") == name)
        yield from _counted(lake, "drift_verdicts", pl.col("reference") == f"model:{name}")


def _counted(lake: Lake, table: str, is_wanted: pl.Expr) -> Iterator[Line]:
    rows = table_named(table).rows(lake).filter(is_wanted).group_by("source", "day").len()
    for source, day, count in rows.sort("source", "day").collect().iter_rows():
        yield "rows", table, MEDIA.of(source, day).key, count
