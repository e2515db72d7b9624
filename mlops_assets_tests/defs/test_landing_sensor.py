"""The landing sensor: bounded ticks, settled files only, and a ledger that outlives the files."""

from __future__ import annotations

import shutil

import pytest

from mlops_assets.defs import sensors
from mlops_assets.landing import ARRIVALS
from mlops_assets.operations.landing import land_sources as plain_land_sources
from mlops_assets.settings import settings
from mlops_assets_tests.defs.workbench import Workbench

LANDING = "landing_sensor"


def arrivals(bench: Workbench) -> int:
    return ARRIVALS.latest(bench.lake).height


def test_a_burst_is_taken_in_bounded_ticks(bench: Workbench):
    """With no time to spend a tick takes one file, and never none."""
    bench.monkeypatch.setattr(
        sensors, "land_sources", lambda lake: plain_land_sources(lake, budget_s=0)
    )
    for number in range(4):
        bench.drop(f"feed/{number}.txt", f"note {number}")
    taken = []
    for _ in range(5):
        bench.tick(LANDING)
        taken.append(arrivals(bench))
    assert taken == [1, 2, 3, 4, 4]
    assert len(bench.partitions) == 1


def test_a_file_that_may_still_grow_waits(bench: Workbench):
    bench.monkeypatch.setenv("MLOPS_SETTLE_S", "3600")
    settings.cache_clear()
    bench.drop("feed/a.txt", "still being written")
    bench.tick(LANDING)
    assert arrivals(bench) == 0
    assert bench.skipped[LANDING] == "1 files have not settled yet"
    bench.monkeypatch.setenv("MLOPS_SETTLE_S", "0")
    settings.cache_clear()
    bench.tick(LANDING)
    assert arrivals(bench) == 1


def test_hidden_files_and_files_in_transit_do_not_land(bench: Workbench):
    for name in (".hidden.txt", "a.txt.part", "b.mp4.tmp"):
        bench.landing.joinpath("feed").mkdir(exist_ok=True)
        bench.landing.joinpath("feed", name).write_text("not yet")
    bench.tick(LANDING)
    assert arrivals(bench) == 0


def test_a_sidecar_that_comes_later_changes_raw_media_and_labels_only(bench: Workbench):
    bench.only()
    bench.drop("feed/a.txt", "a note about a van")
    assert bench.run_all() == 1
    before = bench.rows("documents"), bench.rows("text_chunks")
    bench.drop("feed/a.txt.json", '{"caption": "a van", "labels": ["vehicle"]}')
    assert bench.run_all() == 1
    assert bench.rows("raw_media")["caption"].to_list() == ["a van"]
    assert bench.rows("labels")["label"].to_list() == ["vehicle"]
    assert bench.rows("documents").equals(before[0])
    assert bench.rows("text_chunks").equals(before[1])
    assert bench.lake.snapshot("documents").version == 1  # pyright: ignore


def test_a_file_that_vanishes_from_the_landing_zone_changes_nothing(bench: Workbench):
    bench.only()
    file = bench.drop("feed/a.txt", "a note")
    bench.run_all()
    file.unlink()
    assert bench.run_all() == 0
    assert bench.rows("documents").height == 1


@pytest.mark.parametrize("how", ["removed", "a file"])
def test_a_landing_zone_that_is_gone_is_said_and_nothing_is_lost(bench: Workbench, how: str):
    bench.only()
    bench.drop("feed/a.txt", "a note")
    bench.run_all()
    shutil.rmtree(bench.landing)
    if how == "a file":
        bench.landing.write_text("not a folder")
    assert bench.tick() == 0
    said = bench.skipped[LANDING]
    assert said is not None
    assert said.endswith("is no folder")
    assert bench.behind() == {}
    assert bench.rows("documents").height == 1


def test_a_full_partition_rolls_over(bench: Workbench):
    bench.monkeypatch.setenv("MLOPS_PARTITION_MAX_FILES", "2")
    settings.cache_clear()
    for number in range(3):
        bench.drop(f"feed/{number}.txt", f"note {number}")
    bench.tick(LANDING)
    first, second = bench.partitions
    assert second == f"{first}.2"


def test_a_name_that_only_looks_odd_is_a_source_like_any_other(bench: Workbench):
    bench.only()
    for source in ("cam 1=é'日", "a@b", "100%"):
        bench.drop(f"{source}/a.txt", f"a note of {source}")
    assert bench.run_all() == 3
    assert set(bench.rows("documents")["source"]) == {"cam 1=é'日", "a@b", "100%"}
    assert bench.behind() == {}
