"""The table that the README adds works as it stands there, and computes nothing the second time."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import polars as pl
import pytest

from mlops_assets.lake import MEDIA, Lake
from mlops_assets.media import encode_jpeg
from mlops_assets.rows import Origin, bring
from mlops_assets.tables.decodings import Frame, frames
from mlops_assets_tests.docs.pages import README, blocks, section

PARTITION = MEDIA.of("camera-01", "2026-11-20")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The block of the README as the module `my_tables.colours`, as a user would write it."""
    (block,) = blocks(section(README, "Add a table"), "python")
    package = tmp_path / "my_tables"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "colours.py").write_text(block)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("my_tables.colours")
    for name in ("my_tables.colours", "my_tables"):
        sys.modules.pop(name, None)


def frame(jpeg: bytes) -> Frame:
    return Frame.of({"frame_id": "a#000000", "media_id": "a", "jpeg": jpeg})


def half_and_half() -> bytes:
    """Two thirds red above one third blue, in blocks that JPEG keeps apart."""
    picture = np.zeros((48, 48, 3), np.uint8)
    picture[:32] = (224, 32, 32)
    picture[32:] = (32, 32, 224)
    return encode_jpeg(picture, quality=100)


def test_a_table_added_by_a_user_finds_the_colours_that_were_painted(module):
    found = list(module.colours(frame(half_and_half()), most=2))
    assert [one.rgb for one in found] == ["#e02020", "#2020e0"]
    assert [one.share for one in found] == pytest.approx([2 / 3, 1 / 3], abs=0.03)


def test_it_is_computed_once_and_found_by_the_setting(module, lake: Lake, monkeypatch):
    from mlops_assets.settings import settings
    from mlops_assets.tables import all_tables

    monkeypatch.setenv("MLOPS_TABLE_MODULES", '["my_tables"]')
    for cached in (settings, all_tables):
        cached.cache_clear()
    try:
        colours = all_tables()["colours"]
    finally:
        monkeypatch.delenv("MLOPS_TABLE_MODULES")
        for cached in (settings, all_tables):
            cached.cache_clear()
    _read_frames_from(monkeypatch, colours, [frame(half_and_half())])
    first = bring(colours.producer, lake, PARTITION)
    second = bring(colours.producer, lake, PARTITION)
    made = len(list(module.colours(frame(half_and_half()))))
    assert (str(first.plan), first.rows["colours"]) == ("1 new", made)
    assert (str(second.plan), second.changed) == ("nothing due", False)


def _read_frames_from(monkeypatch, table, rows: list[Frame]) -> None:
    """Let the table's lineage read these frames instead of a decoded partition."""
    names = frames.row.reading("image")
    told = pl.DataFrame([{n: getattr(one, n) for n in names} for one in rows])
    origin = Origin("frames", Frame, lambda lake, partition: told)
    (reading,) = table.producer.lineage.readings
    monkeypatch.setattr(reading.parent, "scan", origin.scan)
