"""Sightings: a row per frame, whoever looks; what a detector cannot judge is never clear."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from mlops_assets.filters import Evidence
from mlops_assets.lake import Lake
from mlops_assets.media import decode_jpeg
from mlops_assets.privacy import DEFAULT_DETECTOR, DETECTORS, Region, find_detector, preview
from mlops_assets.rows import make_plan
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.tables import sightings as module
from mlops_assets.tables.sightings import sightings
from mlops_assets_tests.tables.planting import PARTITION, frame, jpeg, plant_frames, rows_of, run

SIDE = 160


class RedSquares:
    """Takes the largest red area for a face."""

    version = "red-1"
    working_range = DETECTORS[DEFAULT_DETECTOR].working_range

    def find(self, picture: np.ndarray) -> Sequence[Region]:
        is_red = (picture[..., 2] > 200) & (picture[..., 1] < 60)
        rows, columns = np.nonzero(is_red)
        if not len(rows):
            return []
        top, left = int(rows.min()), int(columns.min())
        size = (int(columns.max()) - left + 1, int(rows.max()) - top + 1)
        return [Region("face", left, top, *size, 0.9)]


@pytest.fixture(autouse=True)
def red_squares(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(DETECTORS, "red-squares", RedSquares())
    find_detector.cache_clear()
    yield
    find_detector.cache_clear()


def picture(*, square: bool = False, light: float = 1.0, side: int = SIDE) -> np.ndarray:
    """Discs of gray, with a red square of 40 px at (100, 20) if wanted."""
    rng = np.random.default_rng(7)
    down, across = np.mgrid[:side, :side]
    seen = np.full((side, side, 3), 90)
    for _ in range(12):
        centre, radius, gray = rng.integers(0, side, 2), rng.integers(8, 30), rng.integers(60, 220)
        seen[(down - centre[0]) ** 2 + (across - centre[1]) ** 2 < radius**2] = gray
    if square:
        seen[20:60, 100:140] = (255, 0, 0)
    return (seen * light).astype(np.uint8)


def looked(lake: Lake, *pictures: np.ndarray) -> pl.DataFrame:
    rows = [frame("clip", index, one, one) for index, one in enumerate(pictures)]
    plant_frames(lake, rows)
    set_parameters(sightings.producer, lake, {"detector": "red-squares"}, source="*", by="me")
    run(lake, sightings)
    return rows_of(lake, sightings)


def test_what_is_seen_has_a_box_where_it_is(lake: Lake):
    rows = looked(lake, picture(square=True), picture())
    assert rows.select("privacy", "faces", "plates").rows() == [("found", 1, 0), ("clear", 0, 0)]
    (box,) = json.loads(rows["regions_json"][0])
    found = [box[name] for name in ("left_px", "top_px", "width_px", "height_px")]
    assert found == pytest.approx([100, 20, 40, 40], abs=2)


@pytest.mark.parametrize(
    ("seen", "why"),
    [(picture(light=0.01), "dark"), (picture(side=40), "small")],
)
def test_below_the_working_range_nobody_says_clear(lake: Lake, seen: np.ndarray, why: str):
    rows = looked(lake, seen)
    assert rows["privacy"].to_list() == ["unknown"]
    assert why in rows["why"][0]


def test_where_nobody_looks_nothing_is_clear(lake: Lake):
    plant_frames(lake, [frame("clip", 0, picture(), picture())])
    set_parameters(sightings.producer, lake, {"detector": "none"}, source="*", by="me")
    run(lake, sightings)
    assert rows_of(lake, sightings).select("privacy", "faces").rows() == [("unknown", 0)]


def test_text_is_looked_for_in_every_so_many_frames(lake: Lake, monkeypatch):
    proof = (Evidence("hidden_text", "faint"),)
    monkeypatch.setattr(module, "find_hidden_text", lambda picture: proof)
    plant_frames(lake, [frame("clip", index, picture(), picture()) for index in range(12)])
    for every, looked_at in ((10, [0, 10]), (5, [0, 5, 10]), (0, [])):
        values = {"detector": "none", "text_every": every}
        set_parameters(sightings.producer, lake, values, source="*", by="me")
        run(lake, sightings)
        flags = rows_of(lake, sightings)["flags"].to_list()
        assert [place for place, told in enumerate(flags) if told] == looked_at


def test_another_version_of_the_detector_looks_again(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    looked(lake, picture())
    assert make_plan(sightings.producer, lake, PARTITION).is_empty
    monkeypatch.setattr(RedSquares, "version", "red-2")
    assert make_plan(sightings.producer, lake, PARTITION).counts == {"params": 1}


def test_nobody_is_recognised_in_a_preview():
    shown = preview(jpeg(picture(square=True)), is_private=False, detector="red-squares")
    seen = decode_jpeg(shown)
    assert not RedSquares().find(seen[..., ::-1])
    untouched = np.abs(seen[80:].astype(int) - picture()[80:]).mean()
    assert untouched < 6  # JPEG


@pytest.mark.parametrize("seen", [picture(), picture(light=0.01)])
def test_of_a_private_picture_only_colours_are_left(seen: np.ndarray):
    is_private = bool(seen.max() > 100)
    shown = decode_jpeg(preview(jpeg(seen), is_private=is_private, detector="red-squares"))
    assert shown.shape == seen.shape
    fine = np.abs(np.diff(shown.astype(int), axis=1)).mean()
    assert fine < 3
    assert np.abs(shown.mean() - seen.mean()) < 4
