"""A run that stopped is taken up again: between two tables, before the skips, half way through."""

from __future__ import annotations

import importlib

import pytest

from mlops_assets.lake import MEDIA
from mlops_assets.rows import How, Options, bring, make_plan
from mlops_assets_tests.rows import toys
from mlops_assets_tests.rows.crashes import crash_at, hooked

BRING = importlib.import_module("mlops_assets.rows.bring")
PARTITION = MEDIA.of("cam 1", "2026-11-20")


@pytest.fixture(autouse=True)
def notes():
    """The notes of the partition, to be changed by the test."""
    toys.CALLS.clear()
    toys.NOTES.clear()
    made = toys.NOTES[PARTITION.key] = {f"n{i}": (f"line {i}\nnext", "") for i in range(10)}
    yield made
    toys.NOTES.clear()


def rows_of(table, lake):
    return table.rows(lake, PARTITION).collect()


def skips_of(table, lake):
    found = lake.scan(table.skipped_name, PARTITION)
    return {} if found is None else dict(found.select("path", "reason").collect().iter_rows())


@pytest.mark.parametrize("how", [How(slice_units=20), How(slice_units=3, commit="partition")])
@pytest.mark.parametrize("commits", [1, 2, 3])
def test_a_crash_between_two_tables_of_one_function_doubles_no_row(
    lake, notes, commits, how, monkeypatch
):
    monkeypatch.setattr(toys.words.producer, "how", how)
    bring(toys.words.producer, lake, PARTITION)
    notes.update({path: (text + " 7", "") for path, (text, _) in notes.items()})
    with crash_at("after commit", commits):
        bring(toys.words.producer, lake, PARTITION)
    bring(toys.words.producer, lake, PARTITION)
    assert rows_of(toys.words, lake)["word_id"].is_unique().all()
    assert rows_of(toys.digits, lake)["digit_id"].is_unique().all()
    assert rows_of(toys.digits, lake).height == 20
    assert make_plan(toys.words.producer, lake, PARTITION).is_empty


def test_finished_slices_of_a_run_that_commits_at_once_are_not_computed_again(lake):
    with crash_at("marker", 3):
        bring(toys.words.producer, lake, PARTITION)
    assert lake.scan("words", PARTITION) is None
    before = dict(toys.CALLS)
    bring(toys.words.producer, lake, PARTITION)
    assert len(before) == 6  # three slices of two notes
    assert set(toys.CALLS.values()) == {1}
    assert rows_of(toys.words, lake)["path"].n_unique() == 10


def test_a_marker_whose_file_is_gone_is_computed_again(lake):
    with crash_at("marker", 5):
        bring(toys.words.producer, lake, PARTITION)
    staged = [e["path"] for e in lake.store.list("tables/words") if e["path"].endswith(".parquet")]
    lake.store.delete(staged[:1])
    bring(toys.words.producer, lake, PARTITION)
    assert rows_of(toys.words, lake)["path"].n_unique() == 10


def test_markers_are_swept_once_the_partition_is_committed(lake):
    bring(toys.words.producer, lake, PARTITION)
    assert list(lake.store.list("staging")) == []


def test_a_crash_between_data_and_skips_records_the_skip_next_time(lake, notes):
    notes["b"] = ("bad", "")
    with crash_at("after commit", 3):  # three groups of notes, then the skip
        bring(toys.lines.producer, lake, PARTITION)
    assert skips_of(toys.lines, lake) == {}
    bring(toys.lines.producer, lake, PARTITION)
    assert skips_of(toys.lines, lake) == {"b": "bad_text"}


def test_a_crash_before_the_skip_is_taken_back_leaves_no_skip_of_a_good_unit(lake, notes):
    notes.clear()
    notes["b"] = ("bad", "")
    bring(toys.lines.producer, lake, PARTITION)
    notes["b"] = ("good", "")
    with crash_at("after commit", 1):
        bring(toys.lines.producer, lake, PARTITION)
    assert rows_of(toys.lines, lake).height == 1
    assert skips_of(toys.lines, lake) == {"b": "bad_text"}
    assert str(make_plan(toys.lines.producer, lake, PARTITION)) == "skipped units to clear"
    outcome = bring(toys.lines.producer, lake, PARTITION)
    assert not outcome.computed
    assert skips_of(toys.lines, lake) == {}


def test_a_renamed_file_is_never_missing_where_the_partition_is_committed_at_once(lake, notes):
    bring(toys.words.producer, lake, PARTITION)
    notes["renamed"] = notes.pop("n3")
    seen = []

    def look() -> None:
        seen.append(rows_of(toys.words, lake)["path"].n_unique())

    with hooked(BRING, "commit_partition", look, after=True):
        bring(toys.words.producer, lake, PARTITION)
    assert set(seen) == {10}


def test_readers_of_a_table_committed_at_once_see_all_of_a_change_or_nothing(lake, notes):
    bring(toys.words.producer, lake, PARTITION)
    notes.update(dict.fromkeys(notes, ("fresh", "")))
    seen = []

    def look() -> None:
        seen.append(set(rows_of(toys.words, lake)["word"]))

    with hooked(BRING, "write_marker", look, after=True), hooked(BRING, "commit_partition", look):
        bring(toys.words.producer, lake, PARTITION, Options(budget_units=3))
    assert len(seen) > 5
    assert {len(words) for words in seen} == {1, 2}
    assert set(rows_of(toys.words, lake)["word"]) == {"fresh"}


def test_a_unit_that_fails_half_way_after_a_file_was_closed_leaves_no_row(lake, notes, monkeypatch):
    monkeypatch.setattr("mlops_assets.rows.slices.FILE_BYTES", 300)
    notes["half"] = ("\n".join([*"abcdefgh" * 3, "fail half way"]), "")
    notes["long"] = ("\n".join("abcdefgh" * 3), "")
    bring(toys.lines.producer, lake, PARTITION)
    stored = rows_of(toys.lines, lake)
    assert "half" not in set(stored["path"])
    assert stored.filter(stored["path"] == "long").height == 24
    assert stored.height == 10 * 2 + 24
    assert skips_of(toys.lines, lake) == {"half": "half"}
    snapshot = lake.snapshot("lines")
    assert snapshot is not None
    assert snapshot.files["num_records"].max() <= 5
    assert snapshot.files["num_records"].sum() == stored.height


def test_a_budget_leaves_the_rest_due(lake):
    first = bring(toys.lines.producer, lake, PARTITION, Options(budget_units=3))
    assert (first.left, rows_of(toys.lines, lake)["path"].n_unique()) == (7, 3)
    second = bring(toys.lines.producer, lake, PARTITION)
    assert (second.left, second.computed["new"]) == (0, 7)
    assert set(toys.CALLS.values()) == {1}


def test_progress_is_told_after_each_slice(lake):
    told = []
    options = Options(progress=lambda done, due, seconds: told.append((done, due, seconds >= 0)))
    bring(toys.lines.producer, lake, PARTITION, options)
    assert told == [(4, 10, True), (8, 10, True), (10, 10, True)]
