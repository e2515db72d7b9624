"""Redaction: what is covered is covered in every stored picture, and the rows say by whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlops_assets.lake import MEDIA, Lake, Partition, use_lake
from mlops_assets.landing import ARRIVALS, register
from mlops_assets.media import decode_jpeg
from mlops_assets.privacy import (
    DEFAULT_DETECTOR,
    DETECTORS,
    Region,
    detector_version,
    find_detector,
)
from mlops_assets.rows import make_plan
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.samples import render_clip
from mlops_assets.tables.decodings import decodings, frames
from mlops_assets.tables.raw_media import raw_media
from mlops_assets_tests.tables.planting import run

BOX = Region("face", 40, 30, 20, 20, 0.9)


class AlwaysThere:
    """Sees a face at one place in every picture, whatever it shows."""

    version = "always-1"
    working_range = DETECTORS[DEFAULT_DETECTOR].working_range

    def find(self, picture: np.ndarray) -> list[Region]:
        return [BOX]


@pytest.fixture
def landed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setitem(DETECTORS, DEFAULT_DETECTOR, AlwaysThere())
    find_detector.cache_clear()
    folder = tmp_path / "landing"
    (folder / "camera-01").mkdir(parents=True)
    render_clip(folder / "camera-01" / "clip.mp4", frames=24, size=(128, 96), seed=3)
    lake = Lake.at(str(tmp_path / "lake"))
    register(lake, folder, settle_s=0)
    with use_lake(lake):
        yield lake
    find_detector.cache_clear()


def arrived(lake: Lake) -> Partition:
    (place,) = ARRIVALS.latest(lake).select("source", "day").unique().rows()
    return MEDIA.of(*place)


def stored(lake: Lake) -> list[np.ndarray]:
    rows = frames.rows(lake).sort("index").select("jpeg", "next_jpeg").collect()
    return [decode_jpeg(one) for pair in rows.rows() for one in pair if one]


def test_samples_and_successors_are_covered_before_they_are_stored(landed: Lake):
    place = arrived(landed)
    run(landed, raw_media, place)
    run(landed, decodings, place)
    plain, measured = stored(landed), frames.rows(landed).select("phash", "sharpness").collect()
    set_parameters(decodings.producer, landed, {"redact": "box"}, source="*", by="me")
    assert make_plan(decodings.producer, landed, place).counts == {"params": 1}
    run(landed, decodings, place)
    covered = stored(landed)
    assert len(covered) == len(plain) == 4
    inside = slice(BOX.top_px, BOX.top_px + BOX.height_px), slice(BOX.left_px, BOX.left_px + 20)
    for before, after in zip(plain, covered, strict=True):
        assert before[inside].mean() > 40
        assert after[inside].mean() < 8
        beside = before[:, 80:].astype(int) - after[:, 80:]
        assert np.abs(beside).mean() < 3
    again = frames.rows(landed).select("phash", "sharpness").collect()
    assert again.equals(measured), "what is measured is the picture before"


def test_another_detector_covers_again_only_where_it_covers(landed, monkeypatch):
    place = arrived(landed)
    for table in (raw_media, decodings):
        run(landed, table, place)
    monkeypatch.setattr(AlwaysThere, "version", "always-2")
    assert detector_version(DEFAULT_DETECTOR) == "always-2"
    assert make_plan(decodings.producer, landed, place).is_empty
    set_parameters(decodings.producer, landed, {"redact": "blur"}, source="*", by="me")
    run(landed, decodings, place)
    monkeypatch.setattr(AlwaysThere, "version", "always-3")
    assert make_plan(decodings.producer, landed, place).counts == {"params": 1}
