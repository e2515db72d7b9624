"""Anybody reads the tables without this code: DuckDB, Arrow, plain delta-rs."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

from mlops_assets.lake import MEDIA
from mlops_assets.lake.maintenance import compact_partition
from mlops_assets.rows import bring
from mlops_assets_tests.rows import toys

PARTITIONS = (MEDIA.of("cam 1/é", "2026-11-20"), MEDIA.of("plain", "2026-11-21"))
ROWS = [("cam 1/é", "a", 0, "one"), ("cam 1/é", "a", 1, "two"), ("plain", "b", 0, "three")]


@pytest.fixture
def uri(lake, monkeypatch) -> str:
    """A table with a history: changed, compacted, in two partitions."""
    first, second = PARTITIONS
    notes = {first.key: {"a": ("old\ntwo", ""), "c": ("x", "")}, second.key: {"b": ("three", "")}}
    monkeypatch.setattr(toys, "NOTES", notes)
    for partition in PARTITIONS:
        bring(toys.lines.producer, lake, partition)
    notes[first.key] = {"a": ("one\ntwo", ""), "d": ("bad", "")}
    bring(toys.lines.producer, lake, first)
    compact_partition(lake, "lines", first, at_least=2)
    return lake.uri("lines")


def test_plain_delta_rs_reads_the_rows(uri):
    table = DeltaTable(uri).to_pyarrow_table(columns=["source", "path", "index", "text"])
    assert sorted(tuple(row.values()) for row in table.to_pylist()) == ROWS


def test_duckdb_reads_the_rows_and_prunes_by_partition(uri):
    lines = DeltaTable(uri).to_pyarrow_dataset()
    with duckdb.connect() as database:
        database.register("lines", lines)
        found = database.sql('select source, path, "index", text from lines order by all')
        assert found.fetchall() == ROWS
        per_source = "select source, count(*), min(_ver) from lines group by 1 order by 1"
        version = '1|{"repeat":1,"shout":false}'
        assert database.sql(per_source).fetchall() == [
            ("cam 1/é", 2, version),
            ("plain", 1, version),
        ]


def test_arrow_reads_one_partition_by_its_column(uri):
    found = pl.from_arrow(DeltaTable(uri).to_pyarrow_table(filters=[("source", "=", "cam 1/é")]))
    assert isinstance(found, pl.DataFrame)
    assert sorted(found["text"]) == ["one", "two"]


def test_what_rows_were_made_from_is_in_the_table(uri):
    names = [field.name for field in DeltaTable(uri).schema().fields]
    assert names == [
        "source",
        "day",
        "line_id",
        "path",
        "index",
        "text",
        "_src",
        "_ver",
        "_fp",
        "_fp_text_only",
    ]
    assert DeltaTable(uri).metadata().partition_columns == ["source", "day"]


def test_skipped_units_are_a_table_like_any_other(uri, lake):
    skipped = DeltaTable(lake.uri("lines__skipped")).to_pyarrow_table().to_pylist()
    assert [(row["path"], row["reason"], row["message"]) for row in skipped] == [
        ("d", "bad_text", "d is bad")
    ]
