"""Statistics of fields whose motion is known."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import dense_flow, describe_flow
from mlops_assets.flow.describing.statistics import with_round_trip
from mlops_assets_tests.flow.scenes import (
    grid,
    similarity_flow,
    texture,
    translated_pair,
    uniform_flow,
)

FLAT = np.full((60, 80), 128, dtype=np.uint8)


def describe(flow, *, interval_s=0.1, **more):
    flat = np.full(flow.shape[1:], 128, dtype=np.uint8)
    return describe_flow(flow, flat, flat, interval_s=interval_s, **more)


def numbers(statistics):
    for value in asdict(statistics).values():
        yield from value if isinstance(value, list) else [] if value is None else [value]


def test_a_uniform_shift_is_described_exactly():
    found = describe(uniform_flow(60, 80, 3, 4))

    assert [found.mean_px, found.p50_px, found.p95_px, found.max_px] == pytest.approx([5] * 4)
    assert found.mean_diag_per_s == pytest.approx(0.5)  # 5 of 100 px, ten times a second
    assert found.p95_diag_per_s == pytest.approx(0.5)
    assert [found.p50_diag_per_s, found.max_diag_per_s] == pytest.approx([0.5, 0.5])
    assert (found.static_share, found.still_share) == (0, 0)
    assert found.direction_entropy == 0
    assert found.direction_resultant == pytest.approx(1)
    assert found.mean_direction_deg == pytest.approx(math.degrees(math.atan2(4, 3)))
    assert found.divergence_abs == pytest.approx(0)
    assert found.curl_abs == pytest.approx(0)
    assert found.direction_histogram[2] == pytest.approx(0.5)  # 53 degrees lies nearest to 45
    assert sum(found.direction_histogram) == pytest.approx(found.mean_diag_per_s)
    assert found.magnitude_histogram[11] == 1  # 1/2 to 1 diagonal per second


@pytest.mark.parametrize(
    ("shift", "degrees", "bin_"),
    [((2, 0), 0, 0), ((0, 2), 90, 4), ((-2, 0), 180, 8), ((0, -2), 270, 12), ((2, -0.01), 360, 0)],
)
def test_directions_turn_clockwise_from_the_right(shift, degrees, bin_):
    found = describe(uniform_flow(60, 80, *shift))

    assert found.mean_direction_deg == pytest.approx(degrees, abs=0.5)
    assert found.mean_direction_deg is not None
    assert 0 <= found.mean_direction_deg < 360
    assert np.argmax(found.direction_histogram) == bin_
    assert np.count_nonzero(found.direction_histogram) == 1


def test_no_motion_has_no_direction():
    found = describe(uniform_flow(60, 80, 0, 0))

    assert (found.static_share, found.still_share) == (1, 1)
    assert found.max_px == 0
    assert found.direction_entropy is None
    assert found.direction_resultant is None
    assert found.mean_direction_deg is None
    assert sum(found.direction_histogram) == 0
    assert found.magnitude_histogram[0] == 1
    assert found.photo_mae == 0
    assert found.census_mae == 0
    assert (found.camera_dx_px, found.camera_dy_px) == pytest.approx((0, 0))
    assert found.camera_inliers == 1


def test_opposite_directions_cancel_out():
    flow = uniform_flow(60, 80, 2, 0)
    flow[0, :, 40:] = -2

    found = describe(flow)

    assert found.direction_resultant == pytest.approx(0)
    assert found.mean_direction_deg is None
    assert found.direction_entropy == pytest.approx(0.25)  # one bit of four


def test_every_direction_alike_has_entropy_one():
    angles = np.linspace(0, 2 * np.pi, 60 * 80, endpoint=False).reshape(60, 80)

    found = describe(2 * np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32))

    assert found.direction_entropy == pytest.approx(1, abs=1e-6)


def test_a_moving_camera_is_recovered():
    flow = similarity_flow(96, 128, dx=4, dy=-2.5, zoom=1.03, rotation_deg=2)

    found = describe(flow)

    assert found.camera_dx_px == pytest.approx(4, abs=0.01)
    assert found.camera_dy_px == pytest.approx(-2.5, abs=0.01)
    assert found.camera_zoom == pytest.approx(1.03, abs=1e-4)
    assert found.camera_rotation_deg == pytest.approx(2, abs=0.01)
    assert found.camera_inliers == 1
    assert found.camera_residual_px == pytest.approx(0, abs=0.01)


def test_an_object_does_not_disturb_the_camera():
    flow = similarity_flow(96, 128, dx=3)
    flow[:, 30:70, 40:80] = np.array([-6, 9])[:, None, None]

    found = describe(flow)

    assert found.camera_dx_px == pytest.approx(3, abs=0.01)
    assert found.camera_inliers == pytest.approx(1 - 40 * 40 / (96 * 128), abs=0.05)
    assert found.camera_residual_px is not None
    assert found.camera_residual_px > 1


def test_zoom_is_divergence_and_rotation_is_curl():
    zoom = describe(similarity_flow(60, 80, zoom=1.02))
    turn = describe(similarity_flow(60, 80, rotation_deg=1))

    assert zoom.divergence_abs == pytest.approx(0.04, abs=1e-4)
    assert zoom.curl_abs == pytest.approx(0, abs=1e-4)
    assert turn.curl_abs == pytest.approx(2 * math.radians(1), abs=1e-4)
    assert turn.divergence_abs == pytest.approx(0, abs=1e-3)


def seen(scale, interval_s):
    """One scene, a turning and zooming camera and an object, at any size and interval."""
    height, width = int(120 * scale), int(160 * scale)
    share = interval_s / 0.1
    camera = similarity_flow(
        height,
        width,
        dx=6 * scale * share,
        dy=-3 * scale * share,
        zoom=1.04**share,
        rotation_deg=2 * share,
    )
    across, down = slice(width // 4, width // 2), slice(height // 4, height // 2)
    camera[:, down, across] += np.float32(4 * scale * share)
    return describe(camera, interval_s=interval_s)


@pytest.mark.parametrize(("scale", "interval_s"), [(0.5, 0.1), (1, 0.05), (0.5, 0.05), (2, 0.2)])
def test_resolution_and_frame_rate_leave_normalised_columns_alone(scale, interval_s):
    usual, found = asdict(seen(1, 0.1)), asdict(seen(scale, interval_s))

    for name in NORMALISED:
        assert found[name] == pytest.approx(usual[name], rel=0.06, abs=0.01), name
    assert found["mean_direction_deg"] == pytest.approx(usual["mean_direction_deg"], abs=2)
    for name, most in (("magnitude_histogram", 0.05), ("direction_histogram", 0.03)):
        assert np.abs(np.subtract(found[name], usual[name])).max() < most


NORMALISED = (
    "mean_diag_per_s",
    "p50_diag_per_s",
    "p95_diag_per_s",
    "max_diag_per_s",
    "still_share",
    "direction_entropy",
    "direction_resultant",
    "camera_dx_diag_per_s",
    "camera_dy_diag_per_s",
    "camera_zoom_per_s",
    "camera_rotation_deg_per_s",
    "camera_residual_diag_per_s",
)


def test_what_is_measured_of_rendered_pictures_stays_as_it_is_at_half_the_size():
    """The scene is a formula: drawn at half the size, and half the motion in half the time."""

    def measured(scale, interval_s):
        height, width = int(240 * scale), int(320 * scale)
        shift = 80 * scale * interval_s
        pair = scaled_pair(height, width, shift, shift / 2, scale=scale)
        flow = dense_flow(pair[np.newaxis], backend="opencv-dis").flow[0]
        return describe_flow(flow, *pair, interval_s=interval_s)

    usual, found = measured(1, 0.1), measured(0.5, 0.05)

    assert usual.mean_px == pytest.approx(4 * found.mean_px, rel=0.05)
    assert found.mean_diag_per_s == pytest.approx(usual.mean_diag_per_s, rel=0.05)
    assert found.p95_diag_per_s == pytest.approx(usual.p95_diag_per_s, rel=0.05)
    assert found.camera_dx_diag_per_s == pytest.approx(usual.camera_dx_diag_per_s, rel=0.05)
    assert found.mean_direction_deg == pytest.approx(usual.mean_direction_deg, abs=2)
    assert found.still_share == pytest.approx(usual.still_share, abs=0.02)


def scaled_pair(height, width, dx, dy, *, scale):
    x, y = grid(height, width)
    first, second = texture(x / scale, y / scale), texture((x - dx) / scale, (y - dy) / scale)
    return np.rint(np.stack([first, second])).astype(np.uint8)


def test_unevenness_does_not_grow_with_speed():
    slow, fast = (describe(similarity_flow(60, 80, zoom=zoom)) for zoom in (1.02, 1.04))

    assert slow.divergence_abs is not None
    assert fast.divergence_abs == pytest.approx(2 * slow.divergence_abs, rel=0.01)
    assert fast.divergence_per_motion == pytest.approx(slow.divergence_per_motion, rel=0.01)
    still = describe(similarity_flow(60, 80, zoom=1.0005))
    assert still.divergence_abs is not None
    assert still.divergence_per_motion is None


def test_a_later_round_trip_is_that_of_describing_at_once():
    there, back = uniform_flow(60, 80, 4, 0), uniform_flow(60, 80, -4, 0.5)

    later = with_round_trip(describe(there), there, back)

    assert later == describe(there, backward=back)
    with pytest.raises(ShapeError):
        with_round_trip(later, there, back[:, 1:])


def test_a_picture_that_falls_into_one_point_has_no_camera():
    found = describe(similarity_flow(64, 64, zoom=0.0))

    assert found.camera_zoom is None
    assert found.camera_zoom_per_s is None
    assert found.camera_residual_diag_per_s is None


def test_the_true_flow_explains_the_second_picture():
    pair = translated_pair(60, 80, 2.5, 1)

    right = describe_flow(uniform_flow(60, 80, 2.5, 1), *pair, interval_s=0.1)
    wrong = describe_flow(uniform_flow(60, 80, 0, 0), *pair, interval_s=0.1)

    assert right.photo_mae is not None
    assert wrong.photo_mae is not None
    assert right.photo_mae < 1.5 < 10 < wrong.photo_mae
    assert right.census_mae is not None
    assert wrong.census_mae is not None
    assert right.census_mae < 0.15 < 0.3 < wrong.census_mae


def test_brighter_light_raises_the_difference_but_not_the_census():
    first, second = translated_pair(60, 80, 1, 0) // 2
    flow = uniform_flow(60, 80, 1, 0)

    dark = describe_flow(flow, first, second, interval_s=0.1)
    bright = describe_flow(flow, first, second + 40, interval_s=0.1)

    assert dark.photo_mae is not None
    assert bright.photo_mae == pytest.approx(dark.photo_mae + 40, abs=1)
    assert bright.census_mae == pytest.approx(dark.census_mae, abs=1e-6)


def test_the_way_back_confirms_a_flow_or_does_not():
    there, back = uniform_flow(60, 80, 4, 0), uniform_flow(60, 80, -4, 0)

    confirmed, refuted = describe(there, backward=back), describe(there, backward=there)

    assert confirmed.fb_fail_share == pytest.approx(4 / 80)  # the columns that leave the frame
    assert confirmed.fb_mean_px == pytest.approx(0)
    assert refuted.fb_fail_share == 1
    assert refuted.fb_mean_px == pytest.approx(8)


def test_without_a_backward_flow_there_is_no_round_trip():
    found = describe(uniform_flow(60, 80, 1, 1))

    assert found.fb_fail_share is None
    assert found.fb_mean_px is None


def test_estimated_flow_of_a_real_translation_is_confirmed():
    pairs = translated_pair(96, 128, 3, -2)[np.newaxis]
    forward, backward = (
        dense_flow(part, backend="opencv-dis").flow[0] for part in (pairs, pairs[:, ::-1])
    )

    found = describe_flow(forward, *pairs[0], interval_s=1 / 15, backward=backward)

    assert found.fb_fail_share is not None
    assert found.fb_fail_share < 0.1
    assert (found.camera_dx_px, found.camera_dy_px) == pytest.approx((3, -2), abs=0.1)


def test_unknown_vectors_are_left_out():
    flow = uniform_flow(60, 80, 3, 4)
    flow[0, :30] = np.nan
    flow[1, 30:35] = np.inf
    flow[1, 35:40] = 1e10

    found = describe(flow, backward=-uniform_flow(60, 80, 3, 4))

    assert found.mean_px == pytest.approx(5)
    assert found.camera_dx_px == pytest.approx(3, abs=0.01)
    assert found.divergence_abs == pytest.approx(0)
    assert np.isfinite(list(numbers(found))).all()


def test_flow_out_of_the_frame_compares_with_nothing():
    found = describe(uniform_flow(60, 80, 500, 0), backward=uniform_flow(60, 80, -500, 0))

    assert found.photo_mae is None
    assert found.census_mae is None
    assert found.fb_fail_share == 1
    assert found.fb_mean_px is None


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.float32, (2, 9, 11), elements=st.floats(width=32)),
    hnp.arrays(np.float32, (2, 9, 11), elements=st.floats(width=32)),
)
def test_any_field_with_a_known_vector_gives_finite_numbers(flow, backward):
    flow[:, 4, 5] = 1, 2
    found = describe(flow, backward=backward)

    assert np.isfinite(list(numbers(found))).all()
    assert sum(found.magnitude_histogram) == pytest.approx(1)
    assert sum(found.direction_histogram) <= found.mean_diag_per_s * (1 + 1e-5)
    for share in (found.static_share, found.direction_entropy, found.fb_fail_share):
        assert share is None or 0 <= share <= 1 + 1e-9


def test_a_field_without_known_vectors_is_an_input_error():
    with pytest.raises(InputError) as error:
        describe(uniform_flow(60, 80, np.nan, np.nan))

    assert error.value.reason == "no_known_flow"


@pytest.mark.parametrize("interval_s", [0, -1, 1e-300, 1e300, float("nan"), float("inf")])
def test_an_impossible_interval_is_an_input_error(interval_s):
    with pytest.raises(InputError) as error:
        describe(uniform_flow(60, 80, 1, 1), interval_s=interval_s)

    assert error.value.reason == "bad_interval"


def test_shapes_that_differ_are_refused():
    flow = uniform_flow(60, 80, 1, 1)

    with pytest.raises(ShapeError):
        describe_flow(flow, FLAT, FLAT[1:], interval_s=0.1)
    with pytest.raises(ShapeError):
        describe_flow(flow, FLAT, FLAT, interval_s=0.1, backward=flow[:, 1:])
    with pytest.raises(ShapeError):
        describe_flow(flow[0], FLAT, FLAT, interval_s=0.1)
    with pytest.raises(ShapeError):
        describe(uniform_flow(7, 80, 1, 1))
