"""Ledgers: everybody may append at any time; the latest statement per key holds."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake, Ledger

SCHEMA = pl.Schema(
    {"key": pl.String(), "value": pl.Int64(), "recorded_at": pl.Datetime("us", "UTC")}
)
SAID = Ledger("said", SCHEMA, ("key",))
START = datetime(2026, 11, 20, tzinfo=UTC)


def say(lake: Lake, *statements: tuple[str, int], at: int = 0) -> None:
    rows = [(key, value, START + timedelta(seconds=at)) for key, value in statements]
    SAID.append(lake, pl.DataFrame(rows, schema=SCHEMA, orient="row"))


def test_nothing_stated_is_empty(lake):
    assert SAID.latest(lake).schema == SCHEMA
    assert SAID.statements(lake).is_empty()
    assert SAID.version(lake) == -1
    SAID.append(lake, pl.DataFrame(schema=SCHEMA))
    assert SAID.version(lake) == -1


def test_the_latest_statement_per_key_holds_whenever_it_was_written(lake):
    say(lake, ("a", 3), at=30)
    say(lake, ("a", 1), ("b", 1), at=10)
    say(lake, ("b", 2), at=20)
    assert dict(SAID.latest(lake).select("key", "value").iter_rows()) == {"a": 3, "b": 2}
    assert SAID.statements(lake)["value"].to_list() == [1, 1, 2, 3]


def test_a_version_grows_with_every_append(lake):
    versions = []
    for value in range(3):
        say(lake, ("a", value))
        versions.append(SAID.version(lake))
    assert versions == sorted(set(versions))


def test_other_columns_or_types_are_refused(lake):
    for rows in ({"key": ["a"]}, {"key": ["a"], "value": [1.5], "recorded_at": [START]}):
        with pytest.raises(ConfigurationError, match="said takes"):
            SAID.append(lake, pl.DataFrame(rows))
    assert SAID.version(lake) == -1


def test_compaction_joins_files_and_keeps_statements(lake, monkeypatch):
    monkeypatch.setattr("mlops_assets.lake.ledgers._COMPACT_AT", 5)
    for value in range(6):
        assert not SAID.compact(lake)
        say(lake, ("a", value), at=value)
        if value < 4:
            continue
        break
    assert SAID.compact(lake)
    assert lake.snapshot("said").files.height == 1
    assert SAID.statements(lake)["value"].to_list() == [0, 1, 2, 3, 4]


def append_often(root: str, name: str) -> None:
    for value in range(4):
        say(Lake.at(root), (name, value), at=value)


def test_eight_processes_append_at_once_and_nothing_is_lost(lake):
    spawn = multiprocessing.get_context("forkserver")
    spawn.set_forkserver_preload(["mlops_assets_tests.rows.toys"])
    processes = [
        spawn.Process(target=append_often, args=(lake.store.root, f"p{i}")) for i in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert SAID.statements(lake).height == 32
    assert dict(SAID.latest(lake).select("key", "value").iter_rows()) == {
        f"p{i}": 3 for i in range(8)
    }
