"""Reads the lake for dbt-duckdb: dbt's delta plugin, for tables that may not exist yet.

The built-in plugin of dbt-duckdb opens one table at a time and fails on one that nobody has written
so far. This one opens all tables at once, children before parents, so that a run that commits
meanwhile cannot look like an orphan; it gives an empty table of the declared columns for one
that is not there; and it hides the columns that nobody may drag along: pictures, vectors, texts,
weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as pads
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import SourceConfig

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake, use_lake
from mlops_assets.landing.arrivals import ARRIVALS
from mlops_assets.operations.behind import behind_partitions
from mlops_assets.rows import Table
from mlops_assets.settings import settings
from mlops_assets.tables import all_tables

_TEXTS = {"text"}
_TIME = pl.Datetime("us", "UTC")
PARTITIONS = pl.Schema(
    {
        "table_name": pl.String(),
        "partition": pl.String(),
        "row_count": pl.Int64(),
        "file_count": pl.Int64(),
        "size_bytes": pl.Int64(),
        "written_at": _TIME,
    }
)
SKIPPED = pl.Schema(
    {
        "table_name": pl.String(),
        "partition": pl.String(),
        "unit": pl.String(),
        "reason": pl.String(),
        "message": pl.String(),
        "seconds": pl.Float64(),
    }
)
STATES = pl.Schema(
    {
        "source": pl.String(),
        "day": pl.String(),
        "file_count": pl.Int64(),
        "size_bytes": pl.Int64(),
        "latest_at": _TIME,
        "is_behind": pl.Boolean(),
        "why": pl.String(),
    }
)


class Plugin(BasePlugin):
    """A source is a table of the lake, or one of three that the lake knows about itself.

    These are `table_partitions`, `skipped_units` and `partition_states`.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Remember where the lake lies; nothing is opened before a source is read."""
        self.root = plugin_config.get("root") or ""

    def load(self, source_config: SourceConfig) -> pads.Dataset | pa.Table:
        """The rows of a source, as of the moment the first one was asked for."""
        name = source_config.identifier
        if name not in self._opened:
            raise ConfigurationError(f"the lake declares no table {name!r}")
        return self._opened[name]

    def default_materialization(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A view: only what a model selects is read."""
        return "view"

    @cached_property
    def _opened(self) -> dict[str, pads.Dataset | pa.Table]:
        if not self.root:
            raise ConfigurationError(
                "MLOPS_DBT_LAKE is not set; expected the absolute folder or URL of the lake"
            )
        lake = Lake.at(self.root, settings().lake_options)
        tables = list(reversed(all_tables().values()))
        opened = {one.name: _dataset(lake, one.name, _declared(one)) for one in tables}
        opened[ARRIVALS.name] = _dataset(lake, ARRIVALS.name, ARRIVALS.schema)
        opened["table_partitions"] = _stacked([_partitions(lake, t) for t in tables], PARTITIONS)
        opened["skipped_units"] = _stacked([_skipped(lake, t) for t in tables], SKIPPED)
        opened["partition_states"] = _stacked([_states(lake)], STATES)
        return opened


def _declared(one: Table) -> pl.Schema:
    columns = dict.fromkeys(one.producer.scheme.columns, pl.String())
    return pl.Schema({**one.schema, **columns})


def _dataset(lake: Lake, name: str, declared: Mapping[str, pl.DataType]) -> pads.Dataset | pa.Table:
    """A table's narrow columns; those it lacks so far are NULL."""
    narrow = pl.Schema({n: t for n, t in declared.items() if _is_narrow(n, t)})
    wanted = pl.DataFrame(schema=narrow).to_arrow(compat_level=pl.CompatLevel.oldest())
    snapshot = lake.snapshot(name)
    if snapshot is None or snapshot.files.is_empty():
        return wanted
    dataset = snapshot.handle.to_pyarrow_dataset()
    stored = {field.name: field for field in dataset.schema}
    return dataset.replace_schema(pa.schema([stored.get(f.name, f) for f in wanted.schema]))


def _is_narrow(name: str, dtype: pl.DataType) -> bool:
    is_vector = isinstance(dtype, pl.List) and dtype.inner in (pl.Float32(), pl.Float64())
    return not (dtype == pl.Binary or is_vector or name in _TEXTS)


def _partitions(lake: Lake, one: Table) -> pl.DataFrame:
    """Rows, files and bytes per partition from the table's log; no data file is opened."""
    snapshot = lake.snapshot(one.name)
    if snapshot is None or snapshot.files.is_empty():
        return pl.DataFrame(schema=PARTITIONS)
    written = pl.col("modification_time").cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    return (
        snapshot.files.group_by(_key(one, "partition.").alias("partition"))
        .agg(
            row_count=pl.col("num_records").sum(),
            file_count=pl.len(),
            size_bytes=pl.col("size_bytes").sum(),
            written_at=written.max(),
        )
        .with_columns(table_name=pl.lit(one.name))
    )


def _skipped(lake: Lake, one: Table) -> pl.DataFrame:
    """The units of a table that gave no row."""
    rows = lake.scan(one.skipped_name)
    if rows is None:
        return pl.DataFrame(schema=SKIPPED)
    unit = pl.concat_str([pl.col(n).cast(pl.String) for n in one.producer.lineage.by])
    return rows.select(
        "reason",
        "message",
        "seconds",
        table_name=pl.lit(one.name),
        partition=_key(one),
        unit=unit,
    ).collect()


def _states(lake: Lake) -> pl.DataFrame:
    """Every partition that files landed in, and whether it is behind."""
    with use_lake(lake):
        return behind_partitions(lake).rename({"files": "file_count"})


def _key(one: Table, prefix: str = "") -> pl.Expr:
    return pl.concat_str([prefix + n for n in one.producer.scheme.columns], separator="@")


def _stacked(parts: list[pl.DataFrame], schema: pl.Schema) -> pa.Table:
    typed = [part.select(pl.col(n).cast(t) for n, t in schema.items()) for part in parts]
    stacked = pl.concat([pl.DataFrame(schema=schema), *typed])
    return stacked.to_arrow(compat_level=pl.CompatLevel.oldest())
