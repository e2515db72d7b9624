"""Stored JPEG pairs become gray arrays of one size, or an error with a reason."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import dense_flow, gray_pair, gray_pairs, group_by_size, working_size
from mlops_assets_tests.flow.scenes import grid, jpeg, texture, translated_pair

WHOLE = jpeg(translated_pair(48, 64, 0, 0)[0])
SQUARE = jpeg(np.zeros((16, 16), dtype=np.uint8))


def reason_of(first, second, **options):
    with pytest.raises(InputError) as error:
        gray_pair(first, second, **options)
    return error.value.reason


@pytest.mark.parametrize(
    ("size", "working"),
    [
        ((720, 1280), (360, 640)),
        ((1280, 720), (640, 360)),
        ((360, 640), (360, 640)),
        ((100, 50), (100, 50)),
        ((1, 10_000), (1, 640)),
        ((721, 1281), (360, 640)),
    ],
)
def test_the_working_size_keeps_the_shape(size, working):
    assert working_size(*size, max_side_px=640) == working


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 2_000))
def test_the_working_size_never_grows_and_never_vanishes(height, width, max_side_px):
    found = working_size(height, width, max_side_px=max_side_px)

    assert 1 <= found[0] <= height
    assert 1 <= found[1] <= width
    assert max(found) == min(max(height, width), max_side_px)
    assert working_size(*found, max_side_px=max_side_px) == found


def test_an_impossible_working_size_is_refused():
    for size in ((0, 5, 5), (5, -1, 5), (5, 5, 0)):
        with pytest.raises(ShapeError):
            working_size(size[0], size[1], max_side_px=size[2])


def test_a_gray_pair_keeps_its_levels():
    first, second = translated_pair(48, 64, 2, 1)

    pair = gray_pair(jpeg(first), jpeg(second))

    assert pair.dtype == np.uint8
    np.testing.assert_allclose(pair.astype(int), np.stack([first, second]).astype(int), atol=12)


def test_colour_becomes_luma():
    green = np.zeros((16, 16, 3), dtype=np.uint8)
    green[..., 1] = 255

    assert gray_pair(jpeg(green), SQUARE)[0].mean() == pytest.approx(0.587 * 255, abs=2)


@pytest.mark.parametrize("larger", [0, 1])
def test_the_larger_picture_is_reduced_to_the_smaller_exactly(larger):
    x, y = grid(135, 241)
    big = np.rint(texture(x / 2, y / 2)).astype(np.uint8)
    x, y = grid(68, 120)
    small = np.rint(texture(x, y)).astype(np.uint8)
    jpegs = [jpeg(big), jpeg(small)] if larger == 0 else [jpeg(small), jpeg(big)]

    pair = gray_pair(*jpegs)

    assert pair.shape == (2, 68, 120)
    assert np.abs(pair[0].astype(int) - pair[1]).mean() < 8


def test_motion_survives_a_successor_stored_at_half_size():
    x, y = grid(128, 192)
    first = np.rint(texture(x / 2, y / 2)).astype(np.uint8)
    x, y = grid(64, 96)
    second = np.rint(texture(x - 2, y - 1)).astype(np.uint8)

    flow = dense_flow(gray_pair(jpeg(first), jpeg(second))[np.newaxis]).flow[0]

    assert np.median(flow[0]) == pytest.approx(2.25, abs=0.15)  # pixel centres: + 1/4
    assert np.median(flow[1]) == pytest.approx(1.25, abs=0.15)


def test_pairs_are_reduced_to_the_working_size():
    assert gray_pair(WHOLE, WHOLE, max_side_px=32).shape == (2, 24, 32)


def test_many_pairs_keep_their_order_and_sizes():
    small = jpeg(translated_pair(24, 32, 0, 0)[0])

    pairs = gray_pairs([WHOLE, WHOLE, small], [WHOLE, small, small])

    assert [pair.shape for pair in pairs] == [(2, 48, 64), (2, 24, 32), (2, 24, 32)]
    groups = group_by_size(pairs)
    assert [indices for indices, _ in groups] == [[0], [1, 2]]
    np.testing.assert_array_equal(groups[1][1], np.stack(pairs[1:]))


def test_no_pairs_give_no_pairs():
    assert gray_pairs([], []) == []
    assert group_by_size([]) == []


def test_sequences_of_different_length_are_refused():
    with pytest.raises(ShapeError):
        gray_pairs([WHOLE], [])


def test_pictures_of_other_proportions_are_not_a_pair():
    tall = jpeg(np.zeros((64, 48), dtype=np.uint8))

    assert reason_of(WHOLE, tall) == "pair_shapes_differ"


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"GIF89a" + bytes(50), WHOLE[:100], WHOLE[: len(WHOLE) // 2]]
)
def test_a_picture_cut_short_is_damaged(data):
    assert reason_of(data, WHOLE) == "damaged_jpeg"
    assert reason_of(WHOLE, data) == "damaged_jpeg"


def test_a_header_that_claims_too_many_pixels_is_refused():
    height_at = WHOLE.index(b"\xff\xc0") + 5
    for side in (b"\x27\x10", b"\xff\xdc"):
        vast = WHOLE[:height_at] + side * 2 + WHOLE[height_at + 4 :]
        assert reason_of(vast, WHOLE) == "too_large"


def test_odd_metadata_is_no_damage():
    exif = b"\xff\xe1\x00\x16Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03"
    mpo = b"\xff\xe2\x00\x0cMPF\0MM\0*\0\0"

    pair = gray_pair(WHOLE[:2] + exif + mpo + WHOLE[2:], WHOLE)

    np.testing.assert_array_equal(pair[0], pair[1])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_picture_decodes_or_is_an_input_error(at, value, cut):
    damaged = WHOLE[:at] + bytes([value]) + (b"" if cut else WHOLE[at + 1 :])

    try:
        pair = gray_pair(damaged, WHOLE)
    except InputError:
        return
    assert pair.ndim == 3
