from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.formats.kitti import read_kitti, write_kitti

FIELDS = arrays(
    np.float32,
    st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-511, 511, width=32),
)


def picture(pixels, *, ending=".png"):
    import cv2

    return cv2.imencode(ending, pixels)[1].tobytes()


def decoded(data):
    import cv2

    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


@given(FIELDS)
def test_a_round_trip_errs_by_half_a_step_at_most(flow):
    assert np.abs(read_kitti(write_kitti(flow)) - flow).max() <= 1 / 128


def test_the_channels_are_those_of_the_data_set():
    blue_green_red = np.array([[[1, 2**15 - 128, 2**15 + 64], [0, 9, 9]]], np.uint16)
    flow = read_kitti(picture(blue_green_red))
    np.testing.assert_array_equal(flow[:, 0, 0], [1.0, -2.0])
    assert np.isnan(flow[:, 0, 1]).all()
    np.testing.assert_array_equal(
        decoded(write_kitti(flow))[0], [[1, 2**15 - 128, 2**15 + 64], [0, 0, 0]]
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, 2e9, 512.0, -512.1])
def test_what_cannot_be_written_is_unknown(value):
    flow = np.ones((2, 3, 4), np.float32)
    flow[1, 1, 2] = value
    read = read_kitti(write_kitti(flow))
    assert np.isnan(read[:, 1, 2]).all()
    assert np.isfinite(read).sum() == 22


def test_another_shape_is_refused():
    with pytest.raises(ShapeError):
        write_kitti(np.zeros((3, 4, 5), np.float32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
        picture(np.zeros((4, 5, 3), np.uint8)),
        picture(np.zeros((4, 5), np.uint16)),
        picture(np.zeros((4, 5, 4), np.uint16)),
        picture(np.zeros((4, 5, 3), np.uint8), ending=".jpg"),
    ],
)
def test_what_is_no_16_bit_rgb_png_is_refused(data):
    with pytest.raises(InputError) as refused:
        read_kitti(data)
    assert refused.value.reason == "damaged_kitti"


def test_a_bomb_is_refused_before_it_is_decoded():
    data = bytearray(write_kitti(np.zeros((2, 8, 8), np.float32)))
    data[16:24] = struct.pack(">II", 2**31 - 1, 2**31 - 1)
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(InputError, match="2147483647"):
        read_kitti(bytes(data))


def test_pixels_that_are_missing_within_whole_chunks_are_noticed(capfd):
    data = write_kitti(np.random.default_rng(1).normal(size=(2, 40, 40)).astype(np.float32))
    header, end = data[:33], data[-12:]
    content = b"IDAT" + zlib.compress(b"\0" * 100)
    length, checksum = struct.pack(">I", len(content) - 4), struct.pack(">I", zlib.crc32(content))
    with pytest.raises(InputError, match="does not decode"):
        read_kitti(header + length + content + checksum + end)
    capfd.readouterr()


@given(st.data())
def test_damage_is_an_input_error_and_nothing_else(data):
    whole = write_kitti(np.linspace(-9, 9, 2 * 8 * 9, dtype=np.float32).reshape(2, 8, 9))
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        damaged = whole[:place]
    else:
        damaged = whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
    with pytest.raises(InputError):
        read_kitti(damaged)
