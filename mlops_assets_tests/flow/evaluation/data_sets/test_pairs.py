from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import write_flo
from mlops_assets.flow.evaluation import find_pairs, read_pair
from mlops_assets.flow.evaluation.data_sets.pairs import read_picture
from mlops_assets_tests.flow.evaluation import truths

GRAY = np.arange(8 * 12, dtype=np.uint8).reshape(8, 12) * 2
COLOUR = np.stack([GRAY, GRAY[::-1], 255 - GRAY], axis=-1)


def only(folder):
    (pair,) = find_pairs(folder).pairs
    return pair


def test_every_layout_is_read_as_it_was_written(tmp_path):
    truths.middlebury(tmp_path / "a")
    truths.sintel(tmp_path / "b", frames=2, passes=("clean",))
    truths.kitti(tmp_path / "c", numbers=(3,))
    truths.flying_chairs(tmp_path / "d")
    first, second = truths.pictures()
    for files in find_pairs(tmp_path).pairs:
        pair = read_pair(files)
        gray = pair.frames if pair.frames.ndim == 3 else pair.frames[..., 0]
        np.testing.assert_array_equal(gray, [first, second])
        known = np.isfinite(pair.truth)
        np.testing.assert_array_equal(pair.truth[known], truths.truth()[known])
        assert known.all() == (files.layout != "kitti")


def test_occluded_is_what_the_data_set_says(tmp_path):
    truths.sintel(tmp_path / "s", frames=2, passes=("clean",))
    truths.kitti(tmp_path / "k", numbers=(3,))
    truths.middlebury(tmp_path / "m")
    kitti, middlebury, sintel = (read_pair(files) for files in find_pairs(tmp_path).pairs)
    expected = np.zeros((truths.HEIGHT, truths.WIDTH), bool)
    expected[:, -truths.WIDTH // 4 :] = True
    np.testing.assert_array_equal(sintel.occluded, expected)
    expected[:] = False
    expected[truths.HEIGHT // 2 :, 0] = True
    np.testing.assert_array_equal(kitti.occluded, expected)
    assert middlebury.occluded is None


def test_what_sintel_calls_invalid_is_not_judged(tmp_path):
    truths.sintel(tmp_path, frames=2, passes=("clean",))
    invalid = np.zeros((truths.HEIGHT, truths.WIDTH), np.uint8)
    invalid[5, 7] = 255
    truths.save(tmp_path / "invalid" / "alley_1" / "frame_0001.png", invalid)
    truth = read_pair(only(tmp_path)).truth
    assert np.isnan(truth[:, 5, 7]).all()
    assert np.isnan(truth).sum() == 2


def saved(folder: Path, name: str, picture: Image.Image, **options) -> Path:
    picture.save(folder / name, **options)
    return folder / name


def by_opencv(path: Path, pixels: np.ndarray) -> Path:
    import cv2

    cv2.imwrite(str(path), pixels)
    return path


def test_gray_of_any_mode_is_gray(tmp_path):
    deep = (GRAY.astype(np.uint16) * 257 + 60).astype(np.uint16)
    faint = by_opencv(tmp_path / "faint.png", GRAY.astype(np.uint16))
    files = {
        "plain": saved(tmp_path, "l.png", Image.fromarray(GRAY)),
        "alpha": saved(tmp_path, "la.png", Image.fromarray(GRAY).convert("LA")),
        "deep": saved(tmp_path, "deep.png", Image.fromarray(deep)),
        "faint": faint,
        "pgm": saved(tmp_path, "l.pgm", Image.fromarray(GRAY)),
        "tiff": saved(tmp_path, "l.tif", Image.fromarray(deep)),
        "float": saved(tmp_path, "f.tif", Image.fromarray(GRAY.astype(np.float32))),
    }
    for name, path in files.items():
        np.testing.assert_array_equal(read_picture(path), GRAY, err_msg=name)
    bits = saved(tmp_path, "bits.png", Image.fromarray(GRAY > 99))
    np.testing.assert_array_equal(read_picture(bits), np.where(GRAY > 99, 255, 0))


def test_colour_of_any_mode_is_srgb(tmp_path):
    alpha = Image.fromarray(COLOUR).convert("RGBA")
    alpha.putalpha(7)
    deep = by_opencv(tmp_path / "deep.png", COLOUR[..., ::-1].astype(np.uint16) * 257)
    files = {
        "plain": saved(tmp_path, "rgb.png", Image.fromarray(COLOUR)),
        "alpha": saved(tmp_path, "rgba.png", alpha),
        "deep": deep,
        "ppm": saved(tmp_path, "rgb.ppm", Image.fromarray(COLOUR)),
        "palette": saved(tmp_path, "p.png", Image.fromarray(COLOUR).quantize(256)),
    }
    for name, path in files.items():
        assert np.abs(read_picture(path) - COLOUR.astype(int)).max() <= 1, name


def test_a_gray_and_a_colour_picture_become_gray(tmp_path):
    folder = truths.middlebury(tmp_path)
    _, second = truths.pictures()
    truths.save(folder / "frame11.png", np.stack([second] * 3, axis=-1))
    np.testing.assert_array_equal(read_pair(only(folder)).frames, truths.pictures())


def reason(files):
    with pytest.raises(InputError) as refused:
        read_pair(files)
    return refused.value.reason


def test_what_is_missing_is_named(tmp_path):
    files = only(truths.middlebury(tmp_path))
    assert reason(dataclasses.replace(files, second=None)) == "no_second"
    with pytest.raises(InputError, match=r"expected .*flow10\.flo") as refused:
        read_pair(dataclasses.replace(files, truth=None))
    assert refused.value.reason == "no_truth"


def test_sizes_that_differ_are_named_with_the_file(tmp_path):
    files = only(truths.middlebury(tmp_path))
    (tmp_path / "flow10.flo").write_bytes(write_flo(np.zeros((2, 5, 7), np.float32)))
    with pytest.raises(ShapeError, match=r"flow10\.flo is 7 x 5 px; expected 64 x 48") as refused:
        read_pair(files)
    assert refused.value.reason == "sizes_differ"
    truths.save(tmp_path / "frame11.png", GRAY)
    with pytest.raises(ShapeError, match=r"frame11\.png is 12 x 8"):
        read_pair(files)


def test_damaged_files_are_bad_items(tmp_path):
    files = only(truths.middlebury(tmp_path))
    whole = files.first.read_bytes()
    files.first.write_bytes(whole[: len(whole) // 2])
    assert reason(files) == "damaged_picture"
    files.first.write_bytes(b"GIF89a")
    assert reason(files) == "damaged_picture"
    files.first.write_bytes(whole)
    (tmp_path / "flow10.flo").write_bytes(b"PIEH")
    assert reason(files) == "damaged_flo"
    (tmp_path / "flow10.flo").unlink()
    assert reason(files) == "unreadable"


def test_truth_that_is_all_unknown_cannot_judge(tmp_path):
    files = only(truths.middlebury(tmp_path))
    unknown = np.full((2, truths.HEIGHT, truths.WIDTH), np.nan, np.float32)
    (tmp_path / "flow10.flo").write_bytes(write_flo(unknown))
    assert reason(files) == "no_known_truth"


def test_a_picture_bomb_is_refused_by_its_header(tmp_path):
    bomb = tmp_path / "bomb.ppm"
    bomb.write_bytes(b"P6 60000 60000 255\n")
    with pytest.raises(InputError):
        read_picture(bomb)
