from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mlops_assets.errors import InputError
from mlops_assets.flow.evaluation import (
    Tile,
    TruePair,
    calibration_plot,
    error_picture,
    pair_picture,
    robustness_plot,
)
from mlops_assets.flow.evaluation.pictures import ERROR_STEPS_PX, side_by_side
from mlops_assets_tests.flow.evaluation import truths


def opened(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def pair(*, colour=False):
    frames = np.stack(truths.pictures())
    return TruePair(np.stack([frames] * 3, axis=-1) if colour else frames, truths.truth())


def test_errors_are_steps_of_colour_and_unknown_is_black():
    errors = np.array([[*ERROR_STEPS_PX, 1000.0, np.nan]])
    colours = error_picture(errors)[0].astype(int)
    assert len({tuple(colour) for colour in colours[:-2]}) == len(ERROR_STEPS_PX)
    np.testing.assert_array_equal(colours[-2], colours[-3])
    np.testing.assert_array_equal(colours[-1], 0)
    red, _, blue = colours[:-1].T
    warm = errors[0, :-1] >= 3
    assert (red > blue)[warm].all()
    assert (red < blue)[~warm].all()


@pytest.mark.parametrize("colour", [False, True])
def test_a_pair_is_four_panels_with_a_legend(colour):
    sheet = opened(pair_picture(pair(colour=colour), truths.truth(), title="Grove2"))
    assert sheet.format == "JPEG"
    assert sheet.width > 2 * truths.WIDTH
    assert sheet.height > 2 * truths.HEIGHT + 30


def test_large_pictures_are_reduced_and_odd_names_drawn():
    big = TruePair(np.zeros((2, 600, 1200), np.uint8), np.zeros((2, 600, 1200), np.float32))
    sheet = opened(pair_picture(big, big.truth, title="\x1b[31m\u4e2d/" * 50, panel_px=300))
    assert sheet.width < 2 * 300 + 30


def test_a_flow_that_is_not_finite_is_not_drawn():
    with pytest.raises(InputError):
        pair_picture(pair(), np.full_like(truths.truth(), np.nan))


def test_panels_stand_side_by_side():
    panels = {name: np.full((30, 40, 3), 99, np.uint8) for name in ("ours", "theirs", "truth")}
    sheet = opened(side_by_side(panels))
    assert sheet.width > 3 * 40
    with pytest.raises(InputError):
        side_by_side({})


def test_robustness_is_drawn_and_gaps_are_gaps():
    drawn = robustness_plot({"dis": {"noise": 0.5, "drop": None}, "vr": {"noise": None, "drop": 1}})
    assert opened(drawn).size == (900, 330)
    with pytest.raises(InputError):
        robustness_plot({"dis": {"noise": None}})


def test_calibration_is_drawn():
    tiles = [Tile(0, 0, 0), Tile(0.1, 0.5, 1.5), Tile(1, None, 3), Tile(1, 2, 2)]
    assert opened(calibration_plot({"dis": tiles, "nothing": []})).width == 900
    with pytest.raises(InputError):
        calibration_plot({"dis": []})
