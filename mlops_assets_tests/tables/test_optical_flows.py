"""Optical flows: what is measured, what is kept, what makes it due, and what one bad pair costs."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import polars as pl
import pytest

from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.flow import Backend, backends, decode_flow
from mlops_assets.lake import Lake, use_lake
from mlops_assets.rows import make_plan
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.settings import settings
from mlops_assets.tables.optical_flows import (
    Flow,
    decode_field,
    few_flows_are_untrusted,
    flow_pictures,
    flow_quality,
    flows_are_finite,
    motion_over_time,
    one_method_per_partition,
    optical_flows,
)
from mlops_assets_tests.flow.scenes import translated_pair
from mlops_assets_tests.tables.planting import (
    PARTITION,
    clip,
    frame,
    jpeg,
    plant_frames,
    rows_of,
    run,
    skips_of,
)

PRODUCER = optical_flows.producer


def say(lake: Lake, **values) -> None:
    set_parameters(PRODUCER, lake, values, by="test")


def due(lake: Lake) -> dict[str, int]:
    return make_plan(PRODUCER, lake, PARTITION).counts


@pytest.fixture
def measured(lake: Lake) -> Lake:
    plant_frames(lake, clip("aaaa"), clip("bbbb", 2, size=(40, 40), dx=-1.5))
    run(lake, optical_flows)
    return lake


def test_motion_is_that_of_the_pictures(measured):
    rows = rows_of(measured, optical_flows)
    assert rows["camera_dx_px"].to_list() == pytest.approx([2, 2, 2, -1.5, -1.5], abs=0.15)
    assert rows["interval_s"].to_list() == [0.1] * 5
    speeds = rows["mean_px"] / (rows["height_px"] ** 2 + rows["width_px"] ** 2).sqrt() / 0.1
    assert rows["mean_diag_per_s"].to_list() == pytest.approx(speeds.to_list())
    assert set(rows["method"] + rows["method_version"] + " " + rows["preset"]) == {"vr1 balanced"}
    assert set(rows["backend"]) == {"opencv-vr"}
    assert rows["fallback_reason"].null_count() == 5


def test_the_version_of_a_row_says_the_method_and_not_the_program(measured):
    (said,) = set(rows_of(measured, optical_flows)["_ver"])
    version, _, values = said.partition("|")
    assert version == PRODUCER.version
    told = json.loads(values)
    assert (told["method"], told["method_version"], told["preset"]) == ("vr", "1", "balanced")
    assert "backend" not in told


def test_another_program_makes_nothing_due_and_another_method_everything(measured):
    say(measured, backend="reference")
    assert due(measured) == {}
    say(measured, method="dis", backend="auto")
    assert due(measured) == {"params": 5}
    run(measured, optical_flows)
    assert set(rows_of(measured, optical_flows)["backend"]) == {"opencv-dis"}
    assert due(measured) == {}


def test_a_program_of_another_method_is_refused_and_nothing_is_stored(lake):
    plant_frames(lake, clip("aaaa"))
    say(lake, backend="cupy")
    with pytest.raises(ConfigurationError, match="'cupy' does not solve method 'vr'"):
        run(lake, optical_flows)
    assert rows_of(lake, optical_flows).is_empty()


def test_a_method_without_its_weights_is_told_by_the_run(lake, monkeypatch):
    monkeypatch.setenv("MLOPS_RAFT_WEIGHTS", "/nowhere/raft.pth")
    settings.cache_clear()
    plant_frames(lake, clip("aaaa"))
    say(lake, method="raft")
    assert due(lake) == {"new": 3}
    with pytest.raises(ConfigurationError, match="no backend of method 'raft' can run here"):
        run(lake, optical_flows)
    settings.cache_clear()


def test_other_weights_are_another_version_of_the_method(lake, monkeypatch):
    weights = ["3f0a"]
    dis = backends.BACKENDS["opencv-dis"]
    other = dataclasses.replace(dis, variant=lambda: weights[0])
    monkeypatch.setitem(backends.BACKENDS, "opencv-dis", other)
    plant_frames(lake, clip("aaaa"))
    say(lake, method="dis")
    run(lake, optical_flows)
    assert set(rows_of(lake, optical_flows)["method_version"]) == {"1-3f0a"}
    weights[0] = "77c2"
    assert due(lake) == {"params": 3}


def test_every_pair_is_the_same_whatever_the_batch(measured, tmp_path, monkeypatch):
    at_once = rows_of(measured, optical_flows)
    for size in (1, 2):
        other = Lake.at(str(tmp_path / f"other-{size}"))
        plant_frames(other, clip("aaaa"), clip("bbbb", 2, size=(40, 40), dx=-1.5))
        monkeypatch.setattr(PRODUCER, "how", dataclasses.replace(PRODUCER.how, batch_size=size))
        run(other, optical_flows)
        assert rows_of(other, optical_flows).equals(at_once)


def test_pairs_are_measured_and_checked_by_their_index_alone(lake):
    plant_frames(lake, clip("aaaa", 8), clip("bbbb", 3))
    say(lake, method="dis", pair_every=2, check_every=3)
    run(lake, optical_flows)
    rows = rows_of(lake, optical_flows)
    assert [name[-1] for name in rows["frame_id"]] == ["0", "2", "4", "6", "0", "2"]
    checked = rows.filter(pl.col("fb_fail_share").is_not_null())["frame_id"]
    assert checked.to_list() == ["aaaa#000000", "aaaa#000006", "bbbb#000000"]
    assert rows["is_trusted"].to_list() == [True, None, None, True, True, None]
    assert set(skips_of(lake, optical_flows).values()) == {"empty"}
    assert due(lake) == {}


def test_quality_checks_every_pair_and_nobody_may_ask_for_none(lake):
    plant_frames(lake, clip("aaaa", 4))
    say(lake, method="dis", preset="quality", check_every=0)
    run(lake, optical_flows)
    assert rows_of(lake, optical_flows)["fb_fail_share"].null_count() == 0
    say(lake, preset="fast")
    run(lake, optical_flows)
    assert rows_of(lake, optical_flows)["fb_fail_share"].null_count() == 4


def test_a_bad_pair_costs_only_itself(lake):
    good = clip("aaaa", 12)
    cut_short = {**good[3], "jpeg": good[3]["jpeg"][:-40]}
    other_view = frame("bbbb", 0, np.zeros((48, 64), np.uint8), np.zeros((64, 40), np.uint8))
    tiny = frame("cccc", 0, *np.zeros((2, 6, 6), np.uint8))
    plant_frames(lake, [*good[:3], cut_short, *good[4:]], [other_view], [tiny])
    run(lake, optical_flows)
    assert skips_of(lake, optical_flows) == {
        "aaaa#000003": "damaged_jpeg",
        "bbbb#000000": "pair_shapes_differ",
        "cccc#000000": "too_small",
    }
    alone = rows_of(lake, optical_flows)
    assert alone.height == 11
    plant_frames(lake, good)
    run(lake, optical_flows)
    whole = rows_of(lake, optical_flows).filter(pl.col("frame_id") != "aaaa#000003")
    assert whole["_fp"].equals(alone["_fp"])


def test_a_working_size_is_the_most(lake):
    plant_frames(lake, clip("aaaa", 1, size=(96, 128)), clip("bbbb", 1, size=(24, 32)))
    say(lake, working_px=64)
    run(lake, optical_flows)
    assert rows_of(lake, optical_flows).select("height_px", "width_px").rows() == [
        (48, 64),
        (24, 32),
    ]


def scene_change(media_id: str) -> dict:
    first, other = (
        translated_pair(48, 64, 0, 0, seed=1)[0],
        translated_pair(48, 64, 0, 0, seed=9)[0],
    )
    return frame(media_id, 0, first, other)


@pytest.mark.parametrize(("store", "kept"), [("all", 4), ("flagged", 1), ("none", 0)])
def test_fields_are_kept_as_told_and_statistics_always(lake, store, kept):
    plant_frames(lake, clip("aaaa"), [scene_change("bbbb")])
    say(lake, store=store)
    run(lake, optical_flows)
    rows = rows_of(lake, optical_flows)
    assert rows["mean_px"].null_count() == 0
    assert rows["is_cut"].to_list() == [False, False, False, True]
    for name in ("field", "codec", "codec_version", "step_px", "scale_log2"):
        assert len(rows[name].drop_nulls()) == kept
    if store == "flagged":
        assert rows.filter(pl.col("field").is_not_null())["frame_id"].to_list() == ["bbbb#000000"]


def test_tiers_differ_in_bytes_and_little_else(lake):
    plant_frames(lake, clip("aaaa", 1, size=(120, 160)))
    fields = {}
    for tier in ("full", "compact"):
        say(lake, tier=tier)
        run(lake, optical_flows)
        row = rows_of(lake, optical_flows).row(0, named=True)
        encoded = decode_field(Flow.of(row))
        fields[tier] = row["scale_log2"], len(encoded.blob), decode_flow(encoded)
    (full_scale, full_bytes, full), (half_scale, half_bytes, half) = fields.values()
    assert (full_scale, half_scale) == (0, 1)
    assert half_bytes < full_bytes / 2
    assert full.shape == half.shape == (2, 120, 160)
    assert np.abs(full - half).mean() < 0.1


def test_a_row_of_the_first_version_is_half_resolution(measured):
    row = rows_of(measured, optical_flows).row(0, named=True)
    assert decode_field(Flow.of({**row, "scale_log2": None})) == decode_field(Flow.of(row))
    with pytest.raises(InputError) as error:
        decode_field(Flow.of({**row, "field": None}))
    assert error.value.reason == "no_field"


def test_memory_pressure_falls_back_within_the_method_and_says_why(lake, monkeypatch):
    dis = backends.BACKENDS["opencv-dis"]

    def full(frames, between, preset):
        raise MemoryError("no room")

    found = {
        "cupy": Backend("cupy", "variational", "7", full, takes_device=True),
        "reference": dataclasses.replace(dis, name="reference", method="variational", version="7"),
    }
    monkeypatch.setattr(backends, "BACKENDS", found)
    monkeypatch.setattr(backends, "METHODS", ("variational",))
    say(lake, method="variational")
    plant_frames(lake, clip("aaaa"))
    run(lake, optical_flows)
    rows = rows_of(lake, optical_flows)
    told = rows.select("method", "method_version", "backend", "fallback_reason").unique().rows()
    assert told == [("variational", "7", "reference", "cupy: no room")]
    summary = flow_quality(optical_flows.rows(lake, PARTITION))
    assert (summary["fallbacks"], summary["fallback_reason"]) == (3, "cupy: no room")
    values = {"method": "variational", "preset": "fast", "backend": "auto"}
    assert PRODUCER.how.executor_kind(values) == "serial", "one process to a GPU"
    assert PRODUCER.how.executor_kind({**values, "backend": "reference"}) == "processes"


def test_a_summary_and_pictures_show_what_was_measured(lake):
    plant_frames(lake, clip("aaaa"), [scene_change("bbbb")])
    run(lake, optical_flows)
    rows = optical_flows.rows(lake, PARTITION)
    assert flow_quality(rows) == {
        "cuts": 1,
        "duplicates": 0,
        "solved_backward": 2,
        "untrusted": 1,
        "fields_kept": 4,
        "fallbacks": 0,
        "backends": "opencv-vr 4",
        "fallback_reason": None,
    }
    with use_lake(lake):
        sheet, over_time = flow_pictures(rows), motion_over_time(rows)
        say(lake, store="none")
        run(lake, optical_flows)
        again = flow_pictures(optical_flows.rows(lake, PARTITION))
    assert sheet is not None
    assert sheet.startswith(b"\xff\xd8")
    assert over_time is not None
    assert over_time.startswith(b"\x89PNG")
    assert again is not None, "solved again for the picture"


def test_nothing_has_no_picture_and_an_empty_summary(lake):
    rows = optical_flows.rows(lake, PARTITION)
    assert flow_pictures(rows) is None
    assert motion_over_time(rows) is None
    assert flow_quality(rows)["backends"] is None


def changed(lake: Lake, **columns: pl.Expr) -> pl.LazyFrame:
    return rows_of(lake, optical_flows).with_columns(**columns).lazy()


def test_checks_find_what_breaks_them(measured):
    first = pl.col("frame_id") == "aaaa#000000"

    def broken(check, **columns):
        return check.offending(changed(measured, **columns)).collect().height

    for check in optical_flows.checks:
        assert broken(check) == 0
    inf = pl.when(first).then(float("inf")).otherwise(pl.col("camera_residual_px"))
    assert broken(flows_are_finite, camera_residual_px=inf) == 1
    other = pl.when(first).then(pl.lit("dis")).otherwise("method")
    assert broken(one_method_per_partition, method=other) == 5
    older = pl.when(first).then(None).otherwise("method_version")
    assert broken(one_method_per_partition, method_version=older) == 5
    assert broken(few_flows_are_untrusted, is_trusted=~first) == 0
    assert broken(few_flows_are_untrusted, is_trusted=first) == 4
    nobody_knows = pl.when(first).then(pl.lit(value=False))
    assert broken(few_flows_are_untrusted, is_trusted=nobody_knows) == 1
    assert broken(few_flows_are_untrusted, is_trusted=nobody_knows, is_cut=first) == 0


def test_two_codings_of_pictures_of_one_size_are_measured_in_one_call(lake, monkeypatch):
    calls = []
    solve = backends.BACKENDS["opencv-vr"].solve

    def counted(frames, between, preset):
        calls.append(len(between))
        return solve(frames, between, preset)

    counting = dataclasses.replace(backends.BACKENDS["opencv-vr"], solve=counted)
    monkeypatch.setitem(backends.BACKENDS, "opencv-vr", counting)
    plant_frames(lake, clip("aaaa", 4), clip("bbbb", 4), clip("cccc", 2, size=(40, 40)))
    say(lake, check_every=0)
    run(lake, optical_flows)
    assert sorted(calls) == [2, 8]


def test_a_still_picture_and_a_frame_without_successor_have_no_flow(lake):
    alone = {**clip("aaaa", 1)[0], "next_jpeg": None, "next_gap_s": None}
    plant_frames(lake, [alone])
    assert run(lake, optical_flows).plan.is_empty
    broken = {**clip("aaaa", 1)[0], "next_jpeg": None}
    plant_frames(lake, [broken])
    run(lake, optical_flows)
    assert skips_of(lake, optical_flows) == {"aaaa#000000": "no_successor"}
    assert jpeg(np.zeros((8, 8), np.uint8))
