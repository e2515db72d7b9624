"""One training and one store serve the whole module: torch and MLflow are slow to start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.models import (
    Examples,
    LoggedTraining,
    ModelRegistry,
    TrainedHead,
    TrainingOptions,
    TrainingRecord,
    train_head,
)

DISTANCE = 3.0
BAYES = 0.9332  # two unit normals whose centres are 3 apart: Phi(1.5)


def _clusters(media: int, *, seed: int, items: int = 4) -> Examples:
    """Items of two classes; along one direction of eight their centres are DISTANCE apart."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(media) % 2, items)
    features = rng.normal(size=(len(truth), 8))
    features[:, 0] += DISTANCE * truth
    mixed = features @ np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0] * 5 + 100
    return Examples(
        features=mixed.astype(np.float32),
        labels=[("cat", "dog")[side] for side in truth],
        groups=[f"m{seed}-{row // items}" for row in range(len(truth))],
    )


@pytest.fixture(scope="module", params=[0, 16], ids=["linear", "hidden"])
def trained(request: pytest.FixtureRequest) -> TrainedHead:
    return train_head(_clusters(200, seed=2), options=TrainingOptions(hidden=request.param), seed=5)


def test_a_head_comes_near_the_best_possible_accuracy(trained: TrainedHead) -> None:
    unseen = _clusters(1_000, seed=3)
    said = trained.head.predict_proba(unseen.features).argmax(axis=1)
    accuracy = np.mean([trained.head.classes[i] for i in said] == np.array(unseen.labels))
    assert BAYES - 0.025 < accuracy < BAYES + 0.012


def test_numpy_and_torch_give_the_same_probabilities(trained: TrainedHead) -> None:
    import torch

    features = _clusters(100, seed=4).features
    with torch.no_grad():
        theirs = torch.softmax(trained.module(torch.from_numpy(features)), dim=1).numpy()
    assert np.abs(theirs - trained.head.predict_proba(features)).max() < 1e-5


def test_equal_seeds_give_equal_heads_and_leave_the_global_state_alone() -> None:
    import torch

    options = TrainingOptions(hidden=4, max_epochs=3)
    before = torch.random.get_rng_state()
    first, second, other = (
        train_head(_clusters(20, seed=6), options=options, seed=seed).head.to_bytes()
        for seed in (1, 1, 2)
    )
    assert first == second != other
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_rare_class_is_found_when_classes_are_balanced() -> None:
    many, few = _clusters(120, seed=7), _clusters(12, seed=8)
    cats = np.flatnonzero(np.array(many.labels) == "cat")
    dogs = np.flatnonzero(np.array(few.labels) == "dog")
    mixed = Examples(
        features=np.concatenate([many.features[cats], few.features[dogs]]),
        labels=["cat"] * len(cats) + ["dog"] * len(dogs),
        groups=[*many.take(cats).groups, *few.take(dogs).groups],
    )
    head = train_head(mixed, seed=0).head
    unseen = _clusters(100, seed=9)
    dogs = np.array(unseen.labels) == "dog"
    assert (head.predict_proba(unseen.features[dogs]).argmax(axis=1) == 1).mean() > 0.85


def test_training_works_without_media_to_set_aside_and_refuses_one_class() -> None:
    two = _clusters(2, seed=10)
    assert np.isnan(train_head(two, options=TrainingOptions(max_epochs=2), seed=0).validation_loss)
    with pytest.raises(InputError, match="two or more"):
        train_head(two.take(np.arange(4)), seed=0)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> ModelRegistry:
    folder = tmp_path_factory.mktemp("mlflow")
    return ModelRegistry(
        tracking_uri=f"sqlite:///{folder}/mlflow.db",
        experiment="heads",
        artifact_location=str(folder / "artifacts"),
    )


@pytest.fixture(scope="module")
def small() -> TrainedHead:
    return train_head(_clusters(20, seed=11), options=TrainingOptions(max_epochs=2), seed=0)


