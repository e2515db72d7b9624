"""Pairs measured together are those measured alone; what looks wrong is solved backward."""

from __future__ import annotations

import numpy as np
import pytest

from mlops_assets.flow import measuring
from mlops_assets.flow.measuring import measure_pairs
from mlops_assets.flow.solving import Solver, solve_pairs
from mlops_assets_tests.flow.scenes import translated_pair

SOLVER = Solver("dis", "fast")


def frames_of(*pairs):
    return np.concatenate(pairs), np.arange(2 * len(pairs)).reshape(-1, 2)


def plain(seed, dx=2.0):
    return translated_pair(48, 64, dx, 1, seed=seed)


def cut(seed):
    return np.stack([plain(seed)[0], plain(seed + 100)[0]])


def measured(*pairs, checked=()):
    frames, between = frames_of(*pairs)
    return measure_pairs(
        frames,
        between,
        intervals_s=[0.1] * len(pairs),
        is_checked=[place in checked for place in range(len(pairs))],
        solver=SOLVER,
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch):
    """How many pairs each call solved."""
    calls: list[int] = []

    def solve(frames, between, solver):
        calls.append(len(between))
        return solve_pairs(frames, between, solver)

    monkeypatch.setattr(measuring, "solve_pairs", solve)
    return calls


def test_pairs_that_are_checked_are_solved_backward_in_the_same_call(asked):
    found = measured(plain(1), plain(2), plain(3), checked={1})

    assert asked == [4, 0]
    assert [one.statistics.fb_fail_share is None for one in found] == [True, False, True]
    assert [one.flags.is_trusted for one in found] == [None, True, None]


def test_a_pair_that_looks_wrong_is_solved_backward_all_the_same(asked):
    found = measured(plain(1), cut(2), plain(3), cut(4))

    assert asked == [4, 2]
    assert [one.flags.is_cut for one in found] == [False, True, False, True]
    assert [one.flags.is_trusted for one in found] == [None, False, None, False]


def test_a_pair_is_the_same_alone_and_among_others():
    pairs = [plain(1), cut(2), plain(3, dx=-4), plain(4)]
    together = measured(*pairs, checked={0, 2})

    for place, (pair, one) in enumerate(zip(pairs, together, strict=True)):
        (alone,) = measured(pair, checked={0} if place in {0, 2} else ())
        assert alone.statistics == one.statistics
        assert alone.flags == one.flags
        np.testing.assert_array_equal(alone.solved.flow, one.solved.flow)


def test_no_pairs_measure_nothing():
    assert (
        measure_pairs(
            np.zeros((0, 48, 64), np.uint8),
            np.zeros((0, 2), np.intp),
            intervals_s=[],
            is_checked=[],
            solver=SOLVER,
        )
        == []
    )
