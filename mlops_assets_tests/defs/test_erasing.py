"""Dagster forgets too: runs, events and their pictures; and every night what is old enough."""

from __future__ import annotations

import base64
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from mlops_assets.defs.erasing import InstanceHistory
from mlops_assets.landing.tombstones import erased_media
from mlops_assets.operations import erasing
from mlops_assets.operations.erasing import marks
from mlops_assets.operations.erasing.history import DagsterHistory, Remembered
from mlops_assets.samples import render_still
from mlops_assets.settings import settings
from mlops_assets_tests.defs.conftest import opened
from mlops_assets_tests.defs.workbench import Workbench, metadata_of

CHAIN = ("raw_media", "labels", "decodings")


@pytest.fixture(scope="module")
def shown_once(
    tmp_path_factory: pytest.TempPathFactory, repository: dg.RepositoryDefinition
) -> Path:
    """The home of `shown`, made once; never changed."""
    home = tmp_path_factory.mktemp("shown")
    (home / "dagster").mkdir()
    (home / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with on_disk(home, pytest.MonkeyPatch(), repository) as bench:
        for number in range(2):
            still = home / "still.jpg"
            render_still(still, size=(96, 72), seed=number)
            bench.drop(f"camera-0{number}/still.jpg", still.read_bytes())
            still.unlink()
        assert bench.run_all() == 2
    return home


@pytest.fixture
def shown(
    shown_once: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: dg.RepositoryDefinition,
) -> Iterator[Workbench]:
    """Two partitions whose contact sheets are in the events of an instance on disk."""
    home = shutil.copytree(shown_once, tmp_path / "home")
    with on_disk(home, monkeypatch, repository) as bench:
        yield bench


@contextlib.contextmanager
def on_disk(
    home: Path, monkeypatch: pytest.MonkeyPatch, repository: dg.RepositoryDefinition
) -> Iterator[Workbench]:
    with opened(home, monkeypatch, repository) as bench:
        bench.only(CHAIN)
        with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
            bench.instance = instance
            yield bench


def media_of(bench: Workbench, source: str) -> str:
    rows = bench.rows("raw_media").filter(source=source)
    return rows["media_id"].item()


def key_of(bench: Workbench, source: str) -> str:
    return next(key for key in bench.partitions if key.startswith(source))


def sheet_of(bench: Workbench, key: str) -> bytes:
    """A piece of the contact sheet of a partition, as it stands in the events."""
    (path,) = [
        entry["path"]
        for entry in bench.lake.store.list("pictures/frames")
        if key.split("@")[0] in entry["path"]
    ]
    return base64.b64encode(bench.lake.store.get(path))[-400:-300]


def files_with(folder: Path, piece: bytes) -> list[str]:
    return [
        file.name for file in folder.rglob("*") if file.is_file() and piece in file.read_bytes()
    ]


def test_pictures_of_forgotten_media_are_in_no_byte_of_the_event_log(shown: Workbench):
    folder = shown.home / "dagster"
    gone, kept = key_of(shown, "camera-00"), key_of(shown, "camera-01")
    mine, theirs = sheet_of(shown, gone), sheet_of(shown, kept)
    media = media_of(shown, "camera-00")
    assert files_with(folder, mine)
    shown.instance.dispose()  # as when another process asks
    history = DagsterHistory(folder)
    done = erasing.forget([media], reason="asked for", do=True, history=history)
    assert done.traces.is_empty()
    assert files_with(folder, mine) == []
    assert files_with(folder, theirs)


def test_an_instance_that_forgot_a_partition_works_on(shown: Workbench):
    gone, kept = key_of(shown, "camera-00"), key_of(shown, "camera-01")
    history = InstanceHistory(shown.instance)
    assert history.erase([gone]) == Remembered(1, 0)
    assert history.erase([gone]) == Remembered(0, 0)
    (latest,) = shown.instance.fetch_materializations(dg.AssetKey("frames"), limit=5).records
    assert latest.partition_key == kept
    known = shown.instance.get_latest_materialization_event(dg.AssetKey("frames"))
    assert known is not None
    assert known.asset_materialization is not None
    assert known.asset_materialization.partition == kept
    shown.drop("camera-00/new.jpg", (shown.landing / "camera-01/still.jpg").read_bytes()[:-1])
    assert shown.run_all() == 1
    assert history.count([gone]) == Remembered(1, 0)


def test_runs_at_work_are_left_alone(shown: Workbench):
    gone = key_of(shown, "camera-00")
    job = shown.repository.get_job("bring_partition_job")
    tags = {"dagster/partition": gone}
    run = shown.instance.create_run_for_job(
        job_def=job, tags=tags, status=dg.DagsterRunStatus.STARTED
    )
    history = InstanceHistory(shown.instance)
    assert history.erase([gone]) == Remembered(1, 1)
    assert shown.instance.has_run(run.run_id)


def run_retention(bench: Workbench, *, dry_run: bool) -> dict[str, object]:
    config = {"ops": {"retention": {"config": {"dry_run": dry_run}}}}
    job = bench.repository.get_job("retention_job")
    result = job.execute_in_process(instance=bench.instance, run_config=config)
    return metadata_of(result)["retention"]


def test_every_night_what_is_old_enough_goes(shown: Workbench, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    old, young = media_of(shown, "camera-00"), media_of(shown, "camera-01")
    assert run_retention(shown, dry_run=False)["forgotten_media"] == 0
    monkeypatch.setenv("MLOPS_RETENTION", '{"camera-00": 0}')
    settings.cache_clear()
    told = run_retention(shown, dry_run=True)
    assert (told["expired_media"], told["forgotten_media"]) == (1, 0)
    assert not erased_media(shown.lake)
    told = run_retention(shown, dry_run=False)
    assert (told["forgotten_media"], told["traces_left"]) == (1, 0)
    assert told["expired_by_rule"] == {"camera-00": 1}
    assert erased_media(shown.lake) == {old}
    assert shown.rows("raw_media")["media_id"].to_list() == [young]
    assert erasing.forgotten()["ruled_by"].to_list() == ["retention"]
    assert run_retention(shown, dry_run=False)["expired_media"] == 0


@pytest.mark.filterwarnings(
    "ignore::dagster_shared.utils.warnings.BetaWarning",  # dagster-mlflow's hook
    "ignore:InitResourceContext:DeprecationWarning",  # its resource
    "ignore::DeprecationWarning:mlflow",
    "ignore::DeprecationWarning:sqlalchemy",
)
def test_a_model_that_learned_from_it_is_trained_anew(trained: Workbench, monkeypatch):
    blanked = []
    monkeypatch.setattr(marks, "blank_examples", lambda *of, **more: blanked.append(of[1:]))
    history = InstanceHistory(trained.instance)
    labelled = trained.rows("labels").filter(item_path="0.jpg")
    assert labelled.height == 1
    done = erasing.forget(["gate/0.jpg"], reason="asked for", do=True, history=history)
    assert done.traces.is_empty()
    assert done.impact.filter(what="model")["name"].to_list() == ["scene/1"]
    assert blanked == [("scene", 1)]
    trained.run_all()
    models = trained.rows("models").sort("version")
    asked = trained.rows("training_requests").sort("recorded_at")
    assert models["request_id"].to_list() == asked["request_id"].to_list()
    assert asked["cause"].to_list()[-1] == "erasure"
    first, second = trained.rows("snapshots").sort("asked_at")["media_count"].to_list()
    assert second == first - 1
    assert erasing.incomplete_snapshots()["snapshot_id"].to_list() == ["scene-0001"]
    assert trained.rows("frames").filter(pl.col("media_id") == done.media[0]).is_empty()
