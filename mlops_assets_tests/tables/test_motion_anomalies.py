"""Motion anomalies: what is unusual for its source, against a history that can be named again."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from mlops_assets.lake import MEDIA, Lake, use_lake
from mlops_assets.rows import make_plan
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.tables import motion_anomalies as module
from mlops_assets.tables.motion_anomalies import (
    motion_anomalies,
    motion_is_usual,
    scores_are_finite,
    strangest_motion,
    what_was_judged,
)
from mlops_assets.tables.optical_flows import optical_flows
from mlops_assets_tests.flow.scenes import translated_pair
from mlops_assets_tests.tables.planting import (
    PARTITION,
    clip,
    flow,
    frame,
    plant_flows,
    plant_frames,
    rows_of,
    run,
)

PRODUCER = motion_anomalies.producer


def at(day: int, source: str = "camera-01"):
    return MEDIA.of(source, f"2026-11-{day:02}")


def lively(seed: int, count: int = 40, **values) -> list[dict]:
    """A day of a still camera over traffic at 0.1 diagonals a second, more or less."""
    speeds = 0.1 * np.exp(np.random.default_rng(seed).normal(0, 0.3, count))
    return [
        flow(f"day{seed:02}", place, speed=float(v), **values) for place, v in enumerate(speeds)
    ]


def bring_days(lake: Lake, *days: int) -> None:
    for day in days:
        run(lake, motion_anomalies, at(day))


def history_of(lake: Lake, day: int) -> str:
    (version,) = set(rows_of(lake, motion_anomalies, at(day))["_ver"])
    return json.loads(version.partition("|")[2])["history"]


def due(lake: Lake, day: int) -> dict[str, int]:
    return make_plan(PRODUCER, lake, at(day)).counts


@pytest.fixture
def week(lake: Lake) -> Lake:
    """Four days, each judged after the one before."""
    for day in (1, 2, 3, 4):
        plant_flows(lake, lively(day), at(day))
    bring_days(lake, 1, 2, 3, 4)
    return lake


def test_the_first_day_is_held_against_itself(week):
    rows = rows_of(week, motion_anomalies, at(1))
    assert history_of(week, 1) == ""
    told = rows.select("history_from", "history_to", "history_pairs").unique().rows()
    assert told == [("2026-11-01", "2026-11-01", 40)]
    assert rows["score"].null_count() == 0
    assert not rows["is_anomaly"].any()
    assert rows["reason"].null_count() == 40


def test_later_days_are_held_against_those_before_them(week):
    rows = rows_of(week, motion_anomalies, at(4))
    told = rows.select("history_from", "history_to", "history_pairs").unique().rows()
    assert told == [("2026-11-01", "2026-11-03", 120)]
    assert history_of(week, 4).startswith("2026-11-01..2026-11-03#")


def test_what_is_unusual_is_an_anomaly_with_a_reason_a_person_reads(week):
    crash = flow("crash", 0, speed=2.0, mean_diag_per_s=0.02, camera_residual_diag_per_s=0.02)
    plant_flows(week, [*lively(5), crash], at(5))
    bring_days(week, 5)
    found = rows_of(week, motion_anomalies, at(5)).filter("is_anomaly").row(0, named=True)
    assert found["frame_id"] == "crash#000000"
    assert found["measure"] == "p95_diag_per_s"
    assert (found["value"], found["partition"]) == (2.0, "camera-01@2026-11-05")
    assert found["usual"] == pytest.approx(0.1, rel=0.15)
    assert found["score"] > 5
    assert found["reason"].endswith("x this source's usual p95; camera still")
    assert rows_of(week, motion_anomalies, at(5))["is_anomaly"].sum() == 1


def test_the_same_motion_is_unusual_on_the_first_day_too(lake):
    plant_flows(lake, [*lively(1), flow("crash", 0, speed=3.0)], at(1))
    bring_days(lake, 1)
    assert rows_of(lake, motion_anomalies, at(1)).filter("is_anomaly")["media_id"].to_list() == [
        "crash"
    ]


def test_a_limit_is_a_parameter(week):
    set_parameters(PRODUCER, week, {"limit": 0.5}, by="test")
    assert due(week, 2) == {"params": 1}
    bring_days(week, 2)
    rows = rows_of(week, motion_anomalies, at(2))
    assert rows["is_anomaly"].equals(rows["score"] >= 0.5)
    assert 5 < rows["is_anomaly"].sum() < 35


def test_with_too_little_history_nothing_is_said(lake):
    plant_flows(lake, lively(1, 19), at(1))
    bring_days(lake, 1)
    rows = rows_of(lake, motion_anomalies, at(1))
    assert rows.height == 19
    assert rows["score"].null_count() == 19
    assert not rows["is_anomaly"].any()
    assert scores_are_finite.offending(rows.lazy()).collect().is_empty()


def test_pairs_that_say_nothing_of_the_scene_are_left_out(lake):
    odd = [
        flow("odd", 0, is_cut=True, speed=9.0),
        flow("odd", 1, is_duplicate=True, speed=0.0),
        flow("odd", 2, is_trusted=False, speed=9.0),
        flow("odd", 3, is_trusted=True),
    ]
    plant_flows(lake, [*lively(1), *odd], at(1))
    bring_days(lake, 1)
    rows = rows_of(lake, motion_anomalies, at(1)).filter(media_id="odd")
    assert rows["frame_id"].to_list() == ["odd#000003"]


def test_two_methods_are_never_held_against_each_other(week):
    plant_flows(week, lively(5, method="dis"), at(5))
    plant_flows(week, [*lively(6, preset="fast"), *lively(7, 30)], at(6))
    bring_days(week, 5, 6)
    alone = rows_of(week, motion_anomalies, at(5))
    assert alone.select("history_from", "history_pairs").unique().rows() == [("2026-11-05", 40)]
    mixed = rows_of(week, motion_anomalies, at(6))
    told = mixed.select("preset", "history_from", "history_pairs").unique().sort("preset").rows()
    assert told == [("balanced", "2026-11-01", 160), ("fast", "2026-11-06", 40)]


def test_another_source_does_not_matter(week):
    before = rows_of(week, motion_anomalies, at(4))
    plant_flows(week, [flow("x", n, speed=5.0) for n in range(40)], at(2, "camera-02"))
    run(week, motion_anomalies, at(2, "camera-02"))
    run(week, motion_anomalies, at(4))
    assert rows_of(week, motion_anomalies, at(4)).equals(before)


def test_nothing_is_due_twice_and_a_later_day_changes_no_earlier_one(week):
    assert [due(week, day) for day in (1, 2, 3, 4)] == [{}] * 4
    plant_flows(week, lively(9), at(9))
    bring_days(week, 9)
    assert [due(week, day) for day in (1, 2, 3, 4, 9)] == [{}] * 5


def test_a_changed_day_makes_due_only_those_whose_history_it_is(week, monkeypatch):
    monkeypatch.setattr(module.HISTORY, "enough_rows", 80)
    bring_days(week, 4)
    assert history_of(week, 4).startswith("2026-11-02..2026-11-03#")
    plant_flows(week, lively(11), at(1))
    bring_days(week, 1)
    assert [due(week, day) for day in (2, 3, 4)] == [{"params": 1}, {"params": 1}, {}]
    bring_days(week, 2, 3)
    assert [due(week, day) for day in (1, 2, 3, 4)] == [{}] * 4


def test_a_history_is_no_longer_than_it_may_be(lake, monkeypatch):
    monkeypatch.setattr(module.HISTORY, "most_partitions", 2)
    for day in (1, 2, 3, 4):
        plant_flows(lake, lively(day, 5), at(day))
    bring_days(lake, 1, 2, 3, 4)
    assert history_of(lake, 4).startswith("2026-11-02..2026-11-03#")


def test_any_order_of_bringing_ends_in_the_same_rows(week, tmp_path):
    other = Lake.at(str(tmp_path / "other"))
    for day in (1, 2, 3, 4):
        plant_flows(other, lively(day), at(day))
    bring_days(other, 4, 3, 2, 1)
    assert due(other, 4) != {}
    for _ in range(4):
        bring_days(other, *(day for day in (4, 3, 2, 1) if due(other, day)))
    assert [due(other, day) for day in (1, 2, 3, 4)] == [{}] * 4
    for day in (1, 2, 3, 4):
        mine, theirs = (rows_of(one, motion_anomalies, at(day)) for one in (week, other))
        assert mine.equals(theirs)


def test_a_day_that_is_gone_is_nobodys_history(week):
    plant_flows(week, [], at(3))
    bring_days(week, 3)
    assert rows_of(week, motion_anomalies, at(3)).is_empty()
    bring_days(week, 4)
    assert history_of(week, 4).startswith("2026-11-01..2026-11-02#")


def test_a_summary_says_what_was_judged(week):
    plant_flows(week, [*lively(5), flow("crash", 0, speed=4.0)], at(5))
    bring_days(week, 5)
    told = what_was_judged(motion_anomalies.rows(week, at(5)))
    assert (told["anomalies"], told["history_from"], told["history_to"]) == (
        1,
        "2026-11-01",
        "2026-11-04",
    )
    assert "x the usual" in str(told["strangest"]) or "usual p95" in str(told["strangest"])
    empty = what_was_judged(motion_anomalies.rows(week, at(30)))
    assert (empty["anomalies"], empty["strangest"]) == (0, None)


def test_checks_find_anomalies_and_what_is_unexplained(week):
    rows = rows_of(week, motion_anomalies, at(4))
    first = pl.col("frame_id") == rows["frame_id"][0]
    assert motion_is_usual.offending(rows.lazy()).collect().is_empty()
    strange = rows.with_columns(is_anomaly=first)
    assert motion_is_usual.offending(strange.lazy()).collect().height == 1
    assert scores_are_finite.offending(strange.lazy()).collect().height == 1
    infinite = rows.with_columns(score=pl.when(first).then(float("inf")).otherwise("score"))
    assert scores_are_finite.offending(infinite.lazy()).collect().height == 1


def test_the_picture_shows_the_strangest_pair_of_each_file(lake):
    still = [
        frame("still", n, *translated_pair(48, 64, 0.05 * (n % 3), 0, seed=n)) for n in range(30)
    ]
    plant_frames(lake, still, clip("fast", 2, dx=9.0))
    run(lake, optical_flows)
    run(lake, motion_anomalies)
    rows = motion_anomalies.rows(lake, PARTITION)
    strange = rows.filter("is_anomaly").select("media_id").unique().collect()
    assert strange["media_id"].to_list() == ["fast"]
    with use_lake(lake):
        picture = strangest_motion(rows)
        assert picture is not None
        assert picture.startswith(b"\xff\xd8")
        assert strangest_motion(rows.filter(media_id="still")) is None
