"""One run per partition that is behind, whatever happens between two ticks."""

from __future__ import annotations

import functools
from typing import Any

import dagster as dg
import pytest

from mlops_assets.defs import assets, sensors
from mlops_assets.errors import InternalError
from mlops_assets.lake import Lake, Partition
from mlops_assets.operations import behind
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.settings import settings
from mlops_assets.tables import table_named
from mlops_assets.tables.raw_media import Media
from mlops_assets_tests.defs.workbench import Workbench, when_bringing

DOCUMENTS = table_named("documents").producer


def land_notes(bench: Workbench, *sources: str, count: int = 2) -> None:
    for source in sources or ("feed",):
        for number in range(count):
            bench.drop(f"{source}/{number}.txt", f"note {number} of {source}")


def brought(bench: Workbench, *sources: str) -> Workbench:
    """A quick platform whose partitions are up to date."""
    bench.only()
    land_notes(bench, *sources)
    assert bench.run_all() == max(1, len(sources))
    bench.requested.clear()
    return bench


def test_all_files_settled_at_one_tick_start_exactly_one_run(bench: Workbench):
    bench.only()
    when_bringing(bench.monkeypatch, bench.tick)
    land_notes(bench, count=5)
    assert bench.tick() == 1
    assert bench.tick() == 0, "while it is queued"
    assert bench.run_next().success
    assert bench.tick() == 0
    assert bench.behind() == {}
    assert len(bench.requested) == 1
    assert bench.rows("documents").height == 5


@pytest.mark.parametrize(
    "moment",
    [pytest.param(n, marks=[] if n in (0, 1, 5, 8, 9) else pytest.mark.slow) for n in range(10)],
)
def test_a_file_that_lands_during_a_run_causes_at_most_one_more(bench: Workbench, moment: int):
    """`moment` counts the instants before and after each table and the statement at the end."""
    bench.only()
    seen = iter(range(100))

    def act() -> None:
        if next(seen) == moment:
            bench.drop("feed/late.txt", "a late note")
        bench.tick()

    land_notes(bench)
    bench.tick()
    when_bringing(bench.monkeypatch, act)
    assert bench.run_all() == (1 if moment == 0 else 2)
    assert bench.behind() == {}
    assert bench.rows("documents").height == 3
    assert bench.tick() == 0


def test_a_failed_run_is_tried_once_more_and_then_given_up(bench: Workbench):
    bench.only()
    land_notes(bench)
    plain = assets.settle

    def broken(*args: object, **more: object) -> str:
        raise InternalError("broken")

    bench.monkeypatch.setattr(assets, "settle", broken)
    for _ in range(2):
        assert bench.tick() == 1
        assert not bench.run_next().success
    assert bench.tick() == 0
    assert bench.tick() == 0
    assert bench.skipped["due_partitions_sensor"] == (
        "1 partitions are behind: at work, or given up"
    )
    bench.monkeypatch.setattr(assets, "settle", plain)
    assert bench.tick() == 0, "nothing has changed"
    bench.drop("feed/new.txt", "something changed")
    assert bench.run_all() == 1
    assert bench.behind() == {}


def test_a_failed_run_goes_on_from_what_it_committed(bench: Workbench):
    bench.only()
    land_notes(bench)
    plain = DOCUMENTS.function
    calls: list[str] = []

    @functools.wraps(plain)
    def fails_first(media: Media, **values: object) -> object:
        calls.append(media.path)
        if len(calls) == 1:
            raise InternalError("broken")
        return plain(media, **values)

    bench.monkeypatch.setattr(DOCUMENTS, "function", fails_first)
    bench.tick()
    assert not bench.run_next().success
    assert bench.rows("raw_media").height == 2
    version = bench.lake.snapshot("raw_media").version  # pyright: ignore
    assert bench.run_all() == 1
    assert bench.lake.snapshot("raw_media").version == version  # pyright: ignore
    assert bench.rows("documents").height == 2


def test_a_new_version_causes_one_run_per_partition(bench: Workbench):
    brought(bench, "one", "two", "three")
    bench.monkeypatch.setattr(DOCUMENTS, "version", "next")
    assert set(bench.behind().values()) == {"changed"}
    assert bench.run_all() == 3
    assert set(bench.rows("documents")["_ver"].str.head(5)) == {"next|"}
    assert bench.tick() == 0


