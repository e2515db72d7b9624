"""What is unusual is found, said in words, and not said of what is usual."""

import numpy as np
import pytest

from mlops_assets.flow.describing.anomalies import (
    LEAST_HISTORY,
    MEASURES,
    judge_motion,
    measures_of,
    usual_motion,
)


def columns(count, **values):
    """Statistics of pairs in which nothing moves but what is said."""
    plain = dict.fromkeys(
        (
            "p95_diag_per_s",
            "mean_diag_per_s",
            "camera_residual_diag_per_s",
            "camera_dx_diag_per_s",
            "camera_dy_diag_per_s",
            "camera_rotation_deg_per_s",
            "camera_zoom_per_s",
        ),
        0.0,
    )
    said = {**plain, "camera_inliers": 0.9, **values}
    return {
        name: np.broadcast_to(np.asarray(value, dtype=float), count) for name, value in said.items()
    }


def street(count=200, *, seed=1):
    """A still camera over a street: traffic at 0.1 diagonals a second, more or less."""
    traffic = 0.1 * np.exp(np.random.default_rng(seed).normal(0, 0.3, count))
    return columns(
        count,
        p95_diag_per_s=traffic,
        mean_diag_per_s=traffic / 4,
        camera_residual_diag_per_s=traffic / 4,
    )


USUAL = usual_motion(measures_of(street()))


def judged(**values):
    (found,) = judge_motion(measures_of(columns(1, **values)), USUAL)
    assert found is not None
    return found


def test_the_reason_is_said_as_a_person_would():
    found = judged(p95_diag_per_s=0.42 * 5, mean_diag_per_s=0.03, camera_residual_diag_per_s=0.03)

    assert found.measure == "p95_diag_per_s"
    assert found.value == pytest.approx(2.1)
    assert found.usual == pytest.approx(0.1, rel=0.1)
    assert found.score > 5
    assert found.reason.startswith("motion 2")
    assert found.reason.endswith("x this source's usual p95; camera still")


@pytest.mark.parametrize(
    ("values", "measure", "camera"),
    [
        ({"camera_dx_diag_per_s": 0.3}, "camera_diag_per_s", "camera shifts"),
        ({"camera_rotation_deg_per_s": -40}, "camera_turn_deg_per_s", "camera turns"),
        ({"camera_zoom_per_s": 0.9}, "camera_zoom_per_s", "camera zooms"),
    ],
)
def test_a_camera_that_moves_at_last_is_named(values, measure, camera):
    found = judged(
        p95_diag_per_s=0.1, mean_diag_per_s=0.025, camera_residual_diag_per_s=0.025, **values
    )

    assert found.measure == measure
    assert found.score > 5
    assert found.reason.endswith(f"the usual; {camera}")


def test_a_camera_that_little_follows_is_not_judged():
    found = judged(
        p95_diag_per_s=0.1,
        mean_diag_per_s=0.025,
        camera_residual_diag_per_s=0.025,
        camera_rotation_deg_per_s=90,
        camera_inliers=0.3,
    )

    assert found.score < 1
    assert found.reason.endswith("camera motion unclear")


def test_more_of_the_same_is_not_strange():
    scores = [one.score for one in judge_motion(measures_of(street(1000, seed=2)), USUAL) if one]

    assert len(scores) == 1000
    assert np.mean(np.array(scores) > 5) < 0.001


def test_a_still_source_does_not_cry_at_noise():
    usual = usual_motion(measures_of(columns(50, p95_diag_per_s=0.001)))
    pairs = measures_of(columns(3, p95_diag_per_s=np.array([0.0, 0.004, 0.2])))

    nothing, noise, somebody = (one.score for one in judge_motion(pairs, usual) if one)

    assert max(nothing, noise) < 2
    assert somebody > 5


def test_a_few_oddities_in_the_history_do_not_hide_the_next():
    odd = street()
    odd["p95_diag_per_s"] = odd["p95_diag_per_s"].copy()
    odd["p95_diag_per_s"][:20] = 5.0
    pair = measures_of(columns(1, p95_diag_per_s=5.0))

    (plain,), (again,) = (
        judge_motion(pair, usual) for usual in (USUAL, usual_motion(measures_of(odd)))
    )

    assert plain is not None
    assert again is not None
    assert again.score == pytest.approx(plain.score, rel=0.2)


def test_the_order_of_the_history_does_not_matter():
    shuffled = np.random.default_rng(0).permutation(200)

    assert usual_motion({n: v[shuffled] for n, v in measures_of(street()).items()}) == USUAL


def test_too_little_history_says_nothing():
    few = street(LEAST_HISTORY - 1)

    assert usual_motion(measures_of(few)) == {}
    assert judge_motion(measures_of(few), {}) == [None] * len(few["p95_diag_per_s"])
    assert judge_motion(measures_of(columns(0)), USUAL) == []


def test_a_pair_of_which_nothing_is_known_is_not_judged():
    unknown = {one.name: np.array([np.nan]) for one in MEASURES}

    assert judge_motion(unknown, USUAL) == [None]


def test_a_measure_the_history_does_not_know_is_left_out():
    history = measures_of(street())
    history["camera_zoom_per_s"] = np.full(200, np.nan)
    pair = measures_of(columns(1, p95_diag_per_s=0.1, camera_zoom_per_s=50.0))

    (found,) = judge_motion(pair, usual_motion(history))

    assert found is not None
    assert found.measure != "camera_zoom_per_s"
