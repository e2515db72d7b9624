"""Drift profiles of motion: method by method, of pairs that say something of the scene."""

from __future__ import annotations

import polars as pl

from mlops_assets.lake import Lake
from mlops_assets.tables.drift_profiles import drift_profiles
from mlops_assets.tables.drift_verdicts import drift_verdicts
from mlops_assets_tests.tables.planting import PARTITION, flow, plant_flows, run

MEAN = "mean_diag_per_s"


def profiles(lake: Lake, flows: list[dict]) -> pl.DataFrame:
    plant_flows(lake, flows)
    run(lake, drift_profiles)
    return drift_profiles.rows(lake, PARTITION).collect()


def test_motion_is_profiled_under_its_method(lake):
    vr = [flow("a", n, speed=0.1) for n in range(5)]
    dis = [flow("b", n, speed=0.5, method="dis", preset="fast") for n in range(3)]
    found = profiles(lake, [*vr, *dis])
    means = found.filter(pl.col("feature").str.ends_with(f".{MEAN}"))
    assert means.sort("feature").select("feature", "count", "mean").rows() == [
        (f"optical_flows.dis1-fast.{MEAN}", 3, 0.125),
        (f"optical_flows.vr1-balanced.{MEAN}", 5, 0.025),
    ]


def test_only_what_resolution_and_frame_rate_leave_alone_is_profiled(lake):
    found = profiles(lake, [flow("a", 0, direction_entropy=0.5)])
    columns = {name.rpartition(".")[2] for name in found["feature"]}
    assert {MEAN, "p95_diag_per_s", "still_share", "direction_entropy"} <= columns
    assert not columns & {"time_s", "camera_inliers"}
    assert not [name for name in columns if name.endswith("_px")]


def test_cuts_duplicates_and_untrusted_pairs_are_left_out(lake):
    odd = [
        flow("a", 1, is_cut=True),
        flow("a", 2, is_duplicate=True),
        flow("a", 3, is_trusted=False),
        flow("a", 4, is_trusted=True),
    ]
    found = profiles(lake, [flow("a", 0), *odd])
    assert set(found["count"]) == {2}


def test_another_method_has_no_reference_rather_than_a_wrong_one(lake, monkeypatch):
    module = "mlops_assets.tables.drift_verdicts"
    monkeypatch.setattr(f"{module}.champion_for", lambda *asked: None)
    monkeypatch.setattr(f"{module}.first_partition", lambda lake, source: "2026-11-19")
    profiles(lake, [flow("a", n) for n in range(30)])
    run(lake, drift_verdicts)
    rows = drift_verdicts.rows(lake, PARTITION).collect()
    assert set(rows["severity"]) == {"unknown"}
    assert all("has no profile of optical_flows.vr1-balanced." in one for one in rows["message"])
