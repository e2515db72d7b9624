"""Leave: rows whose owner another table does not let through are not used, and come back."""

from __future__ import annotations

import polars as pl
import pytest

from mlops_assets.errors import OrphanGuardError
from mlops_assets.lake import MEDIA
from mlops_assets.rows import (
    Grouped,
    Only,
    Options,
    Row,
    bring,
    each,
    group,
    make_plan,
    pairs,
    table,
)
from mlops_assets.rows.explain import explain
from mlops_assets.rows.trace import ancestors
from mlops_assets_tests.rows import toys

PARTITION = MEDIA.of("cam 1", "2026-11-20")


class Leave(Row, key="path"):
    path: str
    granted: bool


@table(each(toys.notes), version="1")
def leaves(note: toys.Note) -> Leave:
    """Leave of each note. Grain: note. Key: path. Partition: both."""
    return Leave(note.path, note.caption != "no")


LEAVE = Only(leaves, on="path", where=pl.col("granted"))


class Seen(Row, key="line_id"):
    line_id: str
    text: str


@table(each(toys.lines, only=LEAVE), version="1")
def seen(line: toys.Line) -> Seen:
    """Lines with leave. Grain: line. Key: line_id. Partition: both."""
    return Seen(line.line_id, line.text)


@table(pairs(toys.lines, within=(), order="line_id", only=LEAVE), version="1")
def following(first: toys.Line, second: toys.Line) -> Seen:
    """The line after each, among those with leave. Grain: line. Key: line_id. Partition: both."""
    return Seen(first.line_id, second.line_id)


class Count(Row, key="partition"):
    partition: str
    lines: int
    lengths: int
    notes: int


@table(group(toys.lines, toys.lengths, toys.notes, only=LEAVE), version="1")
def counts(part: Grouped) -> Count:
    """What has leave. Grain and key: partition. Partition: both."""
    heights = (part[name].height for name in ("lines", "lengths", "notes"))
    return Count(part.key["partition"], *heights)


@pytest.fixture(autouse=True)
def notes():
    toys.NOTES.clear()
    made = toys.NOTES[PARTITION.key] = {f"n{i}": (f"line {i}\nnext\nlast", "") for i in range(4)}
    yield made
    toys.NOTES.clear()


def run(lake, *tables):
    return [bring(one.producer, lake, PARTITION) for one in tables]


def keys(lake, one):
    return one.rows(lake, PARTITION).select("line_id").collect()["line_id"].sort().to_list()


def test_nothing_is_used_until_leave_is_given(lake):
    run(lake, toys.lines, seen)
    assert keys(lake, seen) == []
    run(lake, leaves, seen)
    assert len(keys(lake, seen)) == 12


def test_leave_withdrawn_removes_and_granted_again_brings_back(lake, notes):
    run(lake, toys.lines, leaves, seen)
    notes["n2"] = (notes["n2"][0], "no")
    run(lake, toys.lines, leaves)
    assert make_plan(seen.producer, lake, PARTITION).counts == {"orphans": 3}
    run(lake, seen)
    assert not any(key.startswith("n2#") for key in keys(lake, seen))
    notes["n2"] = (notes["n2"][0], "")
    run(lake, toys.lines, leaves)
    assert make_plan(seen.producer, lake, PARTITION).counts == {"new": 3}
    run(lake, seen)
    assert len(keys(lake, seen)) == 12


def test_another_row_of_the_gate_makes_nothing_due(lake, notes):
    run(lake, toys.lines, leaves, seen)
    notes["n1"] = (notes["n1"][0], "a caption, still granted")
    run(lake, leaves)
    assert make_plan(seen.producer, lake, PARTITION).is_empty


def test_pairs_are_of_what_has_leave(lake, notes):
    notes["n1"] = (notes["n1"][0], "no")
    run(lake, toys.lines, leaves, following)
    found = dict(following.rows(lake, PARTITION).select("line_id", "text").collect().iter_rows())
    assert found["n0#2"] == "n2#0"
    above = ancestors(following, lake, PARTITION, pl.DataFrame({"line_id": ["n0#2"]}))
    lines = next(kin for kin in above if kin.parent.name == "lines")
    assert lines.keys["line_id"].sort().to_list() == ["n0#2", "n2#0"]


def test_a_group_asks_for_the_rows_of_every_parent_with_that_owner(lake, notes):
    notes["n1"] = (notes["n1"][0], "no")
    run(lake, toys.lines, toys.lengths, leaves, counts)
    assert counts.rows(lake, PARTITION).select("lines", "lengths", "notes").collect().row(0) == (
        *(9, 12, 3),  # lengths name no note, so no leave is asked for them
    )


def test_most_of_a_partition_is_not_removed_unasked(lake, notes):
    notes.update({f"m{i}": ("one\ntwo", "") for i in range(60)})
    run(lake, toys.lines, leaves, seen)
    for path, (text, _) in list(notes.items()):
        notes[path] = (text, "no")
    run(lake, leaves)
    with pytest.raises(OrphanGuardError):
        run(lake, seen)
    bring(seen.producer, lake, PARTITION, Options(remove_orphans=True))
    assert keys(lake, seen) == []


def test_why_there_is_no_row_names_the_gate(lake, notes):
    notes["n1"] = (notes["n1"][0], "no")
    run(lake, toys.lines, leaves, seen)
    said = explain(seen, lake, PARTITION, "n1#0")
    assert said.state == "filtered"
    assert said.message == "leaves does not let it through"
    assert explain(seen, lake, PARTITION, "n0#0").state == "current"
