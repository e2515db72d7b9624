"""Maintenance changes files, never rows, and removes nothing that somebody may need."""

from __future__ import annotations

import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import MEDIA, maintenance
from mlops_assets.lake.commits import stage
from mlops_assets.lake.maintenance import Compaction, compact_partition, vacuum_table
from mlops_assets_tests.lake.rows import OTHER, PARTITION, add, frame, numbers, replace


def files(lake) -> set[str]:
    listed = [e["path"] for e in lake.store.list("tables/things") if e["path"].endswith("parquet")]
    return {path.removeprefix("tables/things/") for path in listed if "_delta_log" not in path}


def test_compaction_keeps_every_row_and_other_partitions(lake):
    add(lake, PARTITION, *[[number] for number in range(6)])
    add(lake, OTHER, [10], [11])
    done = compact_partition(lake, "things", PARTITION, at_least=2)
    assert done == Compaction(6, 1)
    assert numbers(lake, PARTITION) == list(range(6))
    assert lake.snapshot("things").of(OTHER).height == 2
    assert compact_partition(lake, "things", PARTITION, at_least=2) is None


def test_few_files_and_absent_tables_are_left_alone(lake):
    assert compact_partition(lake, "things", PARTITION) is None
    assert vacuum_table(lake, "things") == []
    add(lake, PARTITION, [1], [2])
    assert compact_partition(lake, "things", PARTITION) is None
    assert compact_partition(lake, "things", MEDIA.of("never", "seen"), at_least=0) is None


def test_compacted_files_stay_bounded(lake, monkeypatch):
    add(lake, PARTITION, *[[number] for number in range(6)])
    size = lake.snapshot("things").files["size_bytes"].max()
    monkeypatch.setattr(maintenance, "FILE_BYTES", 2 * size)
    done = compact_partition(lake, "things", PARTITION, at_least=2)
    assert done == Compaction(6, 3)
    assert numbers(lake, PARTITION) == list(range(6))


def test_big_files_are_not_rewritten(lake, monkeypatch):
    (big,) = add(lake, PARTITION, range(1000))
    add(lake, PARTITION, [2000], [2001])
    monkeypatch.setattr(maintenance, "SMALL_BYTES", big.size_bytes)
    compact_partition(lake, "things", PARTITION, at_least=2)
    paths = lake.snapshot("things").of(PARTITION)["path"].to_list()
    assert big.path in paths
    assert len(paths) == 2


def test_vacuum_keeps_what_is_active_or_recent(lake):
    (first,) = add(lake, PARTITION, [1])
    replace(lake, PARTITION, [first.path], [2])
    staged = stage(lake, "things", PARTITION, frame([3]))
    assert vacuum_table(lake, "things") == []
    assert {first.path, staged.path} <= files(lake)
    vacuum_table(lake, "things", retention_hours=0)
    assert files(lake) == set(lake.snapshot("things").files["path"])
    assert numbers(lake) == [2]


def test_vacuum_keeps_pinned_versions_readable(lake):
    (first,) = add(lake, PARTITION, [1])
    pinned = lake.snapshot("things").version
    replace(lake, PARTITION, [first.path], [2])
    between = lake.snapshot("things").version
    paths = lake.snapshot("things").of(PARTITION)["path"].to_list()
    replace(lake, PARTITION, paths, [3])
    compact_partition(lake, "things", PARTITION, at_least=2)
    removed = vacuum_table(lake, "things", pinned=[pinned], retention_hours=0)
    assert [path.rsplit("/", 1)[1] for path in removed] == [paths[0].rsplit("/", 1)[1]]
    assert numbers(lake, PARTITION, pinned) == [1]
    assert numbers(lake, PARTITION) == [3]
    with pytest.raises(FileNotFoundError):
        numbers(lake, PARTITION, between)


def test_pinned_versions_that_never_were_are_said_to_be_wrong(lake):
    add(lake, PARTITION, [1])
    with pytest.raises(ConfigurationError):
        vacuum_table(lake, "things", pinned=[99], retention_hours=0)
    assert numbers(lake) == [1]
