from __future__ import annotations

from pathlib import Path

import pytest

from mlops_assets.samples import WaveTruth, render_wave


@pytest.fixture(scope="session")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("landing")


@pytest.fixture(scope="session")
def waves(zone: Path) -> tuple[WaveTruth, WaveTruth]:
    return render_wave(zone, wave=1), render_wave(zone, wave=2)
