"""Places: the file and the second that a row of a media table is about."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from mlops_assets.lake import Lake, Partition
from mlops_assets.rows import Table
from mlops_assets.rows.keys import text_of
from mlops_assets.rows.trace import Kin
from mlops_assets.tables import table_named

_BY_PATH = ("raw_media", "arrivals")
_SCHEMA = {"table": pl.String, "key": pl.String, "media_id": pl.String, "time_s": pl.Float64}


def with_places(
    listed: pl.DataFrame, kin: Iterable[Kin], lake: Lake, partition: Partition
) -> pl.DataFrame:
    """A trace with `file` and `time_s` of each row, the model a row was made by, and the vault.

    Args:
        listed: what `rows.trace.as_frame` gives.
        kin: what it was made from.
        lake: where.
        partition: of the rows.
    """
    source = partition.values[0]
    kin = list(kin)
    media = table_named("raw_media").rows(lake, partition)
    media = media.select("media_id", "path", "status", "vault_path").collect()
    files = media.sort("status").unique("media_id", keep="first")  # accepted comes first
    about = pl.concat(
        [pl.DataFrame(schema=_SCHEMA), *(_about(one, lake, partition) for one in kin)]
    )
    about = _with_times_of_frames(about)
    rows = listed.join(about, on=["table", "key"], how="left", maintain_order="left")
    rows = rows.join(
        files.select("media_id", "path"), on="media_id", how="left", maintain_order="left"
    )
    is_file = pl.col("table").is_in(_BY_PATH)
    path = pl.when(is_file).then(pl.col("key")).otherwise(pl.col("path"))
    placed = rows.with_columns(file=pl.lit(f"{source}/") + path).select(
        *listed.columns, "file", "time_s"
    )
    return pl.concat([placed, _makers(kin, lake, partition), _vault(placed, media, source)])


def _about(one: Kin, lake: Lake, partition: Partition) -> pl.DataFrame:
    """Which medium, and which second of it, the rows of a table are about."""
    table = one.parent
    if not isinstance(table, Table) or "media_id" not in table.row.columns():
        return pl.DataFrame(schema=_SCHEMA)
    columns = table.row.columns()
    time = next((name for name in ("time_s", "start_s") if name in columns), None)
    rows = table.rows(lake, partition).join(one.keys.lazy(), on=table.key, how="semi")
    return rows.select(
        table=pl.lit(table.name),
        key=text_of(table.key),
        media_id=pl.col("media_id"),
        time_s=pl.col(time) if time else pl.lit(None, pl.Float64),
    ).collect()


def _with_times_of_frames(about: pl.DataFrame) -> pl.DataFrame:
    """Rows that have the key of a frame are about its second."""
    frames = about.filter(pl.col("table") == "frames").select("key", of_frame="time_s")
    joined = about.join(frames, on="key", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("time_s", "of_frame").alias("time_s")).drop("of_frame")


def _makers(kin: Iterable[Kin], lake: Lake, partition: Partition) -> pl.DataFrame:
    """The model versions that rows were made by."""
    lines = []
    for one in kin:
        if isinstance(one.parent, Table) and "model_version" in one.parent.row.columns():
            rows = one.parent.rows(lake, partition)
            rows = rows.join(one.keys.lazy(), on=one.parent.key, how="semi")
            names = rows.select("model_version").unique().sort("model_version").collect()
            for name in names["model_version"]:
                of = name.rpartition("/")[0]
                lines.append((one.step + 1, "models", of, name, 1, one.parent.name, None, None))
    return _lines(lines)


def _vault(placed: pl.DataFrame, media: pl.DataFrame, source: str) -> pl.DataFrame:
    """Where the bytes of the files lie."""
    files = placed.filter(pl.col("table") == "raw_media")
    paths = files.join(media, left_on="key", right_on="path", how="inner", maintain_order="left")
    return _lines(
        [
            (step + 1, "vault", partition, vault, 1, "raw_media", f"{source}/{path}", None)
            for step, partition, vault, path in paths.select(
                "step", "partition", "vault_path", "key"
            ).iter_rows()
        ]
    )


def _lines(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={
            "step": pl.Int64,
            **dict.fromkeys(("table", "partition", "key"), pl.String),
            "rows": pl.Int64,
            **dict.fromkeys(("via", "file"), pl.String),
            "time_s": pl.Float64,
        },
        orient="row",
    )
