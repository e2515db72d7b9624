"""How a run's outcome shows in Dagster: counts, cost, a picture, data version and checks."""

import base64
from typing import Any

import dagster as dg
import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.lake import Lake, Partition
from mlops_assets.operations.pictures import column_picture
from mlops_assets.rows import Check, Outcome, Table
from mlops_assets.rows.fingerprints import digest

_SAMPLE = 10
_PICTURE_BYTES = 300_000
SKIPPED_LIMIT = 0.2
FEW_SKIPPED = "few_units_are_skipped"


def materialization(
    table: Table, lake: Lake, partition: Partition, outcome: Outcome
) -> dg.MaterializeResult:
    """One table's part of an outcome."""
    rows = table.rows(lake, partition)
    fingerprints = rows.select("_fp").collect()["_fp"]
    skipped = _skipped_rows(table, lake, partition)
    return dg.MaterializeResult(
        asset_key=table.name,
        data_version=dg.DataVersion(f"{digest(fingerprints):016x}"),
        metadata={
            **_counts(table, outcome, len(fingerprints)),
            **_cost(outcome),
            **_provenance(table, lake),
            **_skipped(table, skipped),
            **_picture(table, lake, partition, rows, is_new=outcome.changed),
        },
        check_results=[
            *(check_result(table, check, partition, rows) for check in table.checks),
            skipped_result(table, partition, skipped, len(fingerprints)),
        ],
    )


def check_result(
    table: Table, check: Check, partition: Partition, rows: pl.LazyFrame
) -> dg.AssetCheckResult:
    """A check on the rows of a partition, with the keys of some offending rows."""
    offending = check.offending(rows).select(table.key).head(1000).collect()
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name=check.name,
        passed=offending.is_empty(),
        severity=dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN,
        metadata={
            "partition": partition.key,
            "offending_rows": offending.height,
            "examples": dg.MetadataValue.json(offending.head(_SAMPLE).to_dicts()),
        },
    )


def skipped_result(
    table: Table, partition: Partition, skipped: pl.DataFrame, row_count: int
) -> dg.AssetCheckResult:
    """Whether few units failed; a unit that gave no row did not fail."""
    failed = skipped.filter(pl.col("reason") != "empty").height
    share = failed / max(1, failed + row_count)
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name=FEW_SKIPPED,
        passed=share <= SKIPPED_LIMIT,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "partition": partition.key,
            "failed_units": failed,
            "share": share,
            "limit": SKIPPED_LIMIT,
        },
    )


def _counts(table: Table, outcome: Outcome, row_count: int) -> dict[str, Any]:
    return {
        "dagster/row_count": row_count,
        "plan": str(outcome.plan),
        "units_computed": sum(outcome.computed.values()),
        **{f"units_{why}": count for why, count in sorted(outcome.computed.items())},
        "rows_written": outcome.rows[table.name],
        "units_skipped": sum(outcome.skipped.values()),
        "orphans_removed": outcome.removed[table.name],
        "units_left_for_next_run": outcome.left,
    }


def _cost(outcome: Outcome) -> dict[str, Any]:
    estimate = outcome.plan.estimate
    known = {
        "seconds_estimated": estimate.seconds,
        "bytes_estimated": estimate.size_bytes,
    }
    told = {name: value for name, value in known.items() if value is not None}
    return {"seconds": round(outcome.seconds, 3), "bytes_written": outcome.size_bytes, **told}


def _provenance(table: Table, lake: Lake) -> dict[str, Any]:
    snapshot = lake.snapshot(table.name)
    version = {} if snapshot is None else {"delta_version": snapshot.version}
    return {"dagster/uri": lake.uri(table.name), **version}


def _skipped_rows(table: Table, lake: Lake, partition: Partition) -> pl.DataFrame:
    rows = lake.scan(table.skipped_name, partition)
    if rows is None:
        return pl.DataFrame(schema={"reason": pl.String(), "message": pl.String()})
    return rows.collect()


def _skipped(table: Table, skipped: pl.DataFrame) -> dict[str, Any]:
    if skipped.is_empty():
        return {}
    by = [*table.producer.lineage.by, "reason", "message"]
    shown = skipped.select(by).head(_SAMPLE).rows(named=True)
    records = [dg.TableRecord({n: str(v) for n, v in row.items()}) for row in shown]
    counted = dict(skipped.group_by("reason").len().sort("reason").iter_rows())
    return {
        "skipped_by_reason": dg.MetadataValue.json(counted),
        "skipped_examples": dg.MetadataValue.table(records),
    }


def _picture(
    table: Table, lake: Lake, partition: Partition, rows: pl.LazyFrame, *, is_new: bool
) -> dict[str, Any]:
    """The picture of a partition: drawn when its rows changed, else the one drawn last."""
    path = f"pictures/{table.name}/{partition.folder}"
    try:
        picture = _draw(table, rows) if is_new else _drawn(lake, path)
    except InputError as err:
        return {"picture": f"no picture: {err}"}
    if not picture or len(picture) > _PICTURE_BYTES:
        return {}
    if is_new:
        lake.store.put(path, picture)
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    encoded = base64.b64encode(picture).decode()
    return {"picture": dg.MetadataValue.md(f"![{table.name}](data:image/{kind};base64,{encoded})")}


def _draw(table: Table, rows: pl.LazyFrame) -> bytes | None:
    """The table's own picture, else how the values of its columns are distributed."""
    return (table.picture_of(rows) if table.picture_of else None) or column_picture(table, rows)


def _drawn(lake: Lake, path: str) -> bytes | None:
    return None if lake.store.size(path) is None else lake.store.get(path)
