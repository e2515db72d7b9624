from __future__ import annotations

from pathlib import Path

import pytest

from mlops_assets.lake import Lake, use_lake


@pytest.fixture
def lake(tmp_path: Path):
    made = Lake.at(str(tmp_path / "lake"))
    with use_lake(made):
        yield made
