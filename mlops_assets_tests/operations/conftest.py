from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlops_assets.lake import Lake, Partition, use_lake
from mlops_assets.settings import settings
from mlops_assets_tests.operations import filling


@dataclass(frozen=True)
class Filled:
    """A home folder with a landing zone and a lake that is as its inputs imply."""

    home: Path
    partition: Partition

    @property
    def lake(self) -> Lake:
        return Lake.at(str(self.home / "lake"))

    @property
    def inbox(self) -> Path:
        return self.home / "landing" / filling.SOURCE


def set_home(home: Path, patch: pytest.MonkeyPatch) -> None:
    for name, value in {"HOME": str(home), "SETTLE_S": "0", "MODEL": "scene"}.items():
        patch.setenv(f"MLOPS_{name}", value)
    for name in ("LAKE", "LANDING", "TABLE_MODULES"):
        patch.delenv(f"MLOPS_{name}", raising=False)
    settings.cache_clear()


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory: pytest.TempPathFactory):
    """Made once; never changed."""
    home = tmp_path_factory.mktemp("filled")
    lake = Lake.at(str(home / "lake"))
    filling.render_inbox(home / "landing")
    with pytest.MonkeyPatch.context() as patch:
        set_home(home, patch)
        filling.fill(lake, home / "landing")
    settings.cache_clear()
    return Filled(home, filling.media_partition(lake))


@pytest.fixture
def filled(filled_once: Filled, monkeypatch: pytest.MonkeyPatch):
    """The filled lake, to look at."""
    set_home(filled_once.home, monkeypatch)
    with use_lake(filled_once.lake):
        yield filled_once
    settings.cache_clear()


@pytest.fixture
def copied(filled_once: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A copy of the filled lake, to spoil."""
    home = tmp_path / "home"
    shutil.copytree(filled_once.home, home)
    set_home(home, monkeypatch)
    made = Filled(home, filled_once.partition)
    with use_lake(made.lake):
        yield made
    settings.cache_clear()


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A home folder in which nothing ever happened."""
    set_home(tmp_path / "home", monkeypatch)
    yield tmp_path / "home"
    settings.cache_clear()
