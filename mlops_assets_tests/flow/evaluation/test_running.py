"""From a folder to rows, with a backend that is always there."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.flow import FlowBatch, write_flo
from mlops_assets.flow.evaluation import (
    DISTURBANCES,
    Candidate,
    candidate_of,
    evaluate_pairs,
    find_pairs,
    mean_row,
    pair_row,
)
from mlops_assets_tests.flow.evaluation import truths
from mlops_assets_tests.flow.scenes import uniform_flow

ORIGIN = FlowBatch(np.zeros((1, 2, 8, 8), np.float32), "known", "fast", "oracle", "1")
AGREED = ["pair", "backend", "preset", "epe_px", "aae_deg", "over_1px", "over_3px", "fl", "seconds"]


def off_by(dx_px):
    """Knows the truth of `truths`, but for an error; there and back undo each other."""
    calls = itertools.cycle([1, -1])

    def solve(frames):
        motion = np.multiply(next(calls), np.add(truths.MOTION, (dx_px, 0)))
        return uniform_flow(*frames.shape[1:3], *motion)

    return Candidate(ORIGIN, solve)


def results_of(folder, candidate, **options):
    ticks = itertools.count(step=0.25)
    pairs = find_pairs(folder).pairs
    return list(evaluate_pairs(pairs, candidate, clock=lambda: next(ticks), **options))


def rows_of(folder, candidate, **options):
    results = results_of(folder, candidate, **options)
    return [pair_row(result, candidate.origin) for result in results], mean_row(
        results, candidate.origin
    )


def test_a_method_that_errs_by_two_pixels_is_told_so(tmp_path):
    truths.middlebury(tmp_path / "A")
    truths.middlebury(tmp_path / "B")
    rows, mean = rows_of(tmp_path, off_by(2.0))
    assert [row["pair"] for row in rows] == ["A", "B"]
    for row in (*rows, mean):
        assert list(row)[:9] == AGREED
        assert row["epe_px"] == pytest.approx(2)
        assert (row["over_1px"], row["over_3px"], row["fl"]) == (1, 0, 0)
        assert row["seconds"] == 0.25
        assert (row["backend"], row["preset"]) == ("oracle", "fast")
    assert mean["pair"] == "mean"
    assert (mean["pairs"], mean["failed"]) == (2, 0)


def test_a_pair_that_fails_is_a_row_and_the_others_go_on(tmp_path):
    for name in "ABCD":
        truths.middlebury(tmp_path / name)
    (tmp_path / "A" / "flow10.flo").unlink()
    (tmp_path / "B" / "frame11.png").write_bytes(b"junk")
    (tmp_path / "C" / "flow10.flo").write_bytes(write_flo(np.zeros((2, 9, 9), np.float32)))
    rows, mean = rows_of(tmp_path, off_by(1.5))
    assert [row["reason"] for row in rows] == ["no_truth", "damaged_picture", "sizes_differ", None]
    for row in rows[:3]:
        assert list(row)[:9] == AGREED
        assert set(map(row.get, AGREED[3:])) == {None}
        assert row["error"]
    assert rows[3]["epe_px"] == mean["epe_px"] == pytest.approx(1.5)
    assert (mean["pairs"], mean["failed"]) == (1, 3)


def test_when_all_fail_the_mean_is_of_nothing(tmp_path):
    truths.middlebury(tmp_path / "A")
    (tmp_path / "A" / "flow10.flo").unlink()
    _, mean = rows_of(tmp_path, off_by(0.0))
    assert list(mean)[:9] == AGREED
    assert set(map(mean.get, AGREED[3:])) == {None}
    assert mean["failed"] == 1


def test_the_mean_counts_pairs_alike_and_regions_where_they_are(tmp_path):
    truths.middlebury(tmp_path / "m")
    truths.sintel(tmp_path / "s", frames=2, passes=("clean",))
    (tmp_path / "m" / "flow10.flo").write_bytes(
        write_flo(truths.truth() + np.array([2, 0], np.float32)[:, None, None])
    )
    rows, mean = rows_of(tmp_path, off_by(0.0))
    assert [row["epe_px"] for row in rows] == [2, 0]
    assert mean["epe_px"] == 1
    assert rows[0]["regions"]["occluded"] is None
    assert mean["regions"]["occluded"]["epe_px"] == 0
    assert mean["regions"]["textureless"] is None or mean["regions"]["textureless"]["pixels"] > 0


def test_a_flow_that_cannot_be_undone_fails_forward_backward(tmp_path):
    truths.middlebury(tmp_path)
    (row,), _ = rows_of(tmp_path, off_by(0.0))
    assert row["fb_fail_share"] < 0.1  # what leaves the frame
    stubborn = Candidate(ORIGIN, lambda _: uniform_flow(truths.HEIGHT, truths.WIDTH, 3, 0))
    (row,), _ = rows_of(tmp_path, stubborn)
    assert row["fb_fail_share"] == 1


def test_calibration_over_pairs_needs_three_and_finds_the_order(tmp_path):
    for index, name in enumerate("ABC"):
        folder = truths.middlebury(tmp_path / name)
        wrong = np.array([index, 0], np.float32)[:, None, None]
        (folder / "flow10.flo").write_bytes(write_flo(truths.truth() + wrong))
    returns = iter([0.0, 0.0, 0.0, 0.5, 0.0, 2.0])  # the further off, the less it returns

    def solve(_):
        flow = uniform_flow(truths.HEIGHT, truths.WIDTH, 0, 0)
        flow[0, : truths.HEIGHT // 2] = next(returns)
        return flow + truths.truth() * 0

    _, mean = rows_of(tmp_path, Candidate(ORIGIN, solve))
    assert (mean["calibration"]["pairs"], mean["calibration"]["tiles"]) == (3, 48)
    assert mean["calibration"]["miss_over_pairs"] == pytest.approx(1)
    two_of_three_do_not_fail = np.sqrt(3) / 2
    assert mean["calibration"]["fail_over_pairs"] == pytest.approx(two_of_three_do_not_fail)
    _, two = rows_of(tmp_path / "A", off_by(0.0))
    assert two["calibration"]["miss_over_pairs"] is None


def test_robustness_is_a_figure_a_disturbance_and_the_same_every_time(tmp_path):
    truths.sintel(tmp_path, frames=4, passes=("clean",))
    candidate = candidate_of(backend="opencv-dis", preset="fast")
    rows, mean = rows_of(tmp_path, candidate, seed=5)
    assert list(mean["robustness_epe_px"]) == list(DISTURBANCES)
    assert [row["robustness_epe_px"]["frame_drop"] is None for row in rows] == [False, False, True]
    assert rows[0]["robustness_epe_px"]["frame_drop"] < 1
    assert mean["robustness_epe_px"]["noise"] > mean["epe_px"]
    assert (
        rows_of(tmp_path, candidate, seed=5)[0][2]["robustness_epe_px"]
        == rows[2]["robustness_epe_px"]
    )
    assert rows_of(tmp_path, candidate)[1]["robustness_epe_px"] is None


def test_a_following_pair_that_is_damaged_leaves_only_the_frame_drop_out(tmp_path):
    truths.sintel(tmp_path, passes=("clean",))
    (tmp_path / "flow" / "alley_1" / "frame_0002.flo").write_bytes(b"junk")
    rows, _ = rows_of(tmp_path, candidate_of(backend="opencv-dis", preset="fast"), seed=5)
    assert [row["error"] is None for row in rows] == [True, False]
    assert rows[0]["robustness_epe_px"]["frame_drop"] is None
    assert rows[0]["robustness_epe_px"]["noise"] is not None


def test_the_real_thing_says_what_it_is_and_is_right(tmp_path):
    truths.kitti(tmp_path, numbers=(0,))
    candidate = candidate_of(backend="opencv-dis", preset="quality")
    (row,), _ = rows_of(tmp_path, candidate)
    assert (row["backend"], row["preset"], row["layout"]) == ("opencv-dis", "quality", "kitti")
    assert row["epe_px"] < 0.1
    assert row["known_share"] == 0.5
    assert candidate_of(backend="auto", preset="fast").origin.backend != "auto"


def test_what_there_is_not_is_refused_before_the_first_pair():
    with pytest.raises(ConfigurationError, match="backend"):
        candidate_of(backend="magic", preset="fast")
    with pytest.raises(ConfigurationError, match="preset"):
        candidate_of(backend="opencv-dis", preset="extreme")


def test_one_pair_is_held_at_a_time_and_shown(tmp_path):
    for name in "AB":
        truths.middlebury(tmp_path / name)
    shown = []
    candidate = off_by(0.0)
    look = lambda files, pair, solved: shown.append((files.name, solved.forward.shape))  # noqa: E731
    ticks = itertools.count()
    running = evaluate_pairs(
        find_pairs(tmp_path).pairs, candidate, clock=lambda: next(ticks), look=look
    )
    next(running)
    assert shown == [("A", (2, truths.HEIGHT, truths.WIDTH))]
