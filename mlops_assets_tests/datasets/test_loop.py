"""Requests are numbered, champions are known by time, labels are counted once per medium."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_assets.datasets import (
    REQUESTS,
    Selection,
    ask_for_training,
    champion_for,
    champions,
    labelled_items,
    labelled_per_class,
)
from mlops_assets.datasets.champions import Champion
from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_requests_of_a_model_are_numbered(lake: Lake):
    for number, model in enumerate(["scene", "scene", "gate"]):
        now = NOW + timedelta(seconds=number)
        ask_for_training(lake, model, cause="person", reason="", by="me", now=now)
    asked = REQUESTS.latest(lake)["request_id"].to_list()
    assert asked == ["scene-0001", "scene-0002", "gate-0001"]


def test_a_lake_without_models_has_no_champion(lake: Lake):
    assert champions(lake, "scene") == []
    assert champion_for(lake, "scene", "2026-11-20") is None


@pytest.mark.parametrize(
    ("day", "version"),
    [
        ("2026-10-10", None),
        ("2026-10-21", 1),
        ("2026-11-20", 1),
        ("2026-11-21", 2),
        ("2026-12-30.2", 2),
    ],
)
def test_a_promotion_reaches_back_as_far_as_the_setting_says(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, day: str, version: int | None
):
    """Thirty days: that of 20 November reaches 21 October, that of 21 December 21 November."""
    known = [
        Champion("scene", 1, NOW, "scene-0001"),
        Champion("scene", 2, NOW + timedelta(days=31), "scene-0002"),
    ]
    module = sys.modules[Champion.__module__]
    monkeypatch.setattr(module, "champions", lambda lake, model: known)
    found = champion_for(lake, "scene", day)
    assert (found and found.version) == version


def test_an_empty_lake_has_nothing_to_learn_from(lake: Lake):
    assert Selection.at_present(lake, ["open"]).versions == {}
    assert labelled_per_class(lake, ["open"]) == {}
    assert labelled_items(lake, Selection()).items.is_empty()


def test_a_version_that_is_gone_is_an_error(lake: Lake):
    schema = pl.Schema({"source": pl.String(), "day": pl.String()})
    lake.create("labels", schema, ())
    lake.create("raw_media", schema, ())
    with pytest.raises(ConfigurationError, match="no version 9"):
        labelled_items(lake, Selection({"labels": 0, "raw_media": 9, "frame_embeddings": 0}))
