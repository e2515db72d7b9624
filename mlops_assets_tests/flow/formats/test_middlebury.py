from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import read_flo, write_flo

FIELDS = arrays(
    np.float32,
    st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-1e9, 1e9, width=32),
)


@given(FIELDS)
def test_a_round_trip_is_exact(flow):
    np.testing.assert_array_equal(read_flo(write_flo(flow)), flow)


def test_the_bytes_are_those_of_the_data_set():
    data = struct.pack("<4sii4f", b"PIEH", 2, 1, 1.5, -2.0, 1666666752.0, 0.25)
    flow = read_flo(data)
    np.testing.assert_array_equal(flow[:, 0, 0], [1.5, -2.0])
    assert np.isnan(flow[:, 0, 1]).all()
    assert write_flo(flow)[:20] == data[:20]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.1e9])
def test_what_is_unknown_stays_unknown_as_a_whole(value):
    flow = np.zeros((2, 3, 4), np.float32)
    flow[0, 1, 2] = value
    read = read_flo(write_flo(flow))
    assert np.isnan(read[:, 1, 2]).all()
    assert np.isfinite(read).sum() == 22


@pytest.mark.parametrize(
    "header", [(b"PIEH", -1, 4), (b"PIEH", 2**31 - 1, 2**31 - 1), (b"HEIP", 4, 4), (b"PIEH", 0, 4)]
)
def test_an_impossible_header_is_refused(header):
    with pytest.raises(InputError) as refused:
        read_flo(struct.pack("<4sii", *header))
    assert refused.value.reason == "damaged_flo"


@given(st.integers(0, 12 + 8 * 12 - 1))
def test_a_file_cut_short_is_refused(length):
    with pytest.raises(InputError):
        read_flo(write_flo(np.zeros((2, 3, 4), np.float32))[:length])


def test_bytes_too_many_are_refused():
    with pytest.raises(InputError, match="expected 108"):
        read_flo(write_flo(np.zeros((2, 3, 4), np.float32)) + b"\0")


def test_another_shape_is_refused():
    with pytest.raises(ShapeError):
        write_flo(np.zeros((4, 5), np.float32))
