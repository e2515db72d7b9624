"""Rendered pairs: the flow beside them is the motion in them, exactly."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ConfigurationError
from mlops_assets.samples import (
    MOTION_SCENES,
    Layer,
    Light,
    Motion,
    MotionKind,
    MotionScene,
    exact_motion,
    motion_scene,
    render_motion,
    scene_levels,
)

KINDS = get_args(MotionKind)
SMALL = (96, 72)


def points(size, count=400, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (2, count)) * (np.array(size)[:, None] - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_looks_the_same_where_the_flow_says_it_went(kind):
    scene = motion_scene(kind, seed=3, size=SMALL)
    x, y = points(SMALL)

    flow, occluded = exact_motion(scene, x, y)

    before = scene_levels(scene, x, y, when=0.0)
    after = scene_levels(scene, x + flow[0], y + flow[1], when=1.0)
    assert not occluded.all()
    np.testing.assert_allclose(after[~occluded], before[~occluded], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.floats(-30, 30), st.floats(-30, 30)),
    st.floats(-30, 30),
    st.floats(0.7, 1.4),
    st.floats(-0.3, 0.3),
    st.tuples(st.floats(-1e-3, 1e-3), st.floats(-1e-3, 1e-3)),
)
def test_every_motion_carries_points_as_its_matrix_says(shift, rotation, zoom, shear, perspective):
    motion = Motion(shift, rotation, zoom, shear, perspective)
    scene = MotionScene(SMALL, (Layer(motion=motion, centre=(40.0, 30.0)),))
    x, y = points(SMALL, 50)

    flow, _ = exact_motion(scene, x, y)

    across, down, scale = motion.matrix((40.0, 30.0), 1.0) @ np.stack([x, y, np.ones_like(x)])
    np.testing.assert_allclose(flow, np.stack([across / scale - x, down / scale - y]), atol=1e-9)
    np.testing.assert_allclose(motion.matrix((40.0, 30.0), 0.0), np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("motion", "expected"),
    [
        (Motion(shift_px=(3, -2)), lambda x, y: (3 + 0 * x, -2 + 0 * y)),
        (Motion(rotation_deg=90), lambda x, y: (-y - x, x - y)),
        (Motion(zoom=2), lambda x, y: (x, y)),
        (Motion(shear=0.5), lambda x, y: (y / 2, 0 * y)),
    ],
)
def test_the_parameters_mean_what_they_say(motion, expected):
    scene = MotionScene(SMALL, (Layer(motion=motion),))
    x, y = points(SMALL, 20)

    flow, _ = exact_motion(scene, x, y)

    np.testing.assert_allclose(flow, np.stack(expected(x, y)), atol=1e-9)


def test_pictures_warped_by_the_truth_agree_outside_occlusion():
    import cv2

    still = replace(motion_scene("small", seed=1), first=Light(), second=Light())
    pair = render_motion(still)

    x, y = np.meshgrid(np.arange(320, dtype=np.float32), np.arange(240, dtype=np.float32))
    second = pair.second.astype(np.float32)
    warped = cv2.remap(second, x + pair.flow[0], y + pair.flow[1], cv2.INTER_CUBIC)
    difference = np.abs(warped - pair.first)

    assert difference[~pair.occluded].mean() < 1.0  # rounding, and pixels are areas
    assert difference[pair.occluded].mean() > 15
    assert pair.second.std() > 20


def test_what_is_covered_or_left_the_picture_is_occluded():
    background = Layer(centre=(47.5, 35.5), seed=1)
    blob = Layer(motion=Motion(shift_px=(10, 0)), centre=(40.0, 36.0), radius_px=12, seed=2)

    pair = render_motion(MotionScene(SMALL, (background, blob)))

    assert pair.occluded[36, 57]  # the blob arrives here
    assert not pair.occluded[36, 40]
    np.testing.assert_allclose(pair.flow[:, 36, 40], (10, 0), atol=1e-5)
    assert not pair.occluded[36, 24]  # the blob was never here
    leaving = MotionScene(SMALL, (Layer(motion=Motion(shift_px=(-20, 0)), centre=(47.5, 35.5)),))
    np.testing.assert_array_equal(render_motion(leaving).occluded.all(axis=0), np.arange(96) < 20)


@pytest.mark.parametrize("kind", KINDS)
def test_no_motion_is_longer_than_the_reach_of_its_kind(kind):
    reach_px, width, height = MOTION_SCENES[kind].reach_px, *MOTION_SCENES[kind].size
    x, y = np.meshgrid(np.linspace(0, width - 1, 24), np.linspace(0, height - 1, 24))

    speeds = [np.hypot(*exact_motion(motion_scene(kind, seed=s), x, y)[0]) for s in range(25)]

    assert np.max(speeds) <= reach_px
    assert np.max(speeds) > 0.85 * reach_px


def test_the_same_scene_gives_the_same_pixels_and_another_seed_others():
    scene = motion_scene("noisy", seed=5, size=SMALL)

    first, again = render_motion(scene), render_motion(motion_scene("noisy", seed=5, size=SMALL))
    other = render_motion(motion_scene("noisy", seed=6, size=SMALL))

    np.testing.assert_array_equal(first.second, again.second)
    np.testing.assert_array_equal(first.flow, again.flow)
    assert (first.first != other.first).mean() > 0.5
    assert first.first.dtype == np.uint8
    assert first.flow.shape == (2, 72, 96)


def test_light_does_what_it_says():
    layers = (Layer(centre=(47.5, 35.5), seed=1),)

    def mean_level(light):
        return render_motion(MotionScene(SMALL, layers, first=light)).first.mean(dtype=float)

    clear = mean_level(Light())
    assert mean_level(Light(gain=0.5)) == pytest.approx(clear / 2, rel=0.02)
    assert mean_level(Light(gamma=1.5)) < 0.9 * clear
    assert mean_level(Light(shadow=0.5)) < 0.9 * clear
    noisy = render_motion(MotionScene(SMALL, layers, Light(noise_levels=8), Light()))
    noise = noisy.first.astype(float) - noisy.second
    assert noise.std() == pytest.approx(8, rel=0.1)


def test_an_exposed_motion_is_blurred_along_itself():
    layers = (Layer(motion=Motion(shift_px=(8, 0)), centre=(47.5, 35.5), seed=1),)

    sharp = render_motion(MotionScene(SMALL, layers)).first.astype(float)
    blurred = render_motion(MotionScene(SMALL, layers, Light(shutter=1.0))).first.astype(float)

    across, down = (np.abs(np.diff(blurred, axis=axis)).mean() for axis in (1, 0))
    assert across < 0.6 * np.abs(np.diff(sharp, axis=1)).mean()
    assert across < down


def test_plain_layers_have_next_to_no_texture():
    scene = MotionScene(SMALL, (Layer(centre=(47.5, 35.5), texture="plain"),))

    assert render_motion(scene).first.std() < 3


def test_an_unknown_kind_is_a_matter_for_the_caller():
    with pytest.raises(ConfigurationError, match="kind is 'fast'"):
        motion_scene("fast")  # pyright: ignore[reportArgumentType]
