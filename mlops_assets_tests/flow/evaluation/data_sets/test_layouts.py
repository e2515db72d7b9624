from __future__ import annotations

import os
import shutil

import pytest

from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.flow.evaluation import find_pairs
from mlops_assets_tests.flow.evaluation import truths


def names(folder):
    return [pair.name for pair in find_pairs(folder).pairs]


def test_middlebury_is_found_from_above_and_from_within(tmp_path):
    for name in ("Urban2", "Grove2"):
        truths.middlebury(tmp_path / "media" / name)
    assert names(tmp_path) == ["media/Grove2", "media/Urban2"]
    assert names(tmp_path / "media") == ["Grove2", "Urban2"]
    assert names(tmp_path / "media" / "Grove2") == ["Grove2"]


def test_middlebury_as_published_has_its_truth_beside(tmp_path):
    whole = truths.middlebury(tmp_path / "other-data-gray" / "Dimetrodon")
    beside = tmp_path / "other-gt-flow" / "Dimetrodon"
    beside.mkdir(parents=True)
    (whole / "flow10.flo").rename(beside / "flow10.flo")
    (pair,) = find_pairs(tmp_path).pairs
    assert (pair.name, pair.truth) == ("other-data-gray/Dimetrodon", beside / "flow10.flo")
    assert names(whole) == ["Dimetrodon"]


def test_sintel_is_found_from_its_root_and_from_every_folder_inside(tmp_path):
    root = truths.sintel(tmp_path / "MPI-Sintel" / "training")
    frames = ["frame_0001", "frame_0002"]
    assert names(tmp_path / "MPI-Sintel") == [
        f"training/{one}/alley_1/{frame}" for one in ("clean", "final") for frame in frames
    ]
    assert names(root / "final") == [f"alley_1/{frame}" for frame in frames]
    assert names(root / "clean" / "alley_1") == frames


def test_sintel_pairs_know_their_masks_and_what_follows(tmp_path):
    first, second = find_pairs(truths.sintel(tmp_path) / "clean").pairs
    assert first.following is second
    assert second.following is None
    assert first.second == second.first
    assert first.occluded == tmp_path / "occlusions" / "alley_1" / "frame_0001.png"
    assert first.invalid is None


def test_sintel_steps_are_consecutive_numbers_with_truth(tmp_path):
    truths.sintel(tmp_path, frames=5, passes=("clean",))
    (tmp_path / "clean" / "alley_1" / "frame_0003.png").unlink()
    (tmp_path / "flow" / "alley_1" / "frame_0001.flo").unlink()
    pairs = {pair.name[-4:]: pair for pair in find_pairs(tmp_path).pairs}
    assert list(pairs) == ["0002", "0004"]
    assert pairs["0002"].second is None
    assert pairs["0002"].following is None


def test_sintel_without_folders_of_scenes(tmp_path):
    truths.sintel(tmp_path, passes=("clean",), scene="")
    assert names(tmp_path) == ["clean/frame_0001", "clean/frame_0002"]


@pytest.mark.parametrize("camera", ["image_0", "image_2", "colored_0"])
def test_kitti_is_found_and_what_is_not_visible_is_known(tmp_path, camera):
    root = truths.kitti(tmp_path / "training", camera=camera)
    assert names(tmp_path) == ["training/000000_10", "training/000007_10"]
    assert names(root) == names(root / camera) == ["000000_10", "000007_10"]
    pair = find_pairs(root).pairs[1]
    assert pair.truth == root / "flow_occ" / "000007_10.png"
    assert pair.visible_truth == root / "flow_noc" / "000007_10.png"


def test_kitti_with_visible_truth_only_has_that(tmp_path):
    shutil.rmtree(truths.kitti(tmp_path) / "flow_occ")
    pair = find_pairs(tmp_path).pairs[0]
    assert pair.truth == tmp_path / "flow_noc" / "000000_10.png"
    assert pair.visible_truth is None


