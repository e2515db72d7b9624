from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from mlops_assets.flow.fields import Preset
from mlops_assets.flow.solvers.variational.schedule import (
    PRESETS,
    Effort,
    Matching,
    Schedule,
    gaussian_taps,
    level_sizes,
    reduction_sigma_px,
)

ONE_EFFORT = Schedule((Effort(1, 1, 1),))


def test_every_preset_has_a_schedule():
    assert set(PRESETS) == set(get_args(Preset))


def test_levels_shrink_by_the_ratio_from_full_size():
    schedule = replace(ONE_EFFORT, ratio=0.5, smallest_side_px=16)

    assert level_sizes(101, 64, schedule) == [(101, 64), (51, 32), (25, 16)]


@pytest.mark.parametrize("size", [(8, 8), (8, 1000), (15, 15)])
def test_a_small_picture_is_one_level(size):
    assert level_sizes(size[0], size[1], replace(ONE_EFFORT, smallest_side_px=16)) == [size]


def test_the_last_effort_serves_all_coarser_levels():
    first, second = Effort(1, 1, 1), Effort(2, 2, 2)
    schedule = Schedule((first, second), finest_level=1)

    assert [schedule.effort(level) for level in (1, 2, 3, 9)] == [first, second, second, second]


@pytest.mark.parametrize("sigma_px", [0.3, 0.6, 1.04, 4.0])
def test_taps_are_a_gaussian_that_sums_to_one(sigma_px):
    taps = gaussian_taps(sigma_px)

    assert taps[0] + 2 * sum(taps[1:]) == pytest.approx(1)
    assert np.log(taps[0] / taps[1]) == pytest.approx(0.5 / sigma_px**2)
    assert len(taps) - 1 >= 3 * sigma_px


def test_a_reduction_leaves_the_blur_of_a_pixel_as_it_was():
    before_px, ratio = 0.6, 0.7

    after_px = np.hypot(before_px, reduction_sigma_px(ratio)) * ratio

    assert after_px == pytest.approx(before_px)


def test_cells_grow_with_pictures_so_that_a_search_costs_the_same():
    matching = Matching(cells_across=100, smallest_cell_px=4)

    assert matching.cell_px(100, 320) == 4
    assert matching.cell_px(720, 1280) == 13


def test_matches_pull_where_a_pixel_spans_enough_cells():
    schedule = replace(ONE_EFFORT, ratio=0.5, matching=Matching(smallest_cell_px=4, coarseness=2.0))

    assert [schedule.is_matched(level, (100, 100)) for level in range(5)] == [False] * 3 + [
        True
    ] * 2
