"""Encoded flow comes back within half a step, and a damaged blob is never mistaken for flow."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import EncodedFlow, decode_flow, encode_flow
from mlops_assets_tests.flow.scenes import similarity_flow, uniform_flow

STEP = 1 / 32
in_range = st.floats(-1000, 1000, width=32)
anything = st.floats(width=32, allow_nan=True, allow_infinity=True)
quick = settings(max_examples=40, deadline=None)


def fields(elements):
    sides = st.integers(1, 13)
    return st.tuples(st.just(2), sides, sides).flatmap(
        lambda shape: hnp.arrays(np.float32, shape, elements=elements)
    )


def smooth_field(height=45, width=70):
    return similarity_flow(height, width, dx=3, dy=-2, zoom=1.05, rotation_deg=4)


@quick
@given(fields(in_range), st.sampled_from([1 / 64, 1 / 32, 1 / 20, 1 / 8]))
def test_a_round_trip_errs_by_half_a_step_at_most(flow, step):
    flow = np.clip(flow, -32_767 * step, 32_767 * step).astype(np.float32)

    decoded = decode_flow(encode_flow(flow, step=step))

    assert decoded.dtype == np.float32
    rounding = np.spacing(np.abs(flow)) + 1e-6
    assert (np.abs(decoded.astype(np.float64) - flow) <= step / 2 + rounding).all()


@quick
@given(fields(anything), st.sampled_from([0, 1]))
def test_any_floats_encode_and_decode(flow, scale_log2):
    decoded = decode_flow(encode_flow(flow, scale_log2=scale_log2))

    assert decoded.shape == flow.shape
    assert not np.isinf(decoded).any()


@quick
@given(fields(anything))
def test_unknown_stays_unknown_and_known_stays_known(flow):
    decoded = decode_flow(encode_flow(flow))

    known = np.abs(flow) <= 32_767 * STEP
    beyond = ~(np.abs(flow) < 32_768 * STEP)
    assert np.isfinite(decoded[known]).all()
    assert np.isnan(decoded[beyond]).all()


@quick
@given(fields(in_range))
def test_decoding_is_exact_after_the_first_rounding(flow):
    once = decode_flow(encode_flow(flow))

    np.testing.assert_array_equal(decode_flow(encode_flow(once)), once)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 1), (2, 2), (45, 71)])
def test_half_resolution_keeps_a_uniform_field(size):
    flow = uniform_flow(size[0], size[1], 2.5, -7.25)

    encoded = encode_flow(flow, scale_log2=1)

    assert (encoded.height, encoded.width, encoded.scale_log2) == (*size, 1)
    np.testing.assert_array_equal(decode_flow(encoded), flow)


def test_half_resolution_keeps_a_smooth_field_in_place():
    flow = smooth_field()

    error = np.abs(decode_flow(encode_flow(flow, scale_log2=1)) - flow)

    assert error[:, 1:-1, 1:-1].max() < STEP
    assert error.max() < 0.1


def test_half_resolution_forgets_only_blocks_that_are_wholly_unknown():
    flow = uniform_flow(6, 9, 1, 2)
    flow[:, :2, :2] = np.nan
    flow[:, 4, 4] = np.nan

    decoded = decode_flow(encode_flow(flow, scale_log2=1))

    assert np.isnan(decoded[:, :2, :2]).all()
    decoded[:, :2, :2] = np.array([1, 2])[:, None, None]
    np.testing.assert_allclose(decoded, uniform_flow(6, 9, 1, 2), atol=1e-6)


def test_the_same_field_gives_the_same_bytes():
    assert encode_flow(smooth_field()) == encode_flow(smooth_field().copy())


def test_the_codec_has_not_changed():
    flow = np.array([[[0, 1], [2, np.nan]], [[-1, 0.5], [1, 1]]], dtype=np.float32)

    encoded = encode_flow(flow)

    header = (encoded.codec, encoded.version, encoded.step, encoded.height, encoded.width)
    assert header == ("flow16", 1, 1 / 32, 2, 2)
    # by hand: steps 0 32 / 64 -32768 and -32 16 / 32 32; left-deltas, upper in column 0:
    # 0 32 64 32704 and -32 48 64 0; zigzag: 0 64 128 65408 and 63 96 128 0; low bytes, high bytes
    import zstandard

    packed = zstandard.ZstdDecompressor().decompress(encoded.blob)
    assert packed == bytes([0, 64, 128, 128, 63, 96, 128, 0, *(0, 0, 0, 255, 0, 0, 0, 0)])


def test_a_smooth_field_shrinks_tenfold():
    flow = smooth_field(180, 320)

    assert len(encode_flow(flow).blob) < flow.nbytes / 10
    assert len(encode_flow(flow, scale_log2=1).blob) < flow.nbytes / 30


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_blob_is_an_input_error(data):
    whole = encode_flow(smooth_field(9, 11))
    blob = bytearray(whole.blob)
    if data.draw(st.booleans(), label="cut"):
        blob = blob[: data.draw(st.integers(0, len(blob) - 1), label="length")]
    else:
        blob[data.draw(st.integers(0, len(blob) - 1), label="at")] ^= 1 << data.draw(
            st.integers(0, 7), label="bit"
        )
    damaged = dataclasses.replace(whole, blob=bytes(blob))

    try:
        decoded = decode_flow(damaged)
    except InputError as error:
        reason = error.reason
    else:  # zstd leaves a few header bits without a meaning
        reason = "damaged_flow"
        np.testing.assert_array_equal(decoded, decode_flow(whole))
    assert reason == "damaged_flow"


@quick
@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_an_input_error(blob):
    with pytest.raises(InputError) as error:
        decode_flow(EncodedFlow(blob, "flow16", 1, STEP, 4, 5, 0))

    assert error.value.reason == "damaged_flow"


@pytest.mark.parametrize(
    "columns",
    [
        {"height": 10},
        {"width": 0},
        {"height": -9},
        {"height": 2**40},
        {"step": 0.0},
        {"step": float("nan")},
        {"scale_log2": 1},
        {"scale_log2": 2},
        {"blob": b""},
    ],
)
def test_columns_that_do_not_fit_the_blob_are_an_input_error(columns):
    damaged = dataclasses.replace(encode_flow(smooth_field(9, 11)), **columns)

    with pytest.raises(InputError) as error:
        decode_flow(damaged)

    assert error.value.reason == "damaged_flow"


def test_bytes_after_the_blob_are_an_input_error():
    whole = encode_flow(smooth_field(9, 11))

    with pytest.raises(InputError, match="does not decode"):
        decode_flow(dataclasses.replace(whole, blob=whole.blob + b"more"))


def test_a_blob_that_promises_too_much_is_refused_before_it_is_unpacked():
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(bytes(10_000_000))

    with pytest.raises(InputError, match="holds 10000000 bytes; expected 80"):
        decode_flow(EncodedFlow(bomb, "flow16", 1, STEP, 4, 5, 0))


def test_an_unknown_codec_is_named():
    whole = encode_flow(smooth_field(9, 11))

    for columns in ({"codec": "flow32"}, {"version": 2}):
        with pytest.raises(InputError) as error:
            decode_flow(dataclasses.replace(whole, **columns))
        assert error.value.reason == "unknown_codec"


def test_a_field_of_another_shape_or_dtype_is_refused():
    for flow in (np.zeros((4, 5), np.float32), np.zeros((3, 4, 5), np.float32)):
        with pytest.raises(ShapeError):
            encode_flow(flow)
    with pytest.raises(ShapeError):
        encode_flow(np.zeros((2, 4, 5), np.int16))  # pyright: ignore[reportArgumentType]


def test_an_impossible_step_or_scale_is_refused():
    flow = np.zeros((2, 4, 5), np.float32)

    for step in (0.0, -1.0, float("nan"), float("inf"), 1e-9):
        with pytest.raises(InputError) as error:
            encode_flow(flow, step=step)
        assert error.value.reason == "bad_step"
    with pytest.raises(InputError) as error:
        encode_flow(flow, scale_log2=2)  # pyright: ignore[reportArgumentType]
    assert error.value.reason == "bad_scale"
