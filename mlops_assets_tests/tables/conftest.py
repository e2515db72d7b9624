from __future__ import annotations

from pathlib import Path

import pytest

from mlops_assets.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake.at(str(tmp_path / "lake"))
