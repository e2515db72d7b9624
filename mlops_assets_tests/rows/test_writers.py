"""Several writers of one table: whoever comes between a plan and its commit, the rows are exact."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlops_assets.errors import PartitionMoved
from mlops_assets.lake import MEDIA, Lake, Partition
from mlops_assets.lake.commits import base_of, commit_partition
from mlops_assets.lake.maintenance import compact_partition
from mlops_assets.rows import bring, make_plan
from mlops_assets_tests.rows import toys
from mlops_assets_tests.rows.crashes import hooked

BRING = importlib.import_module("mlops_assets.rows.bring")
PARTITION = MEDIA.of("cam 1", "2026-11-20")
OTHER = MEDIA.of("cam-2", "2026-11-20")
_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(["mlops_assets_tests.rows.toys"])


def run(lake: Lake, name: str, partition: Partition, tries: int = 50) -> None:
    """A run, tried again as whoever requests runs would."""
    for _ in range(tries):
        try:
            bring(getattr(toys, name).producer, lake, partition)
        except PartitionMoved:
            continue
        return
    raise SystemExit("moved each time")


def at_once(lake: Lake, work: list[tuple[str, Partition]], tries: int = 50) -> None:
    processes = [_SPAWN.Process(target=run, args=(lake, *one, tries)) for one in work]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def land(lake: Lake, partition: Partition, count: int, text: str = "a line\nand one") -> None:
    toys.write_notes(lake, partition, {f"n{i}": (text, "") for i in range(count)})


def paths(lake: Lake, table, partition: Partition) -> list[str]:
    return sorted(table.rows(lake, partition).collect()["path"])


@pytest.fixture(autouse=True)
def no_notes_in_this_process():
    toys.NOTES.clear()
    toys.CALLS.clear()


@pytest.mark.parametrize("name", ["drops", "pools"])
def test_eight_processes_on_one_partition_leave_each_row_once(lake, name):
    land(lake, PARTITION, 16)
    at_once(lake, [(name, PARTITION)] * 8)
    assert paths(lake, getattr(toys, name), PARTITION) == sorted(f"n{i}" for i in range(16))


def test_eight_processes_on_eight_partitions_disturb_nobody(lake):
    partitions = [MEDIA.of(f"cam {i}", "2026-11-20") for i in range(8)]
    for partition in partitions:
        land(lake, partition, 8)
    at_once(lake, [("drops", partition) for partition in partitions], tries=1)
    for partition in partitions:
        assert paths(lake, toys.drops, partition) == sorted(f"n{i}" for i in range(8))


def test_eight_processes_that_replace_every_row_leave_each_row_once(lake):
    for partition in (PARTITION, OTHER):
        land(lake, partition, 16)
        bring(toys.drops.producer, lake, partition)
        land(lake, partition, 16, "changed")
    at_once(lake, [("drops", PARTITION), ("drops", OTHER)] * 4)
    for partition in (PARTITION, OTHER):
        stored = toys.drops.rows(lake, partition).collect()
        assert sorted(stored["path"]) == sorted(f"n{i}" for i in range(16))
        assert set(stored["text"]) == {"changed"}


def test_two_threads_of_one_process_leave_each_row_once(lake):
    land(lake, PARTITION, 40)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: run(lake, "drops", PARTITION), range(4)))
    assert paths(lake, toys.drops, PARTITION) == sorted(f"n{i}" for i in range(40))


def compact(lake: Lake) -> None:
    assert compact_partition(lake, "lines", PARTITION, at_least=2) is not None


def erase(lake: Lake) -> None:
    """Remove the rows of one active file, as an erasure does."""
    base = base_of(lake.snapshot("lines"), PARTITION)
    gone = sorted(base.paths)[:1]
    schema = toys.lines.schema
    commit_partition(lake, "lines", PARTITION, base=base, add=[], remove=gone, schema=schema)


def run_too(lake: Lake) -> None:
    bring(toys.lines.producer, lake, PARTITION)


@pytest.mark.parametrize("point", ["_work", "stage", "commit_partition"])
@pytest.mark.parametrize("intruder", [compact, erase, run_too])
def test_whoever_comes_between_plan_and_commit_the_rows_are_exact(
    lake, intruder: Callable[[Lake], None], point: str
):
    land(lake, PARTITION, 12)
    bring(toys.lines.producer, lake, PARTITION)
    land(lake, PARTITION, 11, "changed\ntext")
    waiting = [intruder]

    def intrude() -> None:
        while waiting:
            waiting.pop()(lake)

    with hooked(BRING, point, intrude):
        bring(toys.lines.producer, lake, PARTITION)
    assert waiting == []
    assert paths(lake, toys.lines, PARTITION) == sorted(f"n{i}" for i in range(11) for _ in "ab")
    assert make_plan(toys.lines.producer, lake, PARTITION).is_empty


def test_commits_to_another_partition_in_between_cost_nobody_a_second_computation(lake):
    land(lake, PARTITION, 12)
    land(lake, OTHER, 3)

    def commit_elsewhere() -> None:
        with pytest.MonkeyPatch.context() as patch:  # no intruder of the intruder
            patch.setattr(BRING, "commit_partition", commit_partition)
            toys.NOTES[OTHER.key] = {"n0": (f"again {len(toys.CALLS)}", "")}
            bring(toys.lines.producer, lake, OTHER)

    with hooked(BRING, "commit_partition", commit_elsewhere):
        bring(toys.lines.producer, lake, PARTITION)
    assert {toys.CALLS[f"lines:n{i}"] for i in range(1, 12)} == {1}
    assert paths(lake, toys.lines, PARTITION) == sorted(f"n{i}" for i in range(12) for _ in "ab")


def test_a_run_that_is_always_overtaken_gives_up_and_loses_nothing(lake):
    land(lake, PARTITION, 12)
    bring(toys.lines.producer, lake, PARTITION)
    land(lake, PARTITION, 12, "changed\ntext")

    def move() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BRING, "commit_partition", commit_partition)
            base = base_of(lake.snapshot("lines"), PARTITION)
            schema = toys.lines.schema
            commit_partition(lake, "lines", PARTITION, base=base, add=[], schema=schema)

    with (
        hooked(BRING, "commit_partition", move),
        pytest.raises(PartitionMoved, match="planned 8 times"),
    ):
        bring(toys.lines.producer, lake, PARTITION)
    assert len(paths(lake, toys.lines, PARTITION)) == 24
    bring(toys.lines.producer, lake, PARTITION)
    assert set(toys.lines.rows(lake, PARTITION).collect()["text"]) == {"changed", "text"}
