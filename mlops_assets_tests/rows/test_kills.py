"""`kill -9` at any instant: nothing lost, nothing twice, little done again, however committed."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from mlops_assets.lake import MEDIA, Lake
from mlops_assets.rows import Options, Table, bring, make_plan
from mlops_assets.rows.executors import ProcessExecutor, SerialExecutor
from mlops_assets_tests.rows import toys

PARTITION = MEDIA.of("cam 1", "2026-11-20")
UNITS = 40
SLICE = 4
_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(["mlops_assets_tests.rows.toys"])


def run(root: str, name: str, ledger: str, workers: int) -> None:
    """What the process does that will be killed."""
    os.environ["TOYS_LEDGER"] = ledger
    executor = ProcessExecutor(workers, 60, 2 << 30) if workers else SerialExecutor()
    bring(getattr(toys, name).producer, Lake.at(root), PARTITION, Options(executor=executor))


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where every call of the function leaves a line."""
    file = tmp_path / "calls.txt"
    file.touch()
    return file


def kill_often(
    lake: Lake, table: Table, ledger: Path, kills: int, workers: int = 0
) -> Iterator[int]:
    """Change every note, then run and kill until a run gets through; again, until killed enough.

    At the end: at most one slice per worker was done again after each kill.

    Yields the number of the round after each kill and at each end of a round.
    """
    chance = random.Random(7)
    killed = round_number = 0
    while killed < kills:
        round_number += 1
        texts = {f"n{i}": (f"round {round_number}", "") for i in range(UNITS)}
        toys.write_notes(lake, PARTITION, texts)
        for patience_s in count(0, 0.03):  # on a busy machine some run must get through
            told = (lake.store.root, table.name, str(ledger), workers)
            process = _SPAWN.Process(target=run, args=told)
            process.start()
            process.join(patience_s + chance.uniform(0.03, 0.35) * (8 if workers else 1))
            if process.is_alive():
                process.kill()
                process.join()
                killed += 1
                yield round_number
            else:
                assert process.exitcode == 0
                break
        assert_round(lake, table, {round_number})
        assert make_plan(table.producer, lake, PARTITION).is_empty
        yield round_number
    calls = len(ledger.read_text().splitlines())
    assert calls >= round_number * UNITS
    assert calls <= round_number * UNITS + killed * SLICE * max(workers, 1)


def assert_round(lake: Lake, table: Table, rounds: set[int]) -> None:
    """Each note once, every one as of one of these rounds."""
    stored = table.rows(lake, PARTITION).collect()
    if 0 in rounds and stored.is_empty():
        return
    assert sorted(stored["path"]) == sorted(f"n{i}" for i in range(UNITS))
    assert set(stored["text"]) <= {f"round {number}" for number in rounds}


def _kill_runs_that_commit_slice_by_slice(lake: Lake, ledger: Path, kills: int) -> None:
    for number in kill_often(lake, toys.drops, ledger, kills):
        stored = toys.drops.rows(lake, PARTITION).collect()
        assert stored["path"].is_unique().all()
        if number > 1:
            assert_round(lake, toys.drops, {number - 1, number})


def _kill_runs_that_commit_at_once(lake: Lake, ledger: Path, kills: int, workers=0) -> None:
    for number in kill_often(lake, toys.pools, ledger, kills, workers):
        assert_round(lake, toys.pools, {number - 1, number})
        assert toys.pools.rows(lake, PARTITION).collect()["text"].n_unique() <= 1


def test_ten_kills_of_runs_that_commit_by_slice_lose_and_double_nothing(lake, ledger):
    _kill_runs_that_commit_slice_by_slice(lake, ledger, kills=10)


def test_ten_kills_of_runs_that_commit_at_once_never_show_half_a_partition(lake, ledger):
    _kill_runs_that_commit_at_once(lake, ledger, kills=10)


@pytest.mark.slow
def test_a_hundred_kills_of_runs_that_commit_by_slice_lose_and_double_nothing(lake, ledger):
    _kill_runs_that_commit_slice_by_slice(lake, ledger, kills=100)


@pytest.mark.slow
def test_a_hundred_kills_of_runs_that_commit_at_once_never_show_half_a_partition(lake, ledger):
    _kill_runs_that_commit_at_once(lake, ledger, kills=100)


@pytest.mark.slow
def test_kills_of_runs_with_worker_processes_never_show_half_a_partition(lake, ledger):
    _kill_runs_that_commit_at_once(lake, ledger, kills=20, workers=2)