def test_kitti_in_gray_and_colour_counts_once(tmp_path):
    truths.kitti(tmp_path, camera="image_0")
    truths.kitti(tmp_path, camera="colored_0")
    assert {pair.first.parent.name for pair in find_pairs(tmp_path).pairs} == {"colored_0"}
    assert {pair.first.parent.name for pair in find_pairs(tmp_path / "image_0").pairs} == {
        "image_0"
    }


def test_flying_chairs_are_found(tmp_path):
    truths.flying_chairs(tmp_path / "data")
    (pair,) = find_pairs(tmp_path).pairs
    assert (pair.name, pair.layout) == ("data/00001", "flyingchairs")
    assert pair.second == tmp_path / "data" / "00001_img2.ppm"


def test_flying_chairs_2_are_found(tmp_path):
    folder = truths.flying_chairs(tmp_path)
    for old, new in {"_img1": "-img_0", "_img2": "-img_1", "_flow": "-flow_01"}.items():
        (path,) = folder.glob(f"*{old}.*")
        path.rename(folder / path.name.replace(f"00001{old}", f"0000007{new}"))
    truths.save(folder / "0000007-occ_01.png", truths.pictures()[0])
    (pair,) = find_pairs(tmp_path).pairs
    assert (pair.name, pair.occluded) == ("0000007", folder / "0000007-occ_01.png")
    assert pair.truth == folder / "0000007-flow_01.flo"
    assert pair.second is not None


def test_layouts_may_be_mixed(tmp_path):
    truths.middlebury(tmp_path / "a")
    truths.sintel(tmp_path / "b", frames=2)
    truths.kitti(tmp_path / "c")
    truths.flying_chairs(tmp_path / "d")
    layouts = [pair.layout for pair in find_pairs(tmp_path).pairs]
    assert layouts == ["middlebury", "sintel", "sintel", "kitti", "kitti", "flyingchairs"]


def test_case_does_not_matter(tmp_path):
    folder = truths.middlebury(tmp_path / "Pair")
    for name in ("frame10.png", "frame11.png", "flow10.flo"):
        (folder / name).rename(folder / name.upper())
    truths.sintel(tmp_path / "S", frames=2, passes=("clean",))
    (tmp_path / "S" / "clean").rename(tmp_path / "S" / "Clean")
    (tmp_path / "S" / "flow").rename(tmp_path / "S" / "FLOW")
    assert names(tmp_path) == ["Pair", "S/Clean/alley_1/frame_0001"]
    assert all(pair.truth for pair in find_pairs(tmp_path).pairs)


def test_hidden_files_are_not_seen(tmp_path):
    folder = truths.middlebury(tmp_path / "Pair")
    shutil.copytree(folder, tmp_path / ".Trash" / "Pair")
    (folder / "._frame10.png").write_bytes(b"")
    assert names(tmp_path) == ["Pair"]


def test_links_are_followed_and_circles_end(tmp_path):
    truths.middlebury(tmp_path / "far" / "Pair")
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "back").symlink_to(tmp_path / "near")
    assert names(tmp_path / "near") == ["link/Pair"]


def test_halves_without_truth_are_named(tmp_path):
    truths.kitti(tmp_path / "training")
    shutil.copytree(tmp_path / "training" / "image_2", tmp_path / "testing" / "image_2")
    found = find_pairs(tmp_path)
    assert found.without_truth == ("testing/image_2",)
    assert len(found.pairs) == 2


def test_nothing_is_an_error_that_says_what_there_should_be(tmp_path):
    with pytest.raises(InputError, match=r"frame10\.png.*flow_occ") as empty:
        find_pairs(tmp_path)
    assert empty.value.reason == "no_pairs"
    truths.sintel(tmp_path / "test", passes=("clean",))
    shutil.rmtree(tmp_path / "test" / "flow")
    with pytest.raises(InputError, match="without true flow: test/clean/alley_1"):
        find_pairs(tmp_path)
    with pytest.raises(InputError) as missing:
        find_pairs(tmp_path / "nowhere")
    assert missing.value.reason == "not_found"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_operators_matter(tmp_path):
    truths.middlebury(tmp_path / "Pair")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(ConfigurationError, match="closed"):
        find_pairs(tmp_path)
    closed.chmod(0o700)