def test_a_parameter_set_for_one_source_causes_one_run_of_its_partition(bench: Workbench):
    brought(bench, "one", "two")
    set_parameters(DOCUMENTS, bench.lake, {"max_pages": 7}, source="one", by="test")
    assert bench.run_all() == 1
    assert [str(one.partition_key)[:3] for one in bench.requested] == ["one"]
    set_parameters(DOCUMENTS, bench.lake, {"max_pages": 8}, by="test")
    assert [key[:3] for key in bench.behind()] == ["two"], "its own value still holds for one"


def test_a_new_dagster_home_runs_what_is_due_and_no_more(bench: Workbench):
    brought(bench, "one", "two")
    before = bench.partitions
    bench.new_instance()
    assert bench.run_all() == 0
    assert bench.partitions == before, "partitions come back"
    bench.drop("one/new.txt", "new")
    bench.new_instance()
    assert bench.run_all() == 1
    assert bench.partitions == before


def test_a_new_dagster_home_needs_no_landing_zone_for_its_partitions(bench: Workbench):
    brought(bench, "one", "two")
    bench.monkeypatch.setattr(DOCUMENTS, "version", "next")
    before = bench.partitions
    bench.new_instance()
    assert bench.tick("due_partitions_sensor") == 2
    assert bench.partitions == before


def test_an_untouched_platform_requests_nothing(bench: Workbench):
    brought(bench)
    assert [bench.tick() for _ in range(4)] == [0, 0, 0, 0]
    assert bench.skipped["landing_sensor"] == "nothing new has landed"
    assert bench.skipped["due_partitions_sensor"] == "no partition is behind"
    bench.new_instance()
    bench.tick()
    assert bench.tick() == 0


def test_a_table_materialized_alone_by_hand_is_followed_by_the_chain(bench: Workbench):
    brought(bench)
    result = bench.materialize("raw_media", key=bench.key, config={"max_gb": 1e-9})
    assert result.success
    assert bench.rows("documents").height == 2
    assert bench.behind() == {bench.key: "touched"}
    assert bench.run_all() == 1
    assert bench.rows("documents").is_empty()
    assert bench.rows("text_chunks").is_empty()
    assert bench.behind() == {}


def test_a_table_that_had_nothing_to_do_by_hand_is_not_followed(bench: Workbench):
    brought(bench)
    assert bench.materialize("documents", key=bench.key).success
    assert bench.behind() == {}


def test_a_touch_while_a_run_takes_stock_is_not_lost(bench: Workbench):
    """By hand, after the plans were made and before the statement: the statement must not win."""
    brought(bench)
    bench.drop("feed/new.txt", "new")
    bench.tick()
    plain, touched = behind.note, []

    def touch_first(lake: Lake, partition: Partition, *args: Any, **more: Any) -> None:
        if not touched:
            touched.append(1)
            plain(lake, partition, "touched", digest="", run_id="by hand")
        plain(lake, partition, *args, **more)

    bench.monkeypatch.setattr(behind, "note", touch_first)
    assert bench.run_next().success
    assert bench.behind() == {bench.key: "touched"}


def test_a_run_over_its_budget_is_followed_until_nothing_is_left(bench: Workbench):
    bench.only()
    bench.monkeypatch.setenv("MLOPS_RUN_FILES", "2")
    settings.cache_clear()
    land_notes(bench, count=5)
    assert bench.run_all() == 3
    assert bench.rows("documents").height == 5


def test_at_most_so_many_runs_are_requested_and_fresh_ones_first(bench: Workbench):
    bench.only()
    bench.monkeypatch.setattr(sensors, "RUNS_A_TICK", 3)
    for number in range(5):
        land_notes(bench, f"source-{number}", count=1)
        bench.tick("landing_sensor")
    assert bench.tick() == 3
    asked = [str(one.partition_key).partition("@")[0] for one in bench.requested]
    assert asked == ["source-4", "source-3", "source-2"]
    assert bench.tick() == 0, "three are at work"
    assert bench.run_next().success
    assert bench.tick() == 1
    assert bench.run_all() == 4
    assert len(bench.requested) == 5


def test_a_cancelled_run_is_requested_again(bench: Workbench):
    bench.only()
    land_notes(bench)
    bench.tick()
    run_id, _, _ = bench.queue.pop()
    run = bench.instance.get_run_by_id(run_id)
    assert run is not None
    bench.instance.report_run_canceled(run)
    assert bench.instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.CANCELED  # pyright: ignore
    assert bench.run_all() == 1
