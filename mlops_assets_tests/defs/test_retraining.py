"""The loop: labels train a model, drift the next, a failure is tried once more, nothing twice."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dagster._core.storage.tags import PARTITION_NAME_TAG

from mlops_assets.datasets import (
    REQUESTS,
    Selection,
    ask_for_training,
    champion_for,
    champions,
    labelled_items,
)
from mlops_assets.errors import InternalError
from mlops_assets.lake import MEDIA, use_lake
from mlops_assets.lake.maintenance import vacuum_table
from mlops_assets.models.mlflow_bridge import load_mlflow
from mlops_assets.operations.behind import STATES
from mlops_assets.operations.maintenance import maintain, pinned_versions
from mlops_assets.rows import bring
from mlops_assets.settings import settings
from mlops_assets.tables import models as models_module
from mlops_assets.tables import table_named
from mlops_assets_tests.defs.classroom import STILLS, darken, land_class
from mlops_assets_tests.defs.workbench import Workbench, failures, metadata_of

pytestmark = [
    pytest.mark.filterwarnings(f"ignore{one}")
    for one in (
        "::dagster_shared.utils.warnings.BetaWarning",  # dagster-mlflow's hook
        ":InitResourceContext:DeprecationWarning",  # its resource
        "::DeprecationWarning:mlflow",
        "::DeprecationWarning:sqlalchemy",
    )
]

LOOP = "retraining_sensor"


def jobs(bench: Workbench) -> list[str]:
    return [result.job_def.name for result in bench.results]


def client_of(bench: Workbench) -> Any:
    return load_mlflow().MlflowClient(tracking_uri=f"sqlite:///{bench.home / 'mlflow.db'}")


def runs_of_mlflow(bench: Workbench) -> list[Any]:
    client = client_of(bench)
    (experiment,) = client.search_experiments(filter_string="name = 'scene'")
    return list(client.search_runs([experiment.experiment_id]))


def versions_of(bench: Workbench) -> list[int]:
    found = client_of(bench).search_model_versions("name = 'scene'")
    return sorted(int(one.version) for one in found)


def requests(bench: Workbench) -> list[str]:
    return REQUESTS.latest(bench.lake)["request_id"].to_list()


def test_a_chain_run_states_once_what_it_reached(learned: Workbench):
    assert STATES.statements(learned.lake)["state"].to_list() == ["reached", "reached"]


def test_enough_labels_train_the_first_model_once_and_score_with_it(learned: Workbench):
    assert jobs(learned) == ["bring_partition_job", "training_job", "bring_partition_job"]
    assert requests(learned) == ["scene-0001"]
    assert [one.name for one in champions(learned.lake, "scene")] == ["scene/1"]
    scored = learned.rows("predictions")
    assert scored.height == STILLS
    assert set(scored["model_version"]) == {"scene/1"}
    assert "is up to date" in str(learned.skipped[LOOP])


def test_a_training_is_an_mlflow_run_that_says_everything(learned: Workbench):
    (run,) = runs_of_mlflow(learned)
    client = client_of(learned)
    model = learned.rows("models").row(0, named=True)
    assert run.info.status == "FINISHED"
    assert run.info.run_id == model["mlflow_run_id"]
    assert run.data.tags["dagster_run_id"] == learned.results[1].run_id
    assert {"snapshot_id", "content_hash", "hidden", "max_epochs"} <= set(run.data.params)
    assert any("accuracy" in name for name in run.data.metrics)
    read = json.loads(learned.rows("snapshots")["table_versions"][0])
    assert {f"table.{n}": str(v) for n, v in read.items()}.items() <= run.data.params.items()
    assert set(read) >= {"raw_media", "labels", "frame_embeddings", "drift_profiles"}
    files = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert {"confusion.png", "head.safetensors", "environment.json"} <= files
    assert client.get_model_version_by_alias("scene", "champion").run_id == run.info.run_id
    assert versions_of(learned) == [1]


def test_a_model_shows_its_confusion_and_drift_its_distribution(learned: Workbench):
    assert "data:image/" in str(metadata_of(learned.results[1])["models"]["picture"])
    assert "data:image/" in str(metadata_of(learned.results[0])["drift_verdicts"]["picture"])


def test_a_model_materialized_alone_ends_its_mlflow_run_as_well(trained: Workbench):
    """By the hook of the asset, since there is no training job."""
    ask_for_training(trained.lake, "scene", cause="person", reason="once more", by="me")
    result = trained.materialize("snapshots", "models", "reference_profiles", key="scene")
    assert result.success, failures(result)
    assert [one.info.status for one in runs_of_mlflow(trained)] == ["FINISHED", "FINISHED"]
    assert trained.rows("models").height == 2


def test_nothing_is_trained_while_a_partition_has_work_left(bench: Workbench):
    land_class(bench)
    bench.tick("landing_sensor")
    bench.tick(LOOP)
    assert bench.skipped[LOOP] == "1 partitions have work left"
    assert requests(bench) == []


def test_a_partition_that_is_given_up_does_not_stop_the_loop(trained: Workbench):
    fails = break_table(trained, "documents")
    trained.drop("texts/a.txt", "a note")
    for _ in range(2):
        assert trained.tick() == 1
        assert not trained.run_next().success
    assert trained.tick() == 0
    assert len(fails) == 2
    assert "is up to date" in str(trained.skipped[LOOP])


def break_table(bench: Workbench, name: str) -> list[int]:
    """Let a function fail; returns the list of its calls."""
    calls: list[int] = []
    producer = table_named(name).producer
    plain = producer.function

    def broken(*args: object, **more: object) -> None:
        calls.append(1)
        raise InternalError("broken")

    broken.__module__ = plain.__module__
    bench.monkeypatch.setattr(producer, "function", broken)
    return calls


def test_drift_trains_again_once(trained: Workbench):
    darken(trained)
    trained.tick()
    assert trained.run_next().success
    verdicts = trained.rows("drift_verdicts")
    assert "frames.brightness" in set(verdicts.filter(severity="drift")["feature"])
    promoted = trained.run_all() - 1
    assert promoted in (0, 2), "a training, then the scores of both partitions if it won"
    assert requests(trained) == ["scene-0001", "scene-0002"]
    assert trained.rows("snapshots").sort("asked_at")["cause"].to_list() == ["first", "drift"]
    assert trained.rows("models").height == 2
    assert trained.run_all() == 0


def test_the_cool_down_holds_drift_back(trained: Workbench):
    trained.monkeypatch.setenv("MLOPS_COOL_DOWN_S", "3600")
    settings.cache_clear()
    darken(trained)
    assert trained.run_all() == 1
    assert "cooling down until" in str(trained.skipped[LOOP])
    assert requests(trained) == ["scene-0001"]
    trained.monkeypatch.setenv("MLOPS_COOL_DOWN_S", "0")
    settings.cache_clear()
    assert trained.tick(LOOP) == 1, "asked again although nothing new happened"


def test_a_failed_training_is_tried_once_more_and_its_mlflow_run_failed(trained: Workbench):
    def broken(*args: object, **more: object) -> None:
        raise InternalError("no memory")

    ask_for_training(trained.lake, "scene", cause="person", reason="once more", by="me")
    trained.monkeypatch.setattr(models_module, "run_experiment", broken)
    for _ in range(2):
        assert trained.tick() == 1
        assert trained.tick() == 0, "it is at work"
        assert not trained.run_next().success
    assert trained.tick() == 0
    assert trained.skipped[LOOP] == "scene-0002 failed 2 times; see its runs"
    assert sorted(one.info.status for one in runs_of_mlflow(trained)) == [
        "FAILED",
        "FAILED",
        "FINISHED",
    ]


def test_a_request_by_hand_after_a_failed_one_is_answered(trained: Workbench):
    ask_for_training(trained.lake, "scene", cause="person", reason="fails", by="me")
    tags = {PARTITION_NAME_TAG: "scene", "mlops/request": "scene-0002"}
    for _ in range(2):
        run = trained.instance.create_run_for_job(
            trained.repository.get_job("training_job"), tags=tags
        )
        trained.instance.report_run_failed(run)
    assert trained.tick() == 0
    ask_for_training(trained.lake, "scene", cause="person", reason="again", by="me")
    assert trained.tick() == 1
    result = trained.run_next()
    assert result.success, failures(result)
    assert trained.rows("models").height == 3, "one training answers all open requests"
    assert len(set(trained.rows("models")["mlflow_run_id"])) == 3
    assert {one.info.status for one in runs_of_mlflow(trained)} == {"FINISHED"}


def test_a_training_killed_before_its_commit_does_not_register_twice(trained: Workbench):
    ask_for_training(trained.lake, "scene", cause="person", reason="once more", by="me")
    plain = models_module._model

    def killed(*args: object) -> None:
        raise InternalError("killed")

    trained.monkeypatch.setattr(models_module, "_model", killed)
    trained.tick()
    assert not trained.run_next().success
    assert versions_of(trained) == [1, 2]
    trained.monkeypatch.setattr(models_module, "_model", plain)
    trained.tick()
    assert trained.run_next().success
    assert versions_of(trained) == [1, 2]
    assert trained.rows("models")["version"].sort().to_list() == [1, 2]


def test_the_rescoring_sensor_asks_when_a_model_was_promoted(trained: Workbench):
    darken(trained)
    trained.tick()
    trained.run_next()
    trained.tick(LOOP)
    assert trained.run_next().success
    promoted = bool(trained.rows("models").sort("version")["is_promoted"][-1])
    asked = trained.tick("rescoring_sensor")
    assert asked == (2 if promoted else 0)
    assert trained.tick() == 0, "no second run for the same news"


def test_maintenance_keeps_what_a_snapshot_pins(trained: Workbench):
    snapshot = trained.rows("snapshots").row(0, named=True)
    versions = json.loads(snapshot["table_versions"])
    assert pinned_versions(trained.lake) == {name: [number] for name, number in versions.items()}
    producer = table_named("frame_embeddings").producer
    trained.monkeypatch.setattr(producer, "version", "next")
    assert trained.run_all() >= 1
    maintain(trained.lake)
    for name in versions:
        vacuum_table(trained.lake, name, pinned=[versions[name]], retention_hours=0)
    again = labelled_items(trained.lake, Selection.stored(snapshot))
    assert again.content_hash == snapshot["content_hash"]


def test_drift_is_judged_from_stored_profiles_alone(trained: Workbench):
    """Frames and all they led to may be deleted; profiles are kept for ever."""
    verdicts = table_named("drift_verdicts").producer
    before = trained.rows("drift_verdicts").sort("profile_id")
    for name in ("frames", "frame_embeddings", "optical_flows", "predictions", "decodings"):
        shutil.rmtree(f"{trained.lake.uri(name)}", ignore_errors=True)
    shutil.rmtree(trained.lake.uri("drift_verdicts"))
    with use_lake(trained.lake):
        bring(verdicts, trained.lake, MEDIA.parse(trained.key))
    after = trained.rows("drift_verdicts").sort("profile_id")
    assert after.equals(before)


def test_the_day_of_a_promotion_bounds_how_far_it_reaches(trained: Workbench):
    today = datetime.now(UTC).date()
    long_ago = (today - timedelta(days=settings().look_back_days + 1)).isoformat()
    assert champion_for(trained.lake, "scene", long_ago) is None
    assert champion_for(trained.lake, "scene", today.isoformat()) is not None
