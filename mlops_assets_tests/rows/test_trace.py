"""Traces of the toy graph: every lineage kind, up and down, and why a row is as it is."""

from __future__ import annotations

import polars as pl
import pytest

from mlops_assets.lake import MEDIA, Lake
from mlops_assets.rows import bring, make_plan
from mlops_assets.rows.explain import explain
from mlops_assets.rows.keys import find
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.rows.trace import Kin, ancestors, as_frame, descendants
from mlops_assets_tests.rows import toys

HERE, THERE = MEDIA.of("cam 1", "2026-11-20"), MEDIA.of("cam 1", "2026-11-21")
ALL = (toys.lines, toys.lengths, toys.steps, toys.summaries, toys.words, toys.digits)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    note = {
        "a": ("one\ntwo\nthree 3", "first"),
        "b": ("uno", "second"),
        "bad": ("bad text", "third"),
    }
    toys.write_notes(lake, HERE, note)
    toys.write_notes(lake, THERE, {"c": ("elsewhere\nand on", "")})
    for partition in (HERE, THERE):
        for table in toys.ALL:
            bring(table.producer, lake, partition)
    return lake


def keys(table, *values: str) -> pl.DataFrame:
    return pl.DataFrame({table.key[0]: list(values)})


def told(kin: list[Kin]) -> dict[str, list[str]]:
    return {one.parent.name: sorted(one.keys.to_series().to_list()) for one in kin}


def test_a_row_leads_up_through_every_table_to_its_origin(filled: Lake):
    found = ancestors(toys.lengths, filled, HERE, keys(toys.lengths, "a#1"))
    assert told(found) == {"lengths": ["a#1"], "lines": ["a#1"], "notes": ["a"]}
    assert [one.step for one in found] == [0, 1, 2]


def test_a_pair_leads_up_to_both_of_its_rows(filled: Lake):
    found = told(ancestors(toys.steps, filled, HERE, keys(toys.steps, "a#0")))
    assert found["lines"] == ["a#0", "a#1"]


def test_a_group_leads_up_to_everything_of_its_partition_and_nothing_else(filled: Lake):
    found = told(ancestors(toys.summaries, filled, HERE, keys(toys.summaries, HERE.key)))
    assert found["lines"] == found["lengths"] == ["a#0", "a#1", "a#2", "b#0"]
    assert found["notes"] == ["a", "b"]


def test_a_row_leads_down_to_everything_made_from_it(filled: Lake):
    found = told(descendants(toys.notes, filled, HERE, keys(toys.lines, "a#0").clear(), ALL))
    assert found == {"notes": []}
    found = told(descendants(toys.notes, filled, HERE, pl.DataFrame({"path": ["a"]}), among=ALL))
    assert found == {
        "notes": ["a"],
        "lines": ["a#0", "a#1", "a#2"],
        "lengths": ["a#0", "a#1", "a#2"],
        "steps": ["a#0", "a#1"],
        "summaries": [HERE.key],
        "words": ["a/0", "a/1", "a/2"],
        "digits": ["a/3"],
    }


def test_the_second_row_of_a_pair_leads_down_to_it(filled: Lake):
    found = told(descendants(toys.lines, filled, HERE, keys(toys.lines, "a#1"), among=ALL))
    assert found["steps"] == ["a#0", "a#1"]
    assert found["lengths"] == ["a#1"]


def test_up_and_down_agree_on_every_row(filled: Lake):
    for table in (toys.lengths, toys.steps, toys.digits):
        for key in table.rows(filled, HERE).select(table.key).collect().to_series():
            above = ancestors(table, filled, HERE, keys(table, key))
            for kin in above[1:]:
                below = told(descendants(kin.parent, filled, HERE, kin.keys, among=ALL))
                assert key in below[table.name], (table.name, key, kin.parent.name)


def test_a_frame_of_a_trace_counts_what_it_does_not_list(filled: Lake):
    kin = ancestors(toys.summaries, filled, HERE, keys(toys.summaries, HERE.key))
    rows = as_frame(kin, HERE, limit=2)
    lines = rows.filter(pl.col("table") == "lines")
    assert lines["key"].to_list() == ["a#0", "a#1"]
    assert lines["rows"].to_list() == [4, 4]


def test_a_key_is_found_in_its_partition(filled: Lake):
    (found,) = find(toys.lines, filled, "c#0")
    assert found.partition == THERE
    assert find(toys.lines, filled, "c#0", HERE) == []
    assert find(toys.lines, filled, "c#7") == []


def test_a_shortened_key_finds_what_begins_so(lake: Lake):
    toys.write_notes(lake, HERE, {"0123456789abcdef": ("one\ntwo", "")})
    bring(toys.lines.producer, lake, HERE)
    (all_of_it,) = find(toys.lines, lake, "01234567")
    assert all_of_it.keys.height == 2
    (one,) = find(toys.lines, lake, "01234567#1")
    assert one.keys.to_series().to_list() == ["0123456789abcdef#1"]
    assert find(toys.lines, lake, "0123456") == []  # too short


def test_a_current_row_is_as_its_inputs_imply(filled: Lake):
    assert explain(toys.lengths, filled, HERE, "a#0").state == "current"


def test_a_changed_parent_makes_a_row_due_by_input(filled: Lake):
    toys.write_notes(filled, HERE, {"a": ("other", ""), "b": ("uno", "second")})
    said = explain(toys.lines, filled, HERE, "a#0")
    assert (said.state, said.reason) == ("due", "input")
    assert explain(toys.lines, filled, HERE, "b#0").state == "current"


def test_a_set_parameter_is_named_as_the_reason(filled: Lake):
    set_parameters(toys.lines.producer, filled, {"shout": True}, by="test")
    said = explain(toys.lines, filled, HERE, "a#0")
    assert (said.state, said.reason) == ("due", "params")
    assert said.message == "shout: False is now True"


def test_a_new_unit_is_due_because_it_was_never_computed(filled: Lake):
    toys.write_notes(filled, HERE, {"a": ("one", ""), "fresh": ("new", "")})
    said = explain(toys.lines, filled, HERE, "fresh#0")
    assert (said.state, said.reason) == ("due", "new")


def test_a_row_whose_parent_is_gone_is_an_orphan(filled: Lake):
    toys.write_notes(filled, HERE, {"b": ("uno", "second")})
    said = explain(toys.lines, filled, HERE, "a#0")
    assert said.state == "orphan"
    assert "notes has no row of it" in said.message


def test_a_skipped_unit_says_what_was_wrong_and_its_children_lead_to_it(filled: Lake):
    said = explain(toys.lines, filled, HERE, "bad#0")
    assert (said.state, said.reason, said.message) == ("skipped", "bad_text", "bad is bad")
    chain = list(explain(toys.lengths, filled, HERE, "bad#0").chain())
    assert [one.state for one in chain] == ["missing", "skipped"]


def test_the_last_row_of_a_pairing_says_that_nothing_follows_it(filled: Lake):
    said = explain(toys.steps, filled, HERE, "a#2")
    assert said.state == "filtered"
    assert "nothing follows" in said.message


def test_a_key_that_never_was_says_how_far_it_gets(filled: Lake):
    assert "gave other rows" in explain(toys.lines, filled, HERE, "a#99").message
    chain = list(explain(toys.lengths, filled, HERE, "nobody#0").chain())
    assert chain[-1].message == "notes has no row of it"


def test_explaining_computes_nothing(filled: Lake):
    before = dict(toys.CALLS)
    explain(toys.summaries, filled, HERE, HERE.key)
    assert dict(toys.CALLS) == before
    assert make_plan(toys.lines.producer, filled, HERE).is_empty
