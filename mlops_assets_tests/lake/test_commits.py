"""Commits: exact against any other writer, with statistics, and numbered for ever."""

from __future__ import annotations

import math

import polars as pl
import pytest
from deltalake.exceptions import CommitFailedError

from mlops_assets.errors import ConfigurationError, PartitionMoved, TransientError
from mlops_assets.lake import Lake, commits, still_lake
from mlops_assets.lake.commits import base_of, column_statistics, commit_partition, stage
from mlops_assets.lake.lake import _HANDLES
from mlops_assets.lake.maintenance import compact_partition
from mlops_assets_tests.lake.rows import OTHER, PARTITION, SCHEMA, add, frame, numbers, replace


def plan(lake, *files):
    """A change of the partition, planned now: its base and its staged files."""
    staged = [stage(lake, "things", PARTITION, frame(numbers)) for numbers in files]
    return base_of(lake.snapshot("things"), PARTITION), staged


def commit(lake, base, staged, remove=()):
    change = {"add": staged, "remove": list(remove), "schema": SCHEMA}
    return commit_partition(lake, "things", PARTITION, base=base, **change)


def compact(lake):
    compact_partition(lake, "things", PARTITION, at_least=2)


def run_too(lake):
    snapshot = lake.snapshot("things")
    replace(lake, PARTITION, snapshot.of(PARTITION)["path"].to_list(), [1, 2, 7])


@pytest.mark.parametrize("intruder", [compact, run_too])
def test_a_commit_planned_before_another_one_is_refused(lake, intruder):
    add(lake, PARTITION, [1], [2])
    base, staged = plan(lake, [1, 2, 3])
    intruder(lake)
    before = numbers(lake, PARTITION)
    with pytest.raises(PartitionMoved):
        commit(lake, base, staged, base.paths)
    assert numbers(lake, PARTITION) == before


@pytest.mark.parametrize("intruder", [compact, run_too])
def test_a_writer_between_the_last_look_and_the_write_is_seen(lake, intruder, monkeypatch):
    add(lake, PARTITION, [1], [2])
    base, staged = plan(lake, [1, 2, 3])
    write = commits._write

    def intrude_and_write(snapshot, *change):
        monkeypatch.setattr(commits, "_write", write)
        handle = snapshot.handle
        _HANDLES.open.clear()  # the intruder is another process: it has its own handle
        intruder(lake)
        assert handle is snapshot.handle
        write(snapshot, *change)

    monkeypatch.setattr(commits, "_write", intrude_and_write)
    with pytest.raises(PartitionMoved):
        commit(lake, base, staged, base.paths)
    assert set(numbers(lake, PARTITION)) == {1, 2} | ({7} if intruder is run_too else set())
    assert len(numbers(lake, PARTITION)) == len(set(numbers(lake, PARTITION)))


def test_two_pure_appends_to_one_partition_do_not_both_succeed(lake):
    first, second = plan(lake, [1]), plan(lake, [1])
    commit(lake, *first)
    with pytest.raises(PartitionMoved):
        commit(lake, *second)
    assert numbers(lake, PARTITION) == [1]


def test_a_file_that_is_gone_at_an_unmoved_number_is_refused(lake):
    add(lake, PARTITION, [1])
    base, staged = plan(lake, [2])
    with pytest.raises(PartitionMoved, match="1 files are gone"):
        commit(lake, base, staged, ["source=cam/day=x/never.parquet"])


def test_a_commit_to_another_partition_only_repeats_the_commit(lake, monkeypatch):
    add(lake, PARTITION, [1])
    base, staged = plan(lake, [2])
    write, waiting = commits._write, [OTHER] * 3

    def elsewhere_first(snapshot, *change):
        if waiting:
            _HANDLES.open.clear()
            monkeypatch.setattr(commits, "_write", write)
            add(lake, waiting.pop(), [len(waiting) + 10])
            monkeypatch.setattr(commits, "_write", elsewhere_first)
        write(snapshot, *change)

    monkeypatch.setattr(commits, "_write", elsewhere_first)
    commit(lake, base, staged)
    assert (numbers(lake, PARTITION), numbers(lake, OTHER)) == ([1, 2], [10, 11, 12])


