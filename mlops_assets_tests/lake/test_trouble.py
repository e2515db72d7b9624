"""A full disk, a folder nobody may write, a lake that was removed: said clearly, and survived."""

from __future__ import annotations

import contextlib
import functools
import importlib
import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import MEDIA, Lake, Store
from mlops_assets.rows import bring, make_plan
from mlops_assets_tests.lake.rows import PARTITION as THINGS
from mlops_assets_tests.lake.rows import add, numbers
from mlops_assets_tests.rows import toys
from mlops_assets_tests.rows.crashes import hooked

BRING = importlib.import_module("mlops_assets.rows.bring")
PARTITION = MEDIA.of("cam 1", "2026-11-20")


@pytest.fixture(autouse=True)
def notes(monkeypatch):
    """The notes of the partition, to be changed by the test."""
    made = {f"n{i}": (f"line {i}", "") for i in range(10)}
    monkeypatch.setattr(toys, "NOTES", {PARTITION.key: made})
    return made


def stored(lake) -> list[str]:
    return sorted(toys.lines.rows(lake, PARTITION).collect()["path"])


def test_a_full_disk_stops_the_run_and_the_next_one_goes_on(lake, notes, monkeypatch):
    put, left = Store.put, [2]

    def put_while_there_is_room(self, path, content):
        left[0] -= 1
        if left[0] < 0:
            raise ConfigurationError(f"cannot write {self.uri(path)}: No space left on device")
        put(self, path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", put_while_there_is_room)
        with pytest.raises(ConfigurationError, match="No space left"):
            bring(toys.lines.producer, lake, PARTITION)
    assert len(stored(lake)) == 8
    assert bring(toys.lines.producer, lake, PARTITION).computed == {"new": 2}
    assert stored(lake) == sorted(notes)


@contextlib.contextmanager
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond 64 bytes, as on a disk without space."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_files_that_cannot_grow_are_an_operators_business(lake, notes):
    with small_files(), pytest.raises(ConfigurationError, match="cannot write"):
        bring(toys.lines.producer, lake, PARTITION)
    assert bring(toys.lines.producer, lake, PARTITION).computed == {"new": 10}
    assert stored(lake) == sorted(notes)


def test_a_log_that_cannot_be_written_loses_nothing(lake, notes):
    bring(toys.lines.producer, lake, PARTITION)
    notes["n3"] = ("changed", "")
    with contextlib.ExitStack() as stack:
        full = functools.partial(stack.enter_context, small_files())
        stack.enter_context(pytest.raises(ConfigurationError, match="cannot commit"))
        stack.enter_context(hooked(BRING, "commit_partition", full))
        bring(toys.lines.producer, lake, PARTITION)
    assert stored(lake) == sorted(notes)
    assert bring(toys.lines.producer, lake, PARTITION).computed == {"input": 1}
    assert stored(lake) == sorted(notes)


def test_a_lake_that_cannot_be_a_folder_says_where(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    lake = Lake.at(str(tmp_path / "file" / "lake"))
    with pytest.raises(ConfigurationError, match=r"file/lake"):
        bring(toys.lines.producer, lake, PARTITION)


def test_a_table_whose_log_is_damaged_is_said_to_be_so(lake):
    bring(toys.lines.producer, lake, PARTITION)
    lake.store.put("tables/broken/_delta_log/00000000000000000000.json", b"{not json")
    with pytest.raises(ConfigurationError, match=r"cannot open .*broken"):
        lake.snapshot("broken")


def test_a_removed_lake_is_empty_and_is_built_again(lake, notes):
    bring(toys.lines.producer, lake, PARTITION)
    shutil.rmtree(lake.store.root)
    assert lake.snapshot("lines") is None
    assert lake.tables() == []
    assert make_plan(toys.lines.producer, lake, PARTITION).counts == {"new": 10}
    bring(toys.lines.producer, lake, PARTITION)
    assert stored(lake) == sorted(notes)
    assert lake.tables() == ["lines"]


def test_a_lake_put_back_from_a_copy_is_read_as_it_is_now(lake, tmp_path: Path):
    add(lake, THINGS, [1])
    shutil.copytree(lake.store.root, tmp_path / "copy")
    add(lake, THINGS, [2])
    add(lake, THINGS, [3])
    assert numbers(lake) == [1, 2, 3]
    shutil.rmtree(lake.store.root)
    shutil.copytree(tmp_path / "copy", lake.store.root)
    assert numbers(lake) == [1]
    add(lake, THINGS, [4])
    assert numbers(lake) == [1, 4]
