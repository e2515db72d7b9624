"""Errors against ground truth, and the file format ground truth comes in."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import endpoint_error, read_flo, write_flo
from mlops_assets_tests.flow.scenes import uniform_flow


def test_the_error_is_the_mean_distance():
    flow, truth = uniform_flow(4, 6, 3, 4), uniform_flow(4, 6, 0, 0)

    assert endpoint_error(flow, truth) == 5
    assert endpoint_error(truth, truth) == 0
    flow[:, :2] = 0
    assert endpoint_error(flow, truth) == 2.5


def test_unknown_truth_is_left_out_but_unknown_flow_is_not():
    flow, truth = uniform_flow(4, 6, 3, 4), uniform_flow(4, 6, 0, 0)
    truth[0, 1:] = np.nan
    flow[:, 2] = np.nan

    assert endpoint_error(flow, truth) == 5
    assert np.isnan(endpoint_error(truth, flow))
    assert np.isnan(endpoint_error(flow, np.full_like(flow, np.nan)))


def test_shapes_that_differ_have_no_error():
    with pytest.raises(ShapeError):
        endpoint_error(uniform_flow(4, 6, 0, 0), uniform_flow(4, 5, 0, 0))
    with pytest.raises(ShapeError):
        endpoint_error(np.zeros((4, 6)), np.zeros((4, 6)))


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.float32, (2, 3, 5), elements=st.floats(-1e6, 1e6, width=32)))
def test_flo_files_keep_every_bit(flow):
    np.testing.assert_array_equal(read_flo(write_flo(flow)), flow)


def test_a_flo_file_interleaves_its_components():
    flow = np.array([[[1, 2]], [[3, 4]]], dtype=np.float32)

    assert write_flo(flow) == b"PIEH" + struct.pack("<2i4f", 2, 1, 1, 3, 2, 4)


def test_unknown_vectors_stay_unknown_in_a_flo_file():
    flow = uniform_flow(2, 3, 1, 2)
    flow[0, 0, 0] = np.nan
    flow[1, 1, 1] = 1e10

    back = read_flo(write_flo(flow))

    unknown = np.isnan(back)
    assert unknown[:, 0, 0].all()
    assert unknown[:, 1, 1].all()
    assert unknown.sum() == 4
    assert (np.frombuffer(write_flo(flow)[12:20], "<f4") > 1e9).all()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PIEH",
        b"PIEX" + bytes(16),
        b"PIEH" + struct.pack("<2i", 1, 1) + bytes(7),
        b"PIEH" + struct.pack("<2i", 1, 1) + bytes(9),
        b"PIEH" + struct.pack("<2i", 0, 5),
        b"PIEH" + struct.pack("<2i", -1, -1) + bytes(8),
        b"PIEH" + struct.pack("<2i", 2**31 - 1, 2**31 - 1) + bytes(8),
    ],
)
def test_a_damaged_flo_file_is_an_input_error(data):
    with pytest.raises(InputError) as error:
        read_flo(data)

    assert error.value.reason == "damaged_flo"
