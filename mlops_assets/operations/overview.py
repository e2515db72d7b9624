"""Status: what landed, what became of it, which partitions are behind, and the model in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from mlops_assets.datasets import champions
from mlops_assets.lake import MEDIA, Lake, current_lake, still_lake
from mlops_assets.settings import settings
from mlops_assets.tables import all_tables, table_named

PLACE = ["source", "day"]
_VERDICTS = ("drift", "warn", "unknown", "none")


@dataclass(frozen=True)
class Status:
    """The whole, at one look.

    Attributes:
        partitions: `source`, `day`, `files`, `accepted`, `quarantined`, `duplicates`, `is_behind`,
            `why`, and features by verdict of drift (`drift`, `warn`, `unknown`, `none`).
        reasons: `source`, `day`, `reason`, `files`: why files are quarantined.
        tables: `source`, `day`, `table`, `rows`.
        champion: such as `scene/3`; None before the first.
        lake: where the tables lie.
    """

    partitions: pl.DataFrame
    reasons: pl.DataFrame
    tables: pl.DataFrame
    champion: str | None
    lake: str

    def to_json(self) -> list[dict[str, Any]]:
        """One object per partition, with its reasons and its rows per table."""
        told = {tuple(row[:2]): _nested() for row in self.partitions.iter_rows()}
        for source, day, reason, files in self.reasons.iter_rows():
            told[source, day]["reasons"][reason] = files
        for source, day, table, rows in self.tables.iter_rows():
            told[source, day]["rows"][table] = rows
        return [
            {**row, **told[row["source"], row["day"]], "champion": self.champion}
            for row in self.partitions.iter_rows(named=True)
        ]


def _nested() -> dict[str, Any]:
    return {"reasons": {}, "rows": {}}


def status(lake: Lake | None = None) -> Status:
    """Look at everything: a few narrow columns and the commit logs, never at a picture.

    Args:
        lake: which; the current one for None.
    """
    from mlops_assets.operations.behind import behind_partitions

    lake = lake or current_lake()
    with still_lake():
        behind = behind_partitions(lake).select(*PLACE, "files", "latest_at", "is_behind", "why")
        media = _media(lake)
        tables = row_counts(lake).join(behind, on=PLACE, how="semi")
        known = champions(lake, settings().model)
        joined = behind.join(_by_status(media), on=PLACE, how="left")
        joined = joined.join(_verdicts(lake), on=PLACE, how="left")
    numbers = ["accepted", "quarantined", "duplicates", *_VERDICTS]
    partitions = joined.sort("latest_at", *PLACE).select(
        *PLACE, "files", *[pl.col(n).fill_null(0) for n in numbers], "is_behind", "why"
    )
    quarantined = media.filter(pl.col("status") == "quarantined").drop("status")
    reasons = quarantined.sort(*PLACE, "files", "reason", descending=[False, False, True, False])
    return Status(
        partitions,
        reasons.join(behind, on=PLACE, how="semi"),
        tables,
        known[-1].name if known else None,
        lake.store.root,
    )


def row_counts(lake: Lake | None = None) -> pl.DataFrame:
    """Rows per media partition and table, from commit logs: `source`, `day`, `table`, `rows`."""
    lake = lake or current_lake()
    found = [pl.DataFrame(schema={**dict.fromkeys([*PLACE, "table"], pl.String), "rows": pl.Int64})]
    for name, table in all_tables().items():
        snapshot = lake.snapshot(name) if table.producer.scheme == MEDIA else None
        if snapshot is not None and not snapshot.files.is_empty():
            places = [pl.col(f"partition.{column}").alias(column) for column in PLACE]
            counted = snapshot.files.group_by(places).agg(rows=pl.col("num_records").sum())
            named = counted.with_columns(pl.lit(name).alias("table")).sort(PLACE)
            found.append(named.select(*PLACE, "table", pl.col("rows").cast(pl.Int64)))
    return pl.concat(found)


def _media(lake: Lake) -> pl.DataFrame:
    """Files by partition, status and reason."""
    rows = table_named("raw_media").rows(lake)
    counted = rows.group_by(*PLACE, "status", "reason").agg(files=pl.len().cast(pl.Int64))
    return counted.collect()


def _by_status(media: pl.DataFrame) -> pl.DataFrame:
    def files(status: str) -> pl.Expr:
        return pl.col("files").filter(pl.col("status") == status).sum()

    return media.group_by(PLACE).agg(
        accepted=files("accepted"), quarantined=files("quarantined"), duplicates=files("duplicate")
    )


def _verdicts(lake: Lake) -> pl.DataFrame:
    severity = pl.col("severity")
    counted = [(severity == verdict).sum().cast(pl.Int64).alias(verdict) for verdict in _VERDICTS]
    return table_named("drift_verdicts").rows(lake).group_by(PLACE).agg(counted).collect()
