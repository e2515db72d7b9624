"""Settings: what is empty is not set, what is wrong says what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.settings import settings


@pytest.fixture(autouse=True)
def fresh():
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize("name", ["MLOPS_HOME", "MLOPS_WORKERS", "MLOPS_TRAIN_ON"])
def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str):
    """Compose files and CI pass on variables that nobody set."""
    monkeypatch.delenv(name, raising=False)
    unset = settings()
    settings.cache_clear()
    monkeypatch.setenv(name, "")
    assert settings() == unset


def test_a_value_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path))
    monkeypatch.setenv("MLOPS_TRAIN_ON", '["open"]')
    assert settings().lake_root == str(tmp_path / "lake")
    assert settings().train_on == ["open"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MLOPS_WORKERS", "-1", "greater than or equal to 0"),
        ("MLOPS_ORPHAN_LIMIT", "2", "less than or equal to 1"),
        ("MLOPS_TRAIN_ON", "open", "JSON"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"MLOPS_.*{said}"):
        settings()
