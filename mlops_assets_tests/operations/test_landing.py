"""Delivery into the landing zone: whole files, with their sidecars, never outside of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlops_assets import operations as ops
from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.landing import list_landing


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "card"
    (folder / "night").mkdir(parents=True)
    for name in ("a.mp4", "a.mp4.json", "night/b.mp4", ".hidden", "c.mp4.part"):
        (folder / name).write_bytes(name.encode())
    (folder / "link.mp4").symlink_to(tmp_path)
    os.utime(folder / "a.mp4", (1_000_000_000, 1_000_000_000))
    return folder


def test_a_folder_lands_under_its_inner_paths_and_times_are_kept(media: Path, tmp_path: Path):
    zone = tmp_path / "landing"
    done = ops.land([media], source="camera-01", folder=zone)
    assert sorted(path for _, path in list_landing(zone)) == ["a.mp4", "a.mp4.json", "night/b.mp4"]
    assert (zone / "camera-01/a.mp4").stat().st_mtime == 1_000_000_000
    assert done["path"][0] == "a.mp4.json"  # no file lands without its own
    assert set(done["done"]) == {"landed"}
    assert not list(zone.rglob("*.part"))


def test_landing_again_leaves_what_is_there_and_replaces_what_changed(media: Path, tmp_path: Path):
    zone = tmp_path / "landing"
    ops.land([media], source="s", folder=zone)
    (media / "a.mp4").write_bytes(b"another take")
    done = ops.land([media], source="s", folder=zone)
    assert dict(done.select("path", "done").iter_rows()) == {
        "a.mp4.json": "there",
        "a.mp4": "replaced",
        "night/b.mp4": "there",
    }
    assert (zone / "s/a.mp4").read_bytes() == b"another take"


def test_a_sidecar_comes_with_its_file(media: Path, tmp_path: Path):
    told = []
    done = ops.land(
        [media / "a.mp4"],
        source="s",
        folder=tmp_path / "z",
        progress=lambda sent, total: told.append((sent, total)),
    )
    assert done["path"].to_list() == ["a.mp4.json", "a.mp4"]
    assert told == [(10, 15), (15, 15)]


@pytest.mark.parametrize("source", ["", ".", "..", "a/b", "/etc", "../up", ".hidden", "a\\b", " a"])
def test_a_source_that_would_leave_the_landing_zone_is_refused(
    source: str, media: Path, tmp_path: Path
):
    with pytest.raises(ConfigurationError, match="source"):
        ops.land([media], source=source, folder=tmp_path / "z")
    assert not (tmp_path / "z").exists()


def test_a_link_that_leads_out_of_the_landing_zone_is_refused(media: Path, tmp_path: Path):
    zone, outside = tmp_path / "z", tmp_path / "outside"
    outside.mkdir()
    (zone / "s").mkdir(parents=True)
    (zone / "s" / "night").symlink_to(outside)
    with pytest.raises(ConfigurationError, match="outside"):
        ops.land([media], source="s", folder=zone)
    assert list(outside.iterdir()) == []


def test_two_files_of_one_name_are_refused_before_anything_lands(media: Path, tmp_path: Path):
    other = tmp_path / "other" / "a.mp4"
    other.parent.mkdir()
    other.write_bytes(b"other")
    with pytest.raises(InputError, match="both land"):
        ops.land([media / "a.mp4", other], source="s", folder=tmp_path / "z")
    with pytest.raises(InputError, match="no file"):
        ops.land([tmp_path / "nothing.mp4"], source="s", folder=tmp_path / "z")
    assert not (tmp_path / "z").exists()
