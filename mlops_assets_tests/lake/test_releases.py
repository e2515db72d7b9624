"""A lake written by an earlier release opens, is up to date, and goes on."""

from __future__ import annotations

import shutil

import pytest

from mlops_assets.lake import Lake
from mlops_assets.lake.maintenance import compact_partition, vacuum_table
from mlops_assets.rows import bring, make_plan
from mlops_assets_tests.lake.releases import GOLDEN, NOTES, PARTITION
from mlops_assets_tests.rows import toys
from mlops_assets_tests.rows.model import expected

RELEASES = sorted(folder.name for folder in GOLDEN.iterdir())
VALUES = {"shout": True, "repeat": 1}


@pytest.fixture(params=RELEASES)
def lake(request, tmp_path) -> Lake:
    """A copy of the lake of a release."""
    toys.NOTES.clear()
    shutil.copytree(GOLDEN / request.param, tmp_path / "lake")
    return Lake.at(str(tmp_path / "lake"))


def assert_as_expected(lake: Lake, notes) -> None:
    truth = expected(PARTITION.key, notes, VALUES)
    for table in [one for first in toys.ALL for one in first.producer.tables]:
        rows = table.rows(lake, PARTITION).select(list(table.row.columns())).collect()
        assert sorted(rows.iter_rows()) == truth[table.name].all_rows


def test_every_table_of_the_release_is_read(lake):
    assert_as_expected(lake, NOTES)
    assert lake.scan("lines__skipped", PARTITION).collect()["path"].sort().to_list() == [
        "bad",
        "half",
    ]


@pytest.mark.parametrize("table", toys.ALL, ids=lambda table: table.name)
def test_nothing_is_due_in_the_lake_of_the_release(lake, table):
    assert str(make_plan(table.producer, lake, PARTITION)) == "nothing due"


def test_new_commits_follow_those_of_the_release(lake):
    notes = {**NOTES, "a": ("ONE\nchanged", ""), "new": ("landed", "")}
    del notes["bad"]
    toys.write_notes(lake, PARTITION, notes)
    assert make_plan(toys.lines.producer, lake, PARTITION).counts == {"new": 1, "input": 1}
    for table in toys.ALL:
        bring(table.producer, lake, PARTITION)
    assert_as_expected(lake, notes)
    for table in toys.ALL:
        compact_partition(lake, table.name, PARTITION, at_least=2)
        vacuum_table(lake, table.name, retention_hours=0)
        assert make_plan(table.producer, lake, PARTITION).is_empty
    assert_as_expected(lake, notes)
