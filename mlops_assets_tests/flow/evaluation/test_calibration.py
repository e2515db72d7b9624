from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from mlops_assets.errors import ShapeError
from mlops_assets.flow.describing.quality import round_trip
from mlops_assets.flow.evaluation import Tile, rank_checks, rank_correlation
from mlops_assets.flow.evaluation.calibration import Calibration, calibrate, round_trip_map
from mlops_assets_tests.flow.scenes import uniform_flow

SMALL = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=40)


@given(SMALL)
def test_rank_correlation_is_that_of_scipy_ties_included(pairs):
    first, second = (np.array(values, float) for values in zip(*pairs, strict=True))
    found = rank_correlation(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(first, second)[0], abs=1e-12)


def test_rank_correlation_of_two_things_says_nothing():
    assert rank_correlation([1.0, 2.0], [1.0, 2.0]) is None
    assert rank_correlation([], []) is None


def test_flows_that_undo_each_other_fail_only_where_they_leave_the_frame():
    trip = round_trip_map(uniform_flow(20, 30, 4, 0), uniform_flow(20, 30, -4, 0))
    assert not trip.fails[:, :26].any()
    assert trip.fails[:, 26:].all()
    assert np.isnan(trip.miss_px[:, 26:]).all()
    np.testing.assert_allclose(trip.miss_px[:, :26], 0, atol=1e-6)


def test_a_miss_is_the_distance_to_the_start_and_fails_above_the_limit():
    trip = round_trip_map(uniform_flow(20, 30, 1, 0), uniform_flow(20, 30, -1, 0.5))
    np.testing.assert_allclose(trip.miss_px[:, :-1], 0.5)
    assert not trip.fails[:, :-1].any()
    assert round_trip_map(uniform_flow(20, 30, 1, 0), uniform_flow(20, 30, 0, 0)).fails.all()


def test_the_share_that_fails_is_that_of_the_tables_check():
    rng = np.random.default_rng(5)
    forward, backward = rng.normal(0, 1, (2, 2, 40, 50)).astype(np.float32)
    trip = round_trip(forward, backward)
    assert trip is not None
    assert round_trip_map(forward, backward).fails.mean() == pytest.approx(trip.fail_share)


def test_shapes_that_differ_are_refused():
    with pytest.raises(ShapeError):
        round_trip_map(uniform_flow(8, 8, 0, 0), uniform_flow(8, 9, 0, 0))


def test_a_check_that_misses_just_where_it_is_wrong_is_calibrated():
    height, width = 32, 40
    wrong = np.zeros((height, width))
    wrong[8:16, 10:20] = np.linspace(1, 3, 10)
    forward = uniform_flow(height, width, 0, 0)
    forward[1] += wrong.astype(np.float32) / 100
    trip = round_trip_map(forward, uniform_flow(height, width, 0, 0))
    told = calibrate(trip, wrong)
    assert told.pixels == pytest.approx(1)
    assert len(told.tiles) == 16
    assert [tile.epe_px > 0 for tile in told.tiles].index(True) == 5
    assert sum(tile.epe_px > 0 for tile in told.tiles) == 1
    assert told.tiles[5].miss_px == pytest.approx(0.02)
    assert told.whole.epe_px == pytest.approx(told.tiles[5].epe_px / 16)


def test_tiles_without_truth_are_left_out():
    trip = round_trip_map(uniform_flow(16, 16, 0, 0), uniform_flow(16, 16, 0, 0))
    error = np.full((16, 16), np.nan)
    error[:4] = 2.0
    told = calibrate(trip, error)
    assert told.tiles == (Tile(0.0, 0.0, 2.0),) * 4
    assert told.pixels is None


def test_a_tile_that_leaves_the_frame_fails_and_has_no_miss():
    trip = round_trip_map(uniform_flow(8, 16, 4, 0), uniform_flow(8, 16, -4, 0))
    told = calibrate(trip, np.ones((8, 16)))
    assert [tile.miss_px is None for tile in told.tiles] == [False, False, False, True] * 4
    assert told.tiles[3].fail_share == 1
    assert told.whole.fail_share == 0.25


def test_ranks_are_over_pairs_over_tiles_and_within_pairs():
    def pair(*tiles, pixels):
        return Calibration(tiles[0], tiles, pixels)

    worse = [Tile(0.1 * rank, 1.0 / (1 + rank), float(rank)) for rank in range(3)]
    told = rank_checks(
        [pair(tile, tile, pixels=0.5) for tile in worse] + [pair(worse[0], pixels=None)]
    )
    assert (told.pairs, told.tiles) == (4, 7)
    assert told.fail_over_pairs == told.fail_over_tiles == pytest.approx(1)
    assert told.miss_over_pairs == told.miss_over_tiles == pytest.approx(-1)
    assert told.miss_over_pixels == 0.5
    assert rank_checks([]).fail_over_pairs is None
