from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster_shared.utils.warnings import SupersessionWarning

from mlops_assets.settings import settings

with warnings.catch_warnings():  # Dagster discourages multi-asset sensors, and keeps them
    warnings.filterwarnings("ignore", category=SupersessionWarning)
    from mlops_assets.definitions import defs
    from mlops_assets_tests.defs.workbench import Workbench, serial


@pytest.fixture(scope="session")
def repository() -> dg.RepositoryDefinition:
    return defs().get_repository_def()


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: dg.RepositoryDefinition
) -> Iterator[Workbench]:
    """An empty platform; a file has landed as soon as it is there."""
    for name, value in {"HOME": str(tmp_path), "SETTLE_S": "0", "COOL_DOWN_S": "0"}.items():
        monkeypatch.setenv(f"MLOPS_{name}", value)
    settings.cache_clear()
    serial(monkeypatch)
    (tmp_path / "landing").mkdir()
    yield Workbench(repository, monkeypatch)
    monkeypatch.undo()
    settings.cache_clear()
