from __future__ import annotations

import contextlib
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster_shared.utils.warnings import SupersessionWarning

from mlops_assets.samples import render_clip, render_still
from mlops_assets.settings import settings

with warnings.catch_warnings():  # Dagster discourages multi-asset sensors, and keeps them
    warnings.filterwarnings("ignore", category=SupersessionWarning)
    from mlops_assets.definitions import defs
    from mlops_assets_tests.defs.classroom import CLASS_FILES, land_class
    from mlops_assets_tests.defs.workbench import Workbench, serial


@pytest.fixture(scope="session")
def repository() -> dg.RepositoryDefinition:
    return defs().get_repository_def()


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: dg.RepositoryDefinition
) -> Iterator[Workbench]:
    """An empty platform; a file has landed as soon as it is there."""
    with opened(tmp_path, monkeypatch, repository) as made:
        yield made


@pytest.fixture(scope="session")
def first_run(
    tmp_path_factory: pytest.TempPathFactory, repository: dg.RepositoryDefinition
) -> Workbench:
    """The whole chain, run once over two sources; to be looked at only."""
    with opened(tmp_path_factory.mktemp("first"), pytest.MonkeyPatch(), repository) as made:
        land_media(made)
        assert made.run_all() == 2
    return made


@pytest.fixture
def brought(
    first_run: Workbench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: dg.RepositoryDefinition,
) -> Iterator[Workbench]:
    """A copy of the platform of `first_run`, on a new instance that knows its partitions."""
    home = shutil.copytree(first_run.home, tmp_path / "home")
    with opened(home, monkeypatch, repository) as made:
        assert made.tick() == 0
        yield made


@pytest.fixture(scope="session")
def learned(
    tmp_path_factory: pytest.TempPathFactory, repository: dg.RepositoryDefinition
) -> Workbench:
    """Labelled stills landed, a model was trained and scored them; to be looked at only."""
    with opened(tmp_path_factory.mktemp("learned"), pytest.MonkeyPatch(), repository) as made:
        land_class(made)
        made.run_all()
    return made


@pytest.fixture
def trained(
    learned: Workbench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: dg.RepositoryDefinition,
) -> Iterator[Workbench]:
    """A copy of the platform of `learned`, on a new instance that knows its partitions."""
    home = shutil.copytree(learned.home, tmp_path / "home")
    with opened(home, monkeypatch, repository) as made:
        assert made.tick() == 0
        yield made


@contextlib.contextmanager
def opened(
    home: Path, monkeypatch: pytest.MonkeyPatch, repository: dg.RepositoryDefinition
) -> Iterator[Workbench]:
    """A platform on a home, whose settings hold while the block lasts."""
    chosen = {"HOME": str(home), "SETTLE_S": "0", "COOL_DOWN_S": "0", "MIN_LABELLED": "6"}
    for name, value in {**chosen, "PARTITION_MAX_FILES": str(CLASS_FILES)}.items():
        monkeypatch.setenv(f"MLOPS_{name}", value)
    settings.cache_clear()
    serial(monkeypatch)
    (home / "landing").mkdir(exist_ok=True)
    try:
        yield Workbench(repository, monkeypatch)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def land_media(bench: Workbench) -> None:
    """Stills, one labelled, a clip and a text from one source; a still from another."""
    folder = bench.home / "rendered"
    folder.mkdir()
    for number in range(3):
        render_still(folder / f"{number}.jpg", size=(96, 72), seed=number)
    render_clip(folder / "clip.mp4", frames=24, size=(96, 72))
    for name in ("0.jpg", "1.jpg", "clip.mp4"):
        bench.drop(f"camera-01/{name}", (folder / name).read_bytes())
    bench.drop("camera-01/0.jpg.json", '{"labels": ["vehicle"]}')
    bench.drop("camera-01/note.txt", "A van waits at the north gate. Nobody is in it.")
    bench.drop("camera-02/2.jpg", (folder / "2.jpg").read_bytes())
