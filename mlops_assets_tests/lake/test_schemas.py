"""Schemas may be widened; anything else is refused, and nothing is changed silently."""

from __future__ import annotations

import polars as pl
import pytest
from deltalake import DeltaTable

from mlops_assets.errors import ConfigurationError, InternalError
from mlops_assets.lake import MEDIA
from mlops_assets.lake.commits import base_of, commit_partition, stage
from mlops_assets.rows import Row, bring, each, expand, make_plan, table
from mlops_assets_tests.lake.rows import PARTITION, SCHEMA, add, frame, numbers
from mlops_assets_tests.rows import toys

WIDER = pl.Schema({**SCHEMA, "note": pl.String(), "vector": pl.List(pl.Float32())})


def add_wide(lake, number):
    rows = frame([number]).with_columns(
        note=pl.lit("new"), vector=pl.Series([[0.5, number]], dtype=pl.List(pl.Float32()))
    )
    staged = stage(lake, "things", PARTITION, rows)
    base = base_of(lake.snapshot("things"), PARTITION)
    commit_partition(lake, "things", PARTITION, base=base, add=[staged], schema=WIDER)


def test_a_widened_table_keeps_its_old_rows_readable(lake):
    add(lake, PARTITION, [1])
    add_wide(lake, 2)
    rows = lake.scan("things", PARTITION).sort("number").collect()
    assert rows["note"].to_list() == [None, "new"]
    assert rows["vector"].to_list() == [None, [0.5, 2.0]]
    assert lake.scan("things").sort("number").collect()["note"].to_list() == [None, "new"]


def test_a_reader_of_the_narrow_schema_can_still_write(lake):
    add_wide(lake, 1)
    add(lake, PARTITION, [2])
    assert numbers(lake, PARTITION) == [1, 2]
    assert lake.snapshot("things").schema["note"] == pl.String


def test_fingerprints_of_old_rows_stay_when_a_column_is_added(lake, monkeypatch):
    class Wider(Row, key="line_id"):
        line_id: str
        characters: int
        language: str | None = None

    partition = MEDIA.of("cam", "2026-11-20")
    monkeypatch.setattr(toys, "NOTES", {partition.key: {"a": ("one\ntwo", "")}})
    for one in (toys.lines, toys.lengths):
        bring(one.producer, lake, partition)
    before = toys.lengths.rows(lake, partition).select("line_id", "_fp").sort("line_id").collect()
    monkeypatch.setattr(toys.lengths, "row", Wider)
    assert make_plan(toys.lengths.producer, lake, partition).is_empty
    monkeypatch.setattr(toys.lengths.producer, "version", "2")
    monkeypatch.setattr(toys.lengths.producer, "function", _lengths_and_language)
    monkeypatch.setattr("mlops_assets.rows.slices.find_producer", lambda _: toys.lengths.producer)
    assert bring(toys.lengths.producer, lake, partition).computed == {"version": 2}
    after = toys.lengths.rows(lake, partition).select("line_id", "_fp").sort("line_id").collect()
    assert after.equals(before)


def _lengths_and_language(batch: pl.DataFrame) -> pl.DataFrame:
    characters = pl.col("text").str.len_chars().cast(pl.Int64)
    return batch.select("line_id", characters=characters, language=pl.lit(None, pl.String))


@pytest.mark.parametrize("dtype", [pl.Float64(), pl.String(), pl.List(pl.Int64())])
def test_a_type_change_is_refused_and_changes_nothing(lake, dtype):
    add(lake, PARTITION, [1])
    version = lake.snapshot("things").version
    changed = pl.Schema({**SCHEMA, "number": dtype})
    staged = stage(lake, "things", PARTITION, frame([2]))
    base = base_of(lake.snapshot("things"), PARTITION)
    with pytest.raises(ConfigurationError, match=r"things\.number is stored as .*migration"):
        commit_partition(lake, "things", PARTITION, base=base, add=[staged], schema=changed)
    assert lake.snapshot("things").version == version


class Rounded(Row, key="line_id"):
    line_id: str
    characters: int


@table(each(toys.lines), version="1", how=toys.lengths.producer.how)
def halves(batch: pl.DataFrame) -> pl.DataFrame | list[Rounded]:
    """A bug: a float for an integer column, which Delta would cut without a word."""
    return batch.select("line_id", characters=pl.col("text").str.len_chars() / 2)


def test_a_float_for_an_integer_column_is_refused(lake, monkeypatch):
    partition = MEDIA.of("cam", "2026-11-20")
    monkeypatch.setattr(toys, "NOTES", {partition.key: {"a": ("one", "")}})
    bring(toys.lines.producer, lake, partition)
    with pytest.raises(InternalError, match="a Rounded does not fit its columns"):
        bring(halves.producer, lake, partition)
    assert lake.scan("halves") is None


class Vector(Row, key="path"):
    path: str
    vector: toys.Annotated[list[float], pl.List(pl.Float32())]


@table(expand(toys.notes), version="1")
def vectors(note: toys.Note) -> Vector:
    """A vector per note, of as many numbers as its text has characters."""
    return Vector(note.path, [index / 3 for index in range(len(note.text))])


def test_vectors_come_back_as_they_were_written(lake, monkeypatch):
    partition = MEDIA.of("cam", "2026-11-20")
    notes = {"a": ("four", ""), "b": ("seventeen letters", ""), "empty": ("", "")}
    monkeypatch.setattr(toys, "NOTES", {partition.key: notes})
    bring(vectors.producer, lake, partition)
    stored = vectors.rows(lake, partition).sort("path").collect()
    assert stored.schema["vector"] == pl.List(pl.Float32)
    assert stored["vector"].list.len().to_list() == [4, 17, 0]
    truth = pl.Series([0, 1 / 3, 2 / 3, 1], dtype=pl.Float32)
    assert stored["vector"][0].to_list() == truth.to_list()
    plain = DeltaTable(lake.uri("vectors")).to_pyarrow_table().num_rows
    assert plain == 3
