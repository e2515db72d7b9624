"""The pyramid of `opencv-vr`: long motion, guesses that help or are not taken, kept buffers."""

import numpy as np
import pytest

from mlops_assets.flow import dense_flow
from mlops_assets.flow.solvers import opencv_vr
from mlops_assets.flow.solvers.opencv_guesses import CensusGuess, SearchGuess, better_of
from mlops_assets.flow.solvers.opencv_levels import enlarged, level_near, picture_levels
from mlops_assets.samples import Layer, Motion, MotionScene, motion_scene, render_motion
from mlops_assets_tests.flow.scenes import translated_pair, uniform_flow


def error_px(pair, preset, backend):
    flow = dense_flow(np.stack([pair.first, pair.second]), preset=preset, backend=backend).flow[0]
    return np.hypot(*(flow - pair.flow)).mean()


def test_long_motion_is_found_better_than_by_inverse_search():
    pair = render_motion(motion_scene("large", seed=2))

    searched = error_px(pair, "balanced", "opencv-dis")

    assert np.hypot(*pair.flow).max() > 35
    assert error_px(pair, "quality", "opencv-vr") < 0.8 * searched
    assert error_px(pair, "balanced", "opencv-vr") < searched


def test_more_effort_errs_less():
    pair = render_motion(motion_scene("small", seed=4, size=(200, 150)))

    fast, balanced, quality = (
        error_px(pair, preset, "opencv-vr") for preset in ("fast", "balanced", "quality")
    )

    assert quality < balanced < fast


@pytest.mark.parametrize("guess", [CensusGuess(64), SearchGuess(64)])
def test_a_guess_finds_what_moves_further_than_a_pyramid_follows(guess):
    scene = MotionScene((128, 96), (Layer(motion=Motion(shift_px=(14, -8)), centre=(64, 48)),))
    pair = render_motion(scene)
    first, second = (picture_levels(one, ratio=0.5) for one in (pair.first, pair.second))

    flow = guess.flow(first, second, 1)

    assert flow.shape == (2, 48, 64)
    inner = flow[:, 12:-12, 12:-12]
    assert np.median(inner[0]) == pytest.approx(7, abs=1)
    assert np.median(inner[1]) == pytest.approx(-4, abs=1)


def test_a_guess_is_taken_only_where_it_explains_more():
    pictures = [one.astype(np.float32) for one in translated_pair(60, 80, 5, 0)]
    truth, still = uniform_flow(60, 80, 5, 0), np.zeros((2, 60, 80), np.float32)
    half = truth.copy()
    half[:, :, :40] = 0

    np.testing.assert_array_equal(better_of(truth, still, *pictures), truth)
    inner = np.s_[:, 6:-6, 6:-14]
    np.testing.assert_array_equal(better_of(still, truth, *pictures)[inner], truth[inner])
    np.testing.assert_array_equal(better_of(half, truth, *pictures)[inner], truth[inner])


def test_no_guess_is_taken_between_pictures_of_one_level():
    dark, light = np.full((40, 50), 20, np.float32), np.full((40, 50), 220, np.float32)
    still, away = np.zeros((2, 40, 50), np.float32), uniform_flow(40, 50, 30, 30)

    np.testing.assert_array_equal(better_of(still, away, dark, light), still)
    assert not CensusGuess(64).flow([dark], [light], 0).any()


def test_levels_shrink_by_their_ratio_down_to_sixteen_pixels():
    frame = np.random.default_rng(0).integers(0, 256, (123, 200), dtype=np.uint8)

    halved = [one.shape for one in picture_levels(frame, ratio=0.5)]
    assert halved == [(123, 200), (62, 100), (31, 50)]
    smallest = picture_levels(frame, ratio=0.7)[-1]
    assert min(smallest.shape) >= 16
    assert smallest.mean() == pytest.approx(frame.mean(), abs=2)
    assert len(picture_levels(frame[:8, :8], ratio=0.5)) == 1


def test_the_level_nearest_in_ratio_is_chosen():
    sizes = [(384, 512), (192, 256), (96, 128), (48, 64)]

    assert [level_near(side, sizes) for side in (1000, 256, 128, 64, 10)] == [0, 1, 2, 3, 3]


def test_flow_grows_with_its_picture():
    flow = uniform_flow(10, 20, 2, 3)

    np.testing.assert_allclose(enlarged(flow, (30, 30)), uniform_flow(30, 30, 3, 9), rtol=1e-6)
    assert enlarged(flow, (10, 20)) is flow


def test_buffers_are_kept_for_the_next_call_alike_and_no_other(monkeypatch):
    schedule = opencv_vr.PRESETS["fast"]
    first = opencv_vr._steps(schedule, [(40, 60), (20, 30)])

    assert opencv_vr._steps(schedule, [(40, 60), (20, 30)]) is first
    assert opencv_vr._steps(schedule, [(40, 62), (20, 31)]) is not first
    monkeypatch.setattr(opencv_vr, "_LARGEST_KEPT_PIXELS", 1_000)
    large = opencv_vr._steps(schedule, [(40, 60), (20, 30)])
    assert opencv_vr._steps(schedule, [(40, 60), (20, 30)]) is not large


def test_a_strip_without_small_levels_is_solved_without_guesses():
    steps = opencv_vr._steps(opencv_vr.PRESETS["balanced"], [(12, 16_000)])

    assert [step.guesses for step in steps] == [()]
