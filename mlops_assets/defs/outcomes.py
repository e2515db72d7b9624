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
            **_summary(table, rows),
            **_pictures(table, lake, partition, rows, is_new=outcome.changed),
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


def _summary(table: Table, rows: pl.LazyFrame) -> dict[str, Any]:
    """What the table itself has to say of a partition."""
    told = {name: value for tell in table.summaries for name, value in tell(rows).items()}
    return {name: value for name, value in told.items() if value is not None}


def _pictures(
    table: Table, lake: Lake, partition: Partition, rows: pl.LazyFrame, *, is_new: bool
) -> dict[str, Any]:
    """The pictures of a partition, the first under the key `picture`.

    A table whose first picture shows nothing, or that has none, shows how the values of its
    columns are distributed.
    """

    def first(rows: pl.LazyFrame) -> bytes | None:
        own = table.pictures[0](rows) if table.pictures else None
        return own or column_picture(table, rows)

    base = f"pictures/{table.name}/{partition.folder}"
    further = {one.__name__: (f"{base}~{one.__name__}", one) for one in table.pictures[1:]}
    found: dict[str, Any] = {}
    for key, (path, draw) in {"picture": (base, first), **further}.items():
        try:
            known = None if is_new else _drawn(lake, path)
            picture = known or draw(rows)
        except InputError as err:
            found[key] = f"no picture: {err}"
            continue
        if not picture or len(picture) > _PICTURE_BYTES:
            continue
        if known is None:
            lake.store.put(path, picture)
        found[key] = _shown(table.name, picture)
    return found


def _shown(name: str, picture: bytes) -> dg.MarkdownMetadataValue:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    encoded = base64.b64encode(picture).decode()
    return dg.MetadataValue.md(f"![{name}](data:image/{kind};base64,{encoded})")


def _drawn(lake: Lake, path: str) -> bytes | None:
    return None if lake.store.size(path) is None else lake.store.get(path)
