"""What a person asks of the whole, on a small lake filled through the real tables."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mlops_assets import operations as ops
from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.lake import Lake
from mlops_assets.landing.rulings import RULINGS
from mlops_assets.rows.parameters import PARAMETERS
from mlops_assets.tables import all_tables
from mlops_assets_tests.operations import filling
from mlops_assets_tests.operations.conftest import Filled


def media_id(filled: Filled, path: str) -> str:
    rows = all_tables()["raw_media"].rows(filled.lake).filter(pl.col("path") == path)
    return rows.select("media_id").collect().item()


def test_status_counts_files_by_what_became_of_them(filled: Filled):
    found = ops.status()
    row = found.partitions.row(0, named=True)
    assert (row["source"], row["files"]) == ("camera-01", 6)
    assert (row["accepted"], row["quarantined"], row["duplicates"]) == (4, 1, 1)
    assert found.reasons.select("reason", "files").rows() == [("unknown_kind", 1)]
    assert found.champion == "scene/1"
    told = dict(found.tables.select("table", "rows").iter_rows())
    assert told["raw_media"] == 6
    assert told["frames"] == told["frame_embeddings"] == told["predictions"] == 5


def test_status_of_nothing_is_empty(empty: Path):
    found = ops.status()
    assert found.partitions.is_empty()
    assert found.champion is None
    assert found.to_json() == []


def test_nothing_is_due_in_a_lake_that_was_brought(filled: Filled):
    assert set(ops.plan()["summary"]) == {"nothing due"}


def test_a_set_parameter_shows_in_the_plan_of_its_source_only(copied: Filled):
    ops.set_parameters("frames", {"rate_hz": "2"}, source="camera-01", by="me")
    found = ops.plan("frames", copied.partition.key)
    assert found.select("table", "params").rows() == [("decodings", 3)]
    assert PARAMETERS.latest(copied.lake)["set_by"].to_list() == ["me"]
    with pytest.raises(InputError, match="ever landed"):
        ops.set_parameters("frames", {"rate_hz": 2}, source="camera-99")
    with pytest.raises(InputError, match="no partition"):
        ops.plan("frames", "camera-99@2026-11-20")


def test_values_are_read_as_their_parameters_type(copied: Filled):
    changed = ops.set_parameters("frames", {"rate_hz": "2.5", "sampling": "keyframes"})
    assert changed["value"].to_list() == ["2.5", '"keyframes"']
    changed = ops.set_parameters("frames", {"rate_hz": "null"})
    assert changed.select("before", "value").rows() == [("2.5", "1.0")]
    with pytest.raises(ConfigurationError, match=r"rate_hz=-3: .*greater than 0"):
        ops.set_parameters("frames", {"rate_hz": "-3"})


def test_a_prediction_leads_to_its_file_and_second_and_to_its_model(filled: Filled):
    key = f"{media_id(filled, 'standing.mp4')}#000001"
    found = ops.trace("predictions", key)
    files = found.filter(pl.col("table").is_in(["models", "vault"]).not_())["file"]
    assert set(files) == {"camera-01/standing.mp4"}
    assert found.filter(pl.col("table") == "frames")["time_s"].to_list() == [1.0]
    assert found.filter(pl.col("table") == "models")["key"].to_list() == ["scene/1"]
    vault = found.filter(pl.col("table") == "vault")["key"].item()
    assert (filled.home / "lake" / vault).read_bytes() == (
        filled.inbox / "standing.mp4"
    ).read_bytes()


def test_a_model_leads_to_file_and_second_of_every_item(filled: Filled):
    found = ops.trace("models", "scene/1")
    frames = found.filter(pl.col("table") == "frames")
    assert sorted(frames.select("file", "time_s").rows()) == [
        ("camera-01/gate.png", 0.0),
        ("camera-01/moving.mp4", 0.0),
        ("camera-01/moving.mp4", 1.0),
        ("camera-01/standing.mp4", 0.0),
        ("camera-01/standing.mp4", 1.0),
    ]
    assert found.filter(pl.col("table") == "vault").height == 3


def test_a_file_name_traces_all_its_rows(filled: Filled):
    found = ops.trace("frames", "camera-01/moving.mp4")
    assert found.filter(pl.col("step") == 0).height == 2
    with pytest.raises(InputError, match="mlops explain"):
        ops.trace("frames", "camera-01/junk.mp4")


def test_impact_of_a_file_names_every_row_snapshot_and_model(filled: Filled):
    found = ops.impact("camera-01/moving.mp4")
    told = {(what, name): rows for what, name, _, rows in found.iter_rows()}
    assert told["rows", "raw_media"] == 2  # the file and its copy
    assert told["rows", "frames"] == told["rows", "predictions"] == 2
    assert told["rows", "labels"] == 1
    assert told["snapshot", "scene-0001"] == 2
    assert told["model", "scene/1"] == 1
    assert ops.impact(media_id(filled, "moving.mp4")[:8]).equals(found)


def test_impact_of_labels_reaches_the_media_they_are_about(filled: Filled):
    found = ops.impact("camera-01/labels.csv")
    told = {(what, name): rows for what, name, _, rows in found.iter_rows()}
    assert told["rows", "labels"] == 2
    assert told["snapshot", "scene-0001"] == 3  # two frames of the clip, one still


def test_impact_of_a_partition_and_of_a_snapshot(filled: Filled):
    of_partition = ops.impact(filled.partition.key)
    assert ("snapshot", "scene-0001", "scene", 5) in of_partition.rows()
    of_snapshot = ops.impact("scene-0001")
    assert ("model", "scene/1", "scene", 1) in of_snapshot.rows()
    assert ("rows", "predictions", filled.partition.key, 5) in of_snapshot.rows()
    with pytest.raises(InputError, match="no landed file"):
        ops.impact("camera-01/nothing.mp4")


def test_explain_says_what_the_gate_said(filled: Filled):
    found = ops.explain("predictions", "camera-01/junk.mp4")
    assert found["table"].to_list() == ["predictions", "frame_embeddings", "frames", "raw_media"]
    last = found.row(-1, named=True)
    assert last["reason"] == "unknown_kind"
    assert "quarantined" in last["message"]


def test_a_still_has_no_motion_and_explain_knows_why(filled: Filled):
    found = ops.explain("optical_flows", f"{media_id(filled, 'gate.png')}#000000")
    assert found["state"].to_list() == ["filtered"]
    assert "next_gap_s=None" in found["message"][0]


def test_media_ruled_out_leaves_and_released_comes_back(copied: Filled):
    ruled = ops.rule_on("camera-01/gate.png", "quarantined", reason="shows a face", by="me")
    assert ("rows", "frames", copied.partition.key, 1) in ruled.follows.rows()
    assert "gate.png" in ruled.files["path"].to_list()
    assert ops.plan("raw_media")["input"].to_list() == [1]
    for name in ("raw_media", "decodings"):
        filling.run(copied.lake, name)
    assert ops.explain("frames", "camera-01/gate.png")["reason"].to_list() == [None, "by_hand"]
    ops.rule_on("camera-01/gate.png", "released", reason="it does not", by="me")
    for name in ("raw_media", "decodings"):
        filling.run(copied.lake, name)
    assert ops.plan("frames")["summary"].to_list() == ["nothing due"]
    assert RULINGS.latest(copied.lake)["ruling"].to_list() == ["released"]
    with pytest.raises(InputError, match="reason"):
        ops.rule_on("camera-01/gate.png", "quarantined", reason="  ")


def test_prediction_of_a_file_is_that_of_its_stored_row(filled: Filled):
    names = ["moving.mp4", "standing.mp4", "gate.png", "junk.mp4"]
    found = ops.predict([filled.inbox / name for name in names], source="camera-01")
    stored = all_tables()["predictions"].rows(filled.lake).collect()
    both = found.join(stored, on="frame_id", suffix="_stored")
    assert both.height == stored.height == 5
    assert (both["label"] == both["label_stored"]).all()
    assert ((both["confidence"] - both["confidence_stored"]).abs() <= 1e-5).all()
    junk = found.filter(pl.col("frame_id").is_null()).row(0, named=True)
    assert junk["problem"].startswith("unknown_kind")


def test_predicting_needs_files_and_a_champion(filled: Filled, tmp_path: Path):
    with pytest.raises(InputError, match="no file"):
        ops.predict(tmp_path / "nothing.mp4")
    with pytest.raises(ConfigurationError, match="no champion"):
        ops.predict(filled.inbox / "gate.png", lake=Lake.at(str(tmp_path / "other")))


def test_a_training_is_asked_for_by_name(copied: Filled):
    assert ops.train("new camera") == "scene-0002"
    assert ops.plan("snapshots")["new"].to_list() == [1]
