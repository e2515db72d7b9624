"""A table whose row class gained columns and groups works before any commit has added them."""

from __future__ import annotations

import polars as pl
import pytest

from mlops_assets.lake import MEDIA, Lake, commit_partition
from mlops_assets.lake.commits import base_of, stage
from mlops_assets.rows import Row, bring, each, expand, make_plan, table
from mlops_assets.rows.slices import stamp
from mlops_assets_tests.rows import toys

NEW = {"length", "_fp_size"}
HERE, THERE = MEDIA.of("cam", "2026-11-20"), MEDIA.of("cam", "2026-11-21")


class Mark(Row, key="path", size=("length",)):
    path: str
    text: str
    length: int


@table(expand(toys.notes), version="2")
def marks(note: toys.Note) -> Mark:
    """Notes; the first release had neither `length` nor the group."""
    return Mark(note.path, note.text, len(note.text))


class Seen(Row, key="path"):
    path: str
    length: int | None


@table(each(marks.size), version="1")
def seen(mark: Mark) -> Seen:
    """What reads the new group."""
    return Seen(mark.path, mark.length)


@pytest.fixture
def lake_of_the_first(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    notes = {HERE.key: {"a": ("one", ""), "b": ("three", "")}, THERE.key: {"c": ("x", "")}}
    monkeypatch.setattr(toys, "NOTES", notes)
    older = {name: dtype for name, dtype in marks.schema.items() if name not in NEW}
    for partition in (HERE, THERE):
        units = marks.producer.lineage.units(lake, partition)
        rows = Mark.frame(
            Mark(path, toys.NOTES[partition.key][path][0], 0) for path in units["path"]
        )
        stamped = stamp(marks, rows, {row[:-1]: row[-1] for row in units.iter_rows()}, "1|{}")
        staged = stage(lake, "marks", partition, stamped.select(list(older)))
        base = base_of(lake.snapshot("marks"), partition)
        commit_partition(lake, "marks", partition, base=base, add=[staged], schema=pl.Schema(older))
    return lake


def test_old_rows_are_read_with_nulls(lake_of_the_first):
    rows = marks.rows(lake_of_the_first, HERE).sort("path").collect()
    assert rows["length"].to_list() == [None, None]
    assert rows["_fp_size"].null_count() == 2
    assert set(marks.schema) <= set(rows.columns)
    assert marks.rows(lake_of_the_first).filter(pl.col("length") > 0).collect().is_empty()


def test_what_reads_the_new_group_is_planned_and_brought_before_its_parent(lake_of_the_first):
    assert make_plan(seen.producer, lake_of_the_first, HERE).counts == {"new": 2}
    bring(seen.producer, lake_of_the_first, HERE)
    assert seen.rows(lake_of_the_first, HERE).collect()["length"].to_list() == [None, None]

    assert make_plan(marks.producer, lake_of_the_first, HERE).counts == {"version": 2}
    bring(marks.producer, lake_of_the_first, HERE)
    assert make_plan(seen.producer, lake_of_the_first, HERE).counts == {"input": 2}
    bring(seen.producer, lake_of_the_first, HERE)
    assert sorted(seen.rows(lake_of_the_first, HERE).collect()["length"]) == [3, 5]
    assert make_plan(seen.producer, lake_of_the_first, HERE).is_empty


def test_a_neighbour_that_was_not_brought_keeps_its_old_rows(lake_of_the_first):
    bring(marks.producer, lake_of_the_first, HERE)
    rows = marks.rows(lake_of_the_first).sort("path").collect()
    assert rows["length"].to_list() == [3, 5, None]
