from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import endpoint_error
from mlops_assets.flow.evaluation import TruePair, flow_errors
from mlops_assets.flow.evaluation.measures import error_map, errors_by_region, pixel_regions
from mlops_assets_tests.flow.scenes import texture, two_layer_pair, uniform_flow

FIELDS = arrays(np.float32, (2, 4, 5), elements=st.floats(-50, 50, width=32))


def errors_of(flow, truth, **options):
    found = flow_errors(np.asarray(flow, np.float32), np.asarray(truth, np.float32), **options)
    assert found is not None
    return found


@given(FIELDS)
def test_the_truth_itself_has_no_error(flow):
    found = errors_of(flow, flow)
    assert found.pixels == 20
    assert found.epe_px == found.mse_px2 == found.aae_deg == 0
    assert found.over_1px == found.over_3px == found.fl == 0


@given(FIELDS, FIELDS)
def test_figures_agree_with_the_room_and_with_one_another(flow, truth):
    found = errors_of(flow, truth)
    assert found.epe_px == pytest.approx(endpoint_error(flow, truth))
    assert found.epe_px**2 <= found.mse_px2 * (1 + 1e-9)
    assert 0 <= found.fl <= found.over_3px <= found.over_1px <= 1
    assert 0 <= found.aae_deg <= 180


def test_each_figure_on_two_pixels_worked_by_hand():
    truth = np.zeros((2, 1, 2))
    truth[:, 0, 1] = (100, 0)
    flow = np.zeros((2, 1, 2))
    flow[:, 0, 0] = (0, 2)  # off by 2 px
    flow[:, 0, 1] = (104, 0)  # off by 4 px, 4 % of the truth: no outlier to KITTI
    found = errors_of(flow, truth)
    assert found.epe_px == 3
    assert found.mse_px2 == 10
    assert (found.over_1px, found.over_3px, found.fl) == (1, 0.5, 0)
    first = math.degrees(math.atan(2))
    second = math.degrees(math.atan(104) - math.atan(100))
    assert found.aae_deg == pytest.approx((first + second) / 2, rel=1e-6)
    flow[:, 0, 1] = (106, 0)
    assert errors_of(flow, truth).fl == 0.5


def test_one_pixel_off_to_the_right_of_still_is_45_degrees():
    assert errors_of(uniform_flow(3, 4, 1, 0), uniform_flow(3, 4, 0, 0)).aae_deg == pytest.approx(
        45
    )


def test_unknown_truth_is_left_out_and_where_says_which_count():
    truth = uniform_flow(2, 3, 0, 0)
    flow = truth.copy()
    flow[0, 0, 0], flow[0, 1, 1] = 9, 6
    truth[:, 0, 0] = np.nan
    assert errors_of(flow, truth).pixels == 5
    assert errors_of(flow, truth).epe_px == pytest.approx(6 / 5)
    only = np.zeros((2, 3), bool)
    only[0, 0] = only[1, 1] = True
    assert errors_of(flow, truth, where=only).epe_px == 6
    assert flow_errors(flow, truth, where=~only & np.isnan(truth[0])) is None
    assert np.isnan(error_map(flow, truth)[0, 0])


def test_a_flow_that_is_not_finite_where_it_counts_is_refused():
    truth, flow = uniform_flow(2, 3, 0, 0), uniform_flow(2, 3, 0, 0)
    flow[1, 0, 0] = np.nan
    with pytest.raises(InputError, match="1 pixels"):
        flow_errors(flow, truth)
    truth[:, 0, 0] = np.nan
    assert errors_of(flow, truth).epe_px == 0


def test_shapes_that_differ_are_refused():
    with pytest.raises(ShapeError):
        flow_errors(np.zeros((2, 3, 4), np.float32), np.zeros((2, 4, 3), np.float32))


def pair_of(first, truth, occluded=None):
    return TruePair(np.stack([first, first]), np.asarray(truth, np.float32), occluded)


def test_edges_are_where_two_layers_meet():
    frames, truth = two_layer_pair(60, 100, (0, 0), (3, 0))
    regions = pixel_regions(TruePair(frames, truth))
    moves = truth[0] > 0
    inner = regions["edges"] & moves
    rows, columns = np.nonzero(moves)
    near = np.zeros_like(moves)
    near[rows.min() : rows.min() + 4] = near[rows.max() - 3 : rows.max() + 1] = True
    near[:, columns.min() : columns.min() + 4] = True
    near[:, columns.max() - 3 : columns.max() + 1] = True
    assert (inner <= near).mean() > 0.99
    assert 0.1 < regions["edges"].mean() < 0.4
    assert not pixel_regions(pair_of(frames[0], uniform_flow(60, 100, 5, 5)))["edges"].any()


def test_unknown_truth_makes_no_edge():
    truth = uniform_flow(20, 20, 8, 0)
    truth[:, 5:10, 5:10] = np.nan
    assert not pixel_regions(pair_of(np.zeros((20, 20), np.uint8), truth))["edges"].any()


def test_textureless_is_where_nothing_changes():
    y, x = np.mgrid[:40, :80].astype(float)
    first = np.where(x < 40, texture(x, y), 90).astype(np.uint8)
    textureless = pixel_regions(pair_of(first, uniform_flow(40, 80, 0, 0)))["textureless"]
    assert textureless[:, 46:].all()
    assert textureless[:, :36].mean() < 0.3


def test_fast_is_above_ten_pixels():
    truth = uniform_flow(4, 8, 0, 0)
    truth[:, :, :2] = np.array([[[6]], [[8.1]]])
    fast = pixel_regions(pair_of(np.zeros((4, 8), np.uint8), truth))["fast"]
    assert fast[:, :2].all()
    assert not fast[:, 2:].any()


def test_errors_split_by_occlusion_add_up_to_the_whole():
    rng = np.random.default_rng(3)
    truth = rng.normal(size=(2, 12, 16)).astype(np.float32)
    flow = truth + rng.normal(size=truth.shape).astype(np.float32)
    occluded = rng.random((12, 16)) < 0.3
    pair = pair_of(np.zeros((12, 16), np.uint8), truth, occluded)
    parts = errors_by_region(flow, pair)
    visible, hidden = parts["visible"], parts["occluded"]
    assert visible is not None
    assert hidden is not None
    total = visible.pixels * visible.epe_px + hidden.pixels * hidden.epe_px
    assert total / 192 == pytest.approx(errors_of(flow, truth).epe_px)
    silent = errors_by_region(flow, pair_of(np.zeros((12, 16), np.uint8), truth))
    assert silent["visible"] is None
    assert silent["occluded"] is None