@pytest.fixture(scope="module")
def logged(registry: ModelRegistry, small: TrainedHead) -> LoggedTraining:
    record = TrainingRecord(
        trained=small,
        example=_clusters(1, seed=12).features,
        params={"hidden": 0},
        metrics={"accuracy": 0.9, "nothing": float("nan")},
        table_versions={"frames": 7},
        reference_profiles={"flow.speed": b"\x00\xff"},
        artifacts={"confusion.png": b"picture"},
        tags={"snapshot": "cats/1.0.0"},
    )
    with registry.training_run(name="first"):
        return registry.log_training(record)


def test_an_unknown_model_has_no_champion_and_no_versions(registry: ModelRegistry) -> None:
    assert registry.champion("nobody") is None
    assert registry.versions("nobody") == []
    with pytest.raises(ConfigurationError, match="nobody"):
        registry.load_head("nobody", 1)
    with pytest.raises(ConfigurationError, match="nobody"):
        registry.set_alias("nobody", "champion", 1)


def test_a_registered_head_comes_back_through_its_alias(
    registry: ModelRegistry, logged: LoggedTraining, small: TrainedHead
) -> None:
    version = registry.register("clips", logged, tags={"reason": "first"})
    assert registry.register("clips", logged).version == version.version == 1
    assert registry.champion("clips") is None
    registry.set_alias("clips", "champion", version.version)
    champion = registry.champion("clips")
    assert champion is not None
    assert (champion.version, champion.run_id) == (1, logged.run_id)
    assert champion.tags == {"reason": "first"}
    assert registry.challenger("clips") is None
    assert registry.load_head("clips", 1).to_bytes() == small.head.to_bytes()
    assert registry.load_reference_profiles("clips", 1) == {"flow.speed": b"\x00\xff"}
    assert registry.load_artifact(logged.run_id, "confusion.png") == b"picture"


def test_a_run_holds_what_is_needed_to_repeat_it(
    registry: ModelRegistry, logged: LoggedTraining
) -> None:
    import mlflow

    run = mlflow.MlflowClient(registry.tracking_uri).get_run(logged.run_id)
    assert run.data.params == {"hidden": "0", "table.frames": "7"}
    assert run.data.metrics["accuracy"] == 0.9
    assert "nothing" not in run.data.metrics
    assert run.data.tags["snapshot"] == "cats/1.0.0"
    assert b"torch" in registry.load_artifact(logged.run_id, "environment.json")
    assert b"frames" in registry.load_artifact(logged.run_id, "table_versions.json")
    with pytest.raises(ConfigurationError, match=r"no-such\.file"):
        registry.load_artifact(logged.run_id, "no-such.file")


def test_runs_end_finished_or_failed(registry: ModelRegistry) -> None:
    import mlflow

    client = mlflow.MlflowClient(registry.tracking_uri)
    run_ids: list[str] = []

    def run(examples: Examples) -> None:
        with registry.training_run() as run_id:
            run_ids.append(run_id)
            train_head(examples, options=TrainingOptions(max_epochs=1), seed=0)

    run(_clusters(4, seed=13))
    with pytest.raises(InputError, match="two or more"):
        run(_clusters(1, seed=13))
    assert [client.get_run(run).info.status for run in run_ids] == ["FINISHED", "FAILED"]


def test_a_named_run_is_logged_into_and_finished(
    registry: ModelRegistry, small: TrainedHead, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.chdir(tmp_path)
    client = mlflow.MlflowClient(registry.tracking_uri)
    run_id = client.create_run(registry.ensure_experiment()).info.run_id
    record = TrainingRecord(trained=small, example=_clusters(1, seed=12).features)
    assert registry.log_training(record, run_id=run_id).run_id == run_id
    assert client.get_run(run_id).info.status == "FINISHED"
    assert mlflow.active_run() is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigurationError, match="no MLflow run is active"):
        registry.log_training(record)