def test_a_commit_that_never_gets_through_says_so(lake, monkeypatch):
    def refuse(*_):
        raise CommitFailedError("busy")

    monkeypatch.setattr(commits, "_write", refuse)
    monkeypatch.setattr(commits, "MAX_ATTEMPTS", 3)
    with pytest.raises(TransientError, match="no commit in 3 attempts"):
        add(lake, PARTITION, [1])


def test_the_number_of_a_partition_survives_checkpoints_of_the_log(lake):
    for number in range(5):
        add(lake, PARTITION, [number])
    lake.snapshot("things").handle.create_checkpoint()
    log = [entry["path"] for entry in lake.store.list("tables/things/_delta_log")]
    lake.store.delete([path for path in log if path.endswith(("0.json", "1.json"))])
    _HANDLES.open.clear()
    snapshot = lake.snapshot("things")
    assert (snapshot.number(PARTITION), snapshot.number(OTHER)) == (5, 0)
    assert numbers(lake, PARTITION) == [0, 1, 2, 3, 4]
    add(lake, PARTITION, [5])
    assert lake.snapshot("things").number(PARTITION) == 6


@pytest.mark.slow
def test_a_long_history_of_one_partition_stays_exact(lake):
    for number in range(150):
        add(lake, PARTITION, [number])
    log = [entry["path"] for entry in lake.store.list("tables/things/_delta_log")]
    assert any("checkpoint" in path for path in log)
    assert lake.snapshot("things").number(PARTITION) == 150
    assert numbers(lake, PARTITION) == list(range(150))


def test_commits_say_what_they_were(lake):
    staged = stage(lake, "things", PARTITION, frame([1]))
    base = base_of(None, PARTITION)
    told = {"mlops.run": "a run", "mlops.seconds": 1.5}
    change = {"base": base, "add": [staged], "schema": SCHEMA, "metadata": told}
    after = commit_partition(lake, "things", PARTITION, **change)
    assert (after.number, after.paths) == (1, {staged.path})
    latest = lake.snapshot("things").history(1)[0]
    assert latest["mlops.partition"] == PARTITION.key
    assert (latest["mlops.run"], latest["mlops.seconds"]) == ("a run", 1.5)


def test_statistics_hold_least_greatest_and_nulls():
    rows = frame([3, 1, 2]).with_columns(share=None)
    told = column_statistics(rows.cast({"share": SCHEMA["share"]}))
    assert told == {
        "numRecords": 3,
        "minValues": {"key": "k1", "number": 1},
        "maxValues": {"key": "k3", "number": 3},
        "nullCount": {"key": 0, "number": 0, "share": 3},
    }


def test_statistics_that_could_mislead_are_left_out():
    rows = frame([1, 2]).with_columns(key=pl.lit("x" * 100), share=pl.Series([0.5, math.nan]))
    told = column_statistics(rows)
    assert told["minValues"] == {"number": 1}
    assert told["maxValues"] == {"number": 2}


def test_readers_prune_files_by_statistics(lake):
    add(lake, PARTITION, [1, 2], [8, 9])
    files = lake.snapshot("things").files.sort("min.number")
    assert files["min.number"].to_list() == [1, 8]
    assert files["max.number"].to_list() == [2, 9]
    assert files["num_records"].to_list() == [2, 2]


def test_pinned_versions_stay_readable_while_the_table_moves_on(lake):
    add(lake, PARTITION, [1])
    version = lake.snapshot("things").version
    add(lake, PARTITION, [2])
    assert numbers(lake, PARTITION, version) == [1]
    assert numbers(lake, PARTITION) == [1, 2]
    with pytest.raises(ConfigurationError, match="no version 99"):
        lake.scan("things", PARTITION, 99)


def test_a_still_lake_looks_at_a_table_once_also_from_blocks_inside_it(lake, monkeypatch):
    add(lake, PARTITION, [1])
    looked = []
    look = Lake._handle
    monkeypatch.setattr(Lake, "_handle", lambda s, table: looked.append(table) or look(s, table))
    with still_lake():
        with still_lake():
            first = lake.snapshot("things")
        assert lake.snapshot("things") is first
        assert lake.snapshot("none") is lake.snapshot("none") is None
    assert looked == ["things", "none"]
