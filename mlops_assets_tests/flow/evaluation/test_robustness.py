from __future__ import annotations

import numpy as np
import pytest

from mlops_assets.errors import InputError
from mlops_assets.flow.evaluation import DISTURBANCES, TruePair, disturbed_errors, drop_frame
from mlops_assets_tests.flow.evaluation import truths
from mlops_assets_tests.flow.scenes import two_layer_pair, uniform_flow


def shown_to(pair, **options):
    """The pictures that a method is shown, by disturbance, and what it is said to err."""
    seen = []

    def solve(frames):
        seen.append(frames)
        return pair.truth

    errors = disturbed_errors(pair, solve, rng=np.random.default_rng(1), **options)
    return dict(zip(errors, seen, strict=False)), errors


def clip(*, colour=False):
    frames = np.stack(truths.pictures())
    return TruePair(np.stack([frames] * 3, axis=-1) if colour else frames, truths.truth())


@pytest.mark.parametrize("colour", [False, True])
def test_each_disturbance_does_what_it_says(colour):
    pair = clip(colour=colour)
    seen, errors = shown_to(pair)
    assert list(errors) == list(DISTURBANCES)
    before = pair.frames.astype(float)
    assert all(one.dtype == np.uint8 and one.shape == pair.frames.shape for one in seen.values())
    inside = (before > 50) & (before < 205)
    assert (seen["noise"] - before)[inside].std() == pytest.approx(10, abs=0.5)
    assert seen["blur"].std() < 0.95 * before.std()
    assert 1 < np.abs(seen["jpeg"] - before).mean() < 12
    np.testing.assert_allclose(seen["darker"][1], 0.6 * before[1], atol=0.5)
    np.testing.assert_allclose(seen["gamma"][1], 255 * (before[1] / 255) ** 1.5, atol=0.51)
    for name in ("darker", "gamma"):
        np.testing.assert_array_equal(seen[name][0], pair.frames[0])


def test_errors_are_against_the_undisturbed_truth():
    _, errors = shown_to(clip())
    assert errors == dict.fromkeys(DISTURBANCES, 0.0) | {"frame_drop": None}


def test_the_same_seed_gives_the_same_noise():
    pair = clip()
    np.testing.assert_array_equal(shown_to(pair)[0]["noise"], shown_to(pair)[0]["noise"])


def test_a_dropped_frame_doubles_the_motion():
    first, second, third = truths.pictures(3)
    steps = [
        TruePair(np.stack(both), truths.truth()) for both in ((first, second), (second, third))
    ]
    dropped = drop_frame(*steps)
    np.testing.assert_array_equal(dropped.frames, [first, third])
    known = np.isfinite(dropped.truth)
    assert known.mean() > 0.9
    np.testing.assert_allclose(dropped.truth[known], (2 * truths.truth())[known], atol=1e-5)
    x = np.arange(truths.WIDTH) + truths.MOTION[0]
    assert not known[:, :, x > truths.WIDTH - 1].any()
    seen, errors = shown_to(steps[0], dropped=dropped)
    np.testing.assert_array_equal(seen["frame_drop"], dropped.frames)
    assert errors["frame_drop"] == pytest.approx(np.hypot(*truths.MOTION), rel=1e-5)


def test_chained_truth_is_exact_and_unknown_at_motion_edges():
    frames, truth = two_layer_pair(60, 100, (1.0, 0.0), (-2.0, 1.0))
    step = TruePair(frames, truth)
    chained = drop_frame(step, step).truth
    known = np.isfinite(chained[0])
    back, front = uniform_flow(60, 100, 2, 0), uniform_flow(60, 100, -4, 2)
    miss = np.minimum(np.hypot(*(chained - back)), np.hypot(*(chained - front)))
    assert known.mean() > 0.85
    mixed = np.hypot(*(chained - uniform_flow(60, 100, -1, 1))) < 0.1  # one step of each layer
    assert (miss[known & ~mixed] < 0.1).mean() > 0.99


def test_what_is_occluded_is_not_chained():
    step = clip()
    hidden = TruePair(step.frames, step.truth, np.ones(step.truth.shape[1:], bool))
    with pytest.raises(InputError, match="all three"):
        drop_frame(step, hidden)


def test_steps_of_two_sizes_are_refused():
    small = TruePair(np.zeros((2, 9, 9), np.uint8), uniform_flow(9, 9, 0, 0))
    with pytest.raises(InputError):
        drop_frame(clip(), small)
