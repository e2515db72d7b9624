"""One suite for every executor: equal rows, and only the unit at fault is skipped."""

from __future__ import annotations

import multiprocessing
import os
import select
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from mlops_assets.errors import InputError, InternalError
from mlops_assets.lake import MEDIA, Lake
from mlops_assets.rows import How, Options, Reading, Row, Rows, bring, each, table
from mlops_assets.rows.executors import Executor, ProcessExecutor, SerialExecutor, executor_for
from mlops_assets_tests.rows import toys

PARTITION = MEDIA.of("cam 1", "2026-11-20")
_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(["mlops_assets_tests.rows.toys"])


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor(2, unit_timeout_s=1.0, memory_bytes=2 << 30)
    yield executor
    executor.pool.stop()
    executor.pool.join()


@pytest.fixture(params=["serial", "processes"])
def executor(request: pytest.FixtureRequest, processes: ProcessExecutor) -> Executor:
    return SerialExecutor() if request.param == "serial" else processes


@pytest.fixture(autouse=True)
def no_notes_in_this_process():
    toys.NOTES.clear()


def land(lake: Lake, texts: dict[str, str]) -> None:
    toys.write_notes(lake, PARTITION, {path: (text, "") for path, text in texts.items()})


def skips(lake: Lake, table=toys.lines) -> dict[str, str]:
    found = lake.scan(table.skipped_name, PARTITION)
    by = table.producer.lineage.by[0]
    return {} if found is None else dict(found.select(by, "reason").collect().iter_rows())


def test_every_executor_gives_the_same_rows(tmp_path: Path, processes: ProcessExecutor):
    made = []
    for number, executor in enumerate([SerialExecutor(), processes]):
        lake = Lake.at(str(tmp_path / str(number)))
        land(lake, {f"n{i}": f"one {i}\ntwo\npoison" if i % 5 else "bad" for i in range(14)})
        for first in toys.ALL:
            bring(first.producer, lake, PARTITION, Options(executor=executor))
        tables = [one for first in toys.ALL for one in first.producer.tables]
        rows = {one.name: sorted(one.rows(lake, PARTITION).collect().iter_rows()) for one in tables}
        made.append((rows, skips(lake), skips(lake, toys.lengths)))
    assert made[0] == made[1]
    assert len(made[0][0]["lines"]) == 33


def test_a_bad_unit_costs_its_neighbours_nothing(lake, executor):
    land(lake, {"a": "one", "b": "bad", "c": "two\nfail half way", "d": "three", "e": ""})
    outcome = bring(toys.lines.producer, lake, PARTITION, Options(executor=executor))
    assert sorted(toys.lines.rows(lake, PARTITION).collect()["path"]) == ["a", "d"]
    assert skips(lake) == {"b": "bad_text", "c": "half", "e": "empty"}
    assert outcome.skipped == {"bad_text": 1, "half": 1, "empty": 1}
    assert outcome.computed == {"new": 5}


def test_a_bad_row_of_a_batch_is_found_and_skipped_alone(lake, executor):
    land(lake, {"a": "one\npoison\ntwo\nthree"})
    bring(toys.lines.producer, lake, PARTITION)
    bring(toys.lengths.producer, lake, PARTITION, Options(executor=executor))
    assert toys.lengths.rows(lake, PARTITION).collect().height == 3
    assert skips(lake, toys.lengths) == {"a#1": "poison"}


class Weight(Row, key="path"):
    path: str
    batch: int


SIZES: list[int] = []


@table(each(Reading(toys.notes, "words")), version="1", how=How(batch_size=16))
def weights(batch: pl.DataFrame) -> Rows[Weight]:
    """Notes, at most five at a time, and no bad one."""
    SIZES.append(batch.height)
    if batch.height > 5:
        raise MemoryError("too many")
    if batch["text"].str.starts_with("bad").any():
        raise InputError("bad", reason="bad_text")
    return batch.select("path", batch=pl.lit(batch.height))


def test_a_batch_that_fails_is_tried_again_in_halves(lake, monkeypatch):
    """One bad unit of sixteen, and room for five: its neighbours stay together."""
    SIZES.clear()
    notes = {f"n{place:02}": ("bad" if place == 6 else "good", "") for place in range(16)}
    monkeypatch.setattr(toys, "NOTES", {PARTITION.key: notes})
    bring(weights.producer, lake, PARTITION, Options(executor=SerialExecutor()))
    found = dict(weights.rows(lake, PARTITION).select("path", "batch").collect().iter_rows())
    assert skips(lake, weights) == {"n06": "bad_text"}
    assert sorted(found.values()) == [1, *[2] * 2, *[4] * 12]
    assert SIZES == [16, 8, 4, 4, 2, 2, 1, 1, 8, 4, 4]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("die", "decoder_crashed"), ("hang", "timed_out"), ("eat", "out_of_memory")],
)
def test_a_unit_that_ruins_its_worker_is_skipped_alone(lake, processes, text, reason):
    land(lake, {"a": "one", "b": "two", "c": text, "d": "three", "e": "four", "f": "five"})
    outcome = bring(toys.lines.producer, lake, PARTITION, Options(executor=processes))
    assert sorted(toys.lines.rows(lake, PARTITION).collect()["path"]) == ["a", "b", "d", "e", "f"]
    assert skips(lake) == {"c": reason}
    assert outcome.skipped == {reason: 1}


def test_a_skipped_unit_is_tried_again_when_its_input_changes_and_not_before(lake, processes):
    land(lake, {"a": "one", "b": "die"})
    options = Options(executor=processes)
    bring(toys.lines.producer, lake, PARTITION, options)
    assert not bring(toys.lines.producer, lake, PARTITION, options).changed
    land(lake, {"a": "one", "b": "lives"})
    assert bring(toys.lines.producer, lake, PARTITION, options).computed == {"input": 1}
    assert skips(lake) == {}


def test_a_bug_stops_the_run_and_keeps_what_was_committed(lake, executor, monkeypatch):
    land(lake, {"a": "one"})
    bring(toys.lines.producer, lake, PARTITION, Options(executor=executor))
    land(lake, {"a": "one", "b": "two"})
    monkeypatch.setattr(toys.lines.producer.function, "__module__", "mlops_assets_tests.rows.model")
    with pytest.raises(InternalError, match="has no table lines"):
        bring(toys.lines.producer, lake, PARTITION, Options(executor=executor))
    assert toys.lines.rows(lake, PARTITION).collect().height == 1


def test_a_table_names_its_executor():
    assert isinstance(executor_for("serial"), SerialExecutor)


def hang_in_a_worker(root: str, ledger: str) -> None:
    """A run whose worker hangs, to be killed."""
    os.environ["TOYS_LEDGER"] = ledger
    executor = ProcessExecutor(1, unit_timeout_s=600, memory_bytes=2 << 30)
    bring(toys.lines.producer, Lake.at(root), PARTITION, Options(executor=executor))


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process with a pidfd")
def test_a_killed_run_leaves_no_hanging_worker_behind(lake, tmp_path):
    land(lake, {"a": "hang"})
    ledger = tmp_path / "calls.txt"
    os.mkfifo(ledger)
    process = _SPAWN.Process(target=hang_in_a_worker, args=(lake.store.root, str(ledger)))
    process.start()
    with ledger.open() as calls:  # waits for the worker
        worker = os.pidfd_open(int(calls.readline()))
    process.kill()
    gone, _, _ = select.select([worker], [], [], 20)
    os.close(worker)
    assert gone
