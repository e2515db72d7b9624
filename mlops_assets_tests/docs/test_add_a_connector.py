"""The connector that the documentation adds works as it stands there, once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mlops_assets.lake import Lake
from mlops_assets.landing import ARRIVALS, Budget, register_all, stated_sources
from mlops_assets.landing.arrivals import known_arrivals
from mlops_assets.landing.sources import BUILT_IN
from mlops_assets.settings import settings
from mlops_assets_tests.docs.pages import PROJECT, blocks

PAGE = (PROJECT / "docs" / "connectors.md").read_text()


def test_a_connector_is_a_file_and_a_row(lake: Lake, tmp_path: Path, monkeypatch):
    (code,) = blocks(PAGE, "python")
    _, row = blocks(PAGE, "toml")
    remarks = tmp_path / "remarks.txt"
    (tmp_path / "my_feeds.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MLOPS_SOURCES", row.replace("/srv/remarks.txt", str(remarks)))
    settings.cache_clear()
    remarks.write_text("one\ntwo\n")
    assert register_all(lake, stated_sources(), budget=Budget()).files == 2
    remarks.write_text("one\ntwo\nthree\n")
    assert register_all(lake, stated_sources(), budget=Budget()).files == 1
    assert ARRIVALS.statements(lake).height == 3
    sha256 = known_arrivals(lake).filter(path="000002.txt")["sha256"].item()
    assert lake.vault.read(sha256) == b"three"
    settings.cache_clear()


def test_the_example_is_short():
    (code,) = blocks(PAGE, "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20


def test_every_connector_is_shown_with_options_it_has(monkeypatch: pytest.MonkeyPatch):
    text = blocks(PAGE, "toml")[0]
    shown = tomllib.loads(text)
    assert {row["connector"] for row in shown.values()} == set(BUILT_IN)
    for name in (
        "NORTH_GATE_KEY",
        "NORTH_GATE_SECRET",
        "ARCHIVE_DB",
        "PARTNER_TOKEN",
        "DOCK_CAMERA",
    ):
        monkeypatch.setenv(name, "sqlite:///none.db")
    monkeypatch.setenv("MLOPS_SOURCES", text)
    settings.cache_clear()
    assert len([source.connector.describe() for source in stated_sources()]) == len(shown)
    settings.cache_clear()
