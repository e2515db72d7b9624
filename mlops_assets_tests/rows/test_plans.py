"""Plans: what is due and why, what is not, and what it may cost."""

from __future__ import annotations

import pytest

from mlops_assets.errors import InternalError, OrphanGuardError
from mlops_assets.lake import MEDIA
from mlops_assets.rows import Options, Row, bring, expand, group, make_plan, table
from mlops_assets.rows.parameters import set_parameters
from mlops_assets_tests.rows import toys

PARTITION = MEDIA.of("cam 1", "2026-11-20")
LINES, LENGTHS, STEPS = (t.producer for t in (toys.lines, toys.lengths, toys.steps))
SUMMARIES, WORDS = toys.summaries.producer, toys.words.producer


@pytest.fixture(autouse=True)
def notes():
    """The notes of the partition, to be changed by the test."""
    toys.NOTES.clear()
    made = toys.NOTES[PARTITION.key] = {f"n{i}": (f"line {i}\nnext\nlast", "") for i in range(4)}
    yield made
    toys.NOTES.clear()


@pytest.fixture
def code(monkeypatch):
    """Change the version of a producer for the length of a test."""

    def change(producer, version: str, accepts: tuple[str, ...] = ()) -> None:
        monkeypatch.setattr(producer, "version", version)
        monkeypatch.setattr(producer, "accepts", accepts)

    return change


def counts(lake, producer):
    return make_plan(producer, lake, PARTITION).counts


def run(lake, producer):
    return bring(producer, lake, PARTITION)


def run_all(lake):
    return [run(lake, one.producer).computed for one in toys.ALL]


def fps(lake, table):
    return dict(table.rows(lake, PARTITION).select(table.key[0], "_fp").collect().iter_rows())


def test_nothing_stored_is_new_and_then_nothing_is_due(lake):
    assert counts(lake, LINES) == {"new": 4}
    assert run(lake, LINES).rows == {"lines": 12}
    again = run(lake, LINES)
    assert str(again.plan) == "nothing due"
    assert not again.changed


def test_each_reason_is_told(lake, notes, code):
    run(lake, LINES)
    notes["n1"] = ("changed", "")
    notes["n9"] = ("landed", "")
    del notes["n2"]
    assert counts(lake, LINES) == {"new": 1, "input": 1, "orphans": 1}
    run(lake, LINES)
    set_parameters(LINES, lake, {"shout": True}, by="test")
    assert counts(lake, LINES) == {"params": 4}
    code(LINES, "2")
    assert counts(lake, LINES) == {"version": 4}


def test_a_changed_caption_makes_no_reader_of_words_due(lake, notes):
    run_all(lake)
    notes["n1"] = (notes["n1"][0], "a caption")
    assert counts(lake, LINES) == {"input": 1}
    assert counts(lake, WORDS) == {}


def test_recomputed_equal_content_leaves_everything_downstream_undone(lake, notes):
    run_all(lake)
    before = fps(lake, toys.lines)
    notes["n1"] = (notes["n1"][0], "a caption")
    assert run(lake, LINES).computed == {"input": 1}
    assert fps(lake, toys.lines) == before
    assert [counts(lake, one) for one in (LENGTHS, STEPS, SUMMARIES)] == [{}, {}, {}]


def test_a_changed_line_makes_one_length_due_and_the_two_steps_beside_it(lake, notes):
    run_all(lake)
    notes["n1"] = ("line 1\nchanged\nlast", "")
    run(lake, LINES)
    assert counts(lake, LENGTHS) == {"input": 1}
    assert counts(lake, STEPS) == {"input": 2}
    assert counts(lake, SUMMARIES) == {"input": 1}


def test_an_expansion_that_shrinks_loses_its_rows_downstream_too(lake, notes):
    run_all(lake)
    notes["n1"] = ("line 1", "")
    run(lake, LINES)
    assert toys.lines.rows(lake, PARTITION).collect().height == 10
    assert counts(lake, LENGTHS) == {"orphans": 2}
    assert run(lake, LENGTHS).removed == {"lengths": 2}
    assert run(lake, STEPS).removed == {"steps": 2}


def test_a_new_version_may_declare_older_rows_current(lake, code):
    run(lake, LINES)
    code(LINES, "2", accepts=("1",))
    assert counts(lake, LINES) == {}
    code(LINES, "3", accepts=("2",))
    assert counts(lake, LINES) == {"version": 4}


def test_history_is_computed_once_and_never_again(lake, notes, code):
    run(lake, LINES)
    code(LINES, "2", accepts=("*",))
    notes["n1"] = ("changed", "")
    notes["n9"] = ("landed", "")
    set_parameters(LINES, lake, {"shout": True}, by="test")
    assert counts(lake, LINES) == {"new": 1}


