"""A sheet of what was stopped: pictures where they may be shown, cards where not, bounded."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlops_assets.gates.checking.thumbnails import draw_thumbnails
from mlops_assets.lake import Lake
from mlops_assets.landing import stopped_sheet
from mlops_assets.landing.stopped_sheet import SHEET_ITEMS, Stopped, draw_stopped
from mlops_assets.media.pictures import decode_jpeg

RED, BLUE = (250, 0, 0), (0, 0, 250)
TILE = 160


def picture(file: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (640, 480), colour).save(file)
    return file


def stopped(media_id: str, path: str = "a.png", kind: str = "image", **more) -> Stopped:
    return Stopped(media_id, path, kind, "too_dark", 10, **{"is_hidden": False, **more})


def tile(sheet: bytes | None, number: int) -> np.ndarray:
    assert sheet is not None
    left = number * TILE
    return decode_jpeg(sheet)[:TILE, left : left + TILE]


def shows(shown: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(shown.astype(int) - colour).max(axis=2) < 60).mean() > 0.5)


def test_what_may_be_seen_is_seen_and_the_rest_has_a_card(lake: Lake, tmp_path: Path):
    red = lake.vault.keep(picture(tmp_path / "red.png", RED))
    blue = lake.vault.keep(picture(tmp_path / "blue.png", BLUE))
    junk = tmp_path / "junk"
    junk.write_bytes(b"\xff\xd8\xff" + os.urandom(1000))
    items = [
        stopped(red),
        stopped(blue, is_hidden=True),
        stopped(lake.vault.keep(junk)),
        stopped("0" * 64),  # lost
        stopped(red, kind="document"),
    ]
    sheet = draw_stopped(items, lake.vault)
    assert [shows(tile(sheet, n), RED) for n in range(5)] == [True, False, False, False, True]
    assert not any(shows(tile(sheet, n), BLUE) for n in range(5))


def test_what_is_hidden_once_is_never_shown(lake: Lake, tmp_path: Path):
    red = lake.vault.keep(picture(tmp_path / "red.png", RED))
    sheet = draw_stopped([stopped(red), stopped(red, is_hidden=True)], lake.vault)
    assert not shows(tile(sheet, 0), RED)
    assert not shows(tile(sheet, 1), RED)


@pytest.mark.parametrize("path", ["", "\n\n\x00", "\u202egnp.exe" * 900, "ü" * 4000, "a/" * 90])
def test_a_hostile_name_takes_one_line(lake: Lake, path: str):
    plain = draw_stopped([stopped("0" * 64, "a.png")], lake.vault)
    sheet = draw_stopped([stopped("0" * 64, path)], lake.vault)
    assert sheet is not None
    assert plain is not None
    assert decode_jpeg(sheet).shape == decode_jpeg(plain).shape


def test_no_more_than_fit_are_drawn_and_nothing_of_nothing(lake: Lake):
    many = [stopped("0" * 64)] * (SHEET_ITEMS + 5)
    assert draw_stopped(many, lake.vault) == draw_stopped(many[:SHEET_ITEMS], lake.vault)
    assert draw_stopped([], lake.vault) is None


def test_nothing_is_fetched_or_drawn_when_there_is_no_time(lake: Lake, tmp_path: Path):
    red = lake.vault.keep(picture(tmp_path / "red.png", RED))
    assert not shows(tile(draw_stopped([stopped(red)], lake.vault, limit_s=0.0), 0), RED)


def test_nothing_is_decoded_in_this_process(lake: Lake, tmp_path: Path, monkeypatch):
    asked: list[dict[str, Path]] = []

    def draw(files: dict[str, Path], *, limit_s: float) -> dict[str, bytes]:
        asked.append(files)
        return {}

    monkeypatch.setattr(stopped_sheet, "draw_thumbnails", draw)
    red = lake.vault.keep(picture(tmp_path / "red.png", RED))
    assert not shows(tile(draw_stopped([stopped(red)], lake.vault), 0), RED)
    assert asked == [{red: Path(lake.store.uri(lake.vault.path(red)))}]


def test_a_file_of_which_nothing_can_be_seen_costs_the_others_nothing(tmp_path: Path):
    (tmp_path / "cut.png").write_bytes(picture(tmp_path / "good.png", RED).read_bytes()[:30])
    (tmp_path / "bomb.png").write_bytes(bomb(tmp_path))
    os.mkfifo(tmp_path / "pipe.png")
    seen = draw_thumbnails({file.name: file for file in tmp_path.glob("*.png")})
    assert list(seen) == ["good.png"]
    assert decode_jpeg(seen["good.png"]).shape == (150, 200, 3)


def bomb(folder: Path) -> bytes:
    """A small file that claims 900 million pixels."""
    good = (folder / "good.png").read_bytes()
    return good[:16] + (30_000).to_bytes(4, "big") * 2 + good[24:]