@pytest.mark.parametrize("reason", ["input", "version"])
def test_a_skipped_unit_is_retried_when_its_input_or_the_code_changes(lake, notes, code, reason):
    notes["b"] = ("bad", "")
    run(lake, LINES)
    assert counts(lake, LINES) == {}
    if reason == "input":
        notes["b"] = ("bad again", "")
    else:
        code(LINES, "2")
    assert counts(lake, LINES)[reason] >= 1


def test_the_skip_of_a_parent_that_is_gone_is_cleared(lake, notes):
    notes["b"] = ("bad", "")
    run(lake, LINES)
    del notes["b"]
    assert str(make_plan(LINES, lake, PARTITION)) == "skipped units to clear"
    run(lake, LINES)
    assert lake.scan(toys.lines.skipped_name, PARTITION).collect().is_empty()
    assert make_plan(LINES, lake, PARTITION).is_empty


def test_an_unmounted_bucket_does_not_empty_the_table(lake, notes):
    notes.update({f"m{i}": ("one", "") for i in range(20)})
    run(lake, LINES)
    before = toys.lines.rows(lake, PARTITION).collect()
    kept = dict(list(notes.items())[:5])
    notes.clear()
    notes.update({**kept, "new": ("new", "")})
    with pytest.raises(OrphanGuardError, match=r"lines: 19 of 24 units.*at most 50%"):
        run(lake, LINES)
    assert toys.lines.rows(lake, PARTITION).collect().equals(before)
    outcome = bring(LINES, lake, PARTITION, Options(remove_orphans=True))
    assert outcome.removed == {"lines": 19}
    assert set(toys.lines.rows(lake, PARTITION).collect()["path"]) == {*kept, "new"}


def test_few_rows_are_not_guarded(lake, notes):
    run(lake, LINES)
    notes.clear()
    assert run(lake, LINES).removed == {"lines": 4}
    assert toys.lines.rows(lake, PARTITION).collect().is_empty()


def test_a_plan_says_what_it_may_cost_once_it_ran_before(lake, notes):
    assert str(make_plan(LINES, lake, PARTITION)) == "4 new"
    run(lake, LINES)
    notes["n1"] = ("changed", "")
    notes["n9"] = ("landed", "")
    plan = make_plan(LINES, lake, PARTITION)
    assert (plan.estimate.seconds or 0) > 0
    assert (plan.estimate.size_bytes or 0) > 100
    assert str(plan).startswith("1 new, 1 input: about ")
    assert str(plan).endswith(" MB")


def test_one_partition_never_touches_another(lake, notes):
    other = MEDIA.of("cam-2", "2026-11-20")
    toys.NOTES[other.key] = {"n0": ("elsewhere", "")}
    run(lake, LINES)
    bring(LINES, lake, other)
    before = toys.lines.rows(lake, other).collect()
    notes.clear()
    run(lake, LINES)
    assert toys.lines.rows(lake, other).collect().equals(before)
    assert make_plan(LINES, lake, other).is_empty


class Champion(Row, key="path"):
    path: str
    model: str


def champion_of(lake, partition, values):
    return lake.store.get("champion").decode() if lake.store.size("champion") else None


@table(expand(toys.notes), version="1", pins={"model": champion_of})
def championed(note: toys.Note, *, model: str = "") -> Champion:
    """What depends on something chosen elsewhere."""
    return Champion(note.path, model)


def test_a_table_waits_for_its_pin_and_follows_it(lake, notes):
    producer = championed.producer
    assert str(make_plan(producer, lake, PARTITION)) == "waits for model"
    assert not run(lake, producer).changed
    lake.store.put("champion", b"first")
    assert run(lake, producer).computed == {"new": 4}
    lake.store.put("champion", b"second")
    assert counts(lake, producer) == {"params": 4}
    lake.store.delete(["champion"])
    assert run(lake, producer).computed == {}
    assert set(championed.rows(lake, PARTITION).collect()["model"]) == {"first"}


class Total(Row, key=("index",)):
    index: int
    total: int


@table(group(toys.lines, by="index"), version="1")
def totals(part) -> Total:
    """Characters per line number."""
    return Total(part.key["index"], part["lines"]["text"].str.len_chars().sum())


def test_a_group_is_due_when_one_of_its_rows_changes_comes_or_goes(lake, notes):
    run(lake, LINES)
    assert run(lake, totals.producer).computed == {"new": 3}
    notes["n1"] = ("line 1\nchanged", "")
    run(lake, LINES)
    assert counts(lake, totals.producer) == {"input": 2}
    run(lake, totals.producer)
    assert sorted(totals.rows(lake, PARTITION).select("index", "total").collect().iter_rows()) == [
        (0, 24),
        (1, 19),
        (2, 12),
    ]


@table(expand(toys.notes, by="caption"), version="1")
def captioned(note: toys.Note) -> toys.Note:
    """A lineage whose units are not unique."""
    return note


def test_units_that_are_not_unique_are_our_bug(lake):
    with pytest.raises(InternalError, match=r"units of notes are not unique by \('caption',\)"):
        make_plan(captioned.producer, lake, PARTITION)
