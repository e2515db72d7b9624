"""Memory pressure halves the batch, then falls back within the method; numbers stay the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.flow import Backend, backends
from mlops_assets.flow.arrays import DeviceMemoryExhausted
from mlops_assets.flow.solving import Solver, solve_pairs


@dataclass
class Room:
    """A program with room for so many pairs; its flow is the mean difference of two pictures."""

    pairs: int
    error: type[Exception] = MemoryError
    calls: list[int] = field(default_factory=list)

    def solve(self, frames, between, preset):
        self.calls.append(len(between))
        if len(between) > self.pairs:
            raise self.error(f"room for {self.pairs}")
        means = frames.mean(axis=(1, 2))
        steps = means[between[:, 1]] - means[between[:, 0]]
        shape = (len(between), 2, *frames.shape[1:])
        return np.broadcast_to(steps[:, None, None, None], shape).astype(np.float32)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch):
    """Put programs of one method `toy` in the place of all backends, the preferred one first."""

    def put(**rooms: Room | str) -> None:
        found = {
            name: Backend(name, "toy", "1", Room(0).solve, unavailable=lambda room=room: room)
            if isinstance(room, str)
            else Backend(name, "toy", "1", room.solve)
            for name, room in rooms.items()
        }
        monkeypatch.setattr(backends, "BACKENDS", found)
        monkeypatch.setattr(backends, "METHODS", ("toy",))

    return put


FRAMES = np.repeat(np.arange(20, dtype=np.uint8)[:, None], 64, axis=1).reshape(20, 8, 8) * 10
BETWEEN = np.stack([np.arange(19), np.arange(1, 20)], axis=1)
TOY = Solver("toy")


def steps(solved):
    return [float(one.flow[0, 0, 0]) for one in solved]


@pytest.mark.parametrize("error", [MemoryError, DeviceMemoryExhausted])
def test_a_batch_that_does_not_fit_is_halved_until_it_does(known, error):
    room, spare = Room(5, error), Room(100)
    known(first=room, second=spare)

    solved = solve_pairs(FRAMES, BETWEEN, TOY)

    assert steps(solved) == [10.0] * 19
    assert room.calls == [19, 9, 4, 5, 10, 5, 5]
    assert spare.calls == []
    assert {(one.backend, one.fallback_reason) for one in solved} == {("first", None)}


def test_only_a_single_pair_that_does_not_fit_goes_to_the_next_program(known):
    room, spare = Room(0), Room(100)
    known(first=room, second=spare)

    solved = solve_pairs(FRAMES, BETWEEN[:3], TOY)

    assert steps(solved) == [10.0] * 3
    assert spare.calls == [1, 1, 1]
    assert {(one.backend, one.fallback_reason) for one in solved} == {
        ("second", "first: room for 0")
    }


def test_a_pair_that_fits_nowhere_is_out_of_memory(known):
    known(first=Room(0), second=Room(0, DeviceMemoryExhausted))

    with pytest.raises(MemoryError, match="one pair of \\(8, 8\\) pixels does not fit: room for 0"):
        solve_pairs(FRAMES, BETWEEN, TOY)


def test_pairs_come_back_in_order_whatever_frames_they_use(known):
    known(first=Room(2))
    between = np.array([[7, 3], [0, 19], [3, 7], [4, 4], [19, 0]])

    solved = solve_pairs(FRAMES, between, TOY)

    assert steps(solved) == [-40.0, 190.0, 40.0, 0.0, -190.0]


def test_a_preferred_program_that_cannot_run_is_passed_over_and_named(known):
    spare = Room(100)
    known(first="no GPU", second=spare)

    (one,) = solve_pairs(FRAMES, BETWEEN[:1], TOY)

    assert (one.backend, one.fallback_reason) == ("second", "first: no GPU")
    (asked,) = solve_pairs(FRAMES, BETWEEN[:1], Solver("toy", backend="second"))
    assert (asked.backend, asked.fallback_reason) == ("second", None)


def test_a_program_asked_for_is_begun_with(known):
    first, second = Room(100), Room(0)
    known(first=first, second=second)

    (one,) = solve_pairs(FRAMES, BETWEEN[:1], Solver("toy", backend="second"))

    assert (one.backend, one.fallback_reason) == ("first", "second: room for 0")


@pytest.mark.parametrize(
    ("solver", "said"),
    [
        (Solver("toy", backend="first"), "backend 'first' cannot run here: no GPU"),
        (Solver("toy", backend="third"), r"'third' does not solve method 'toy'.*auto or one of"),
        (Solver("other"), "method is 'other'"),
    ],
)
def test_what_cannot_run_is_told_before_anything_is_solved(known, solver, said):
    known(first="no GPU", second=Room(100))

    with pytest.raises(ConfigurationError, match=said):
        solve_pairs(FRAMES, BETWEEN[:0], solver)


def test_a_method_without_a_program_that_runs_says_why(known):
    known(first="no GPU", second="no file")

    with pytest.raises(ConfigurationError, match=r"first: no GPU.*second: no file"):
        solve_pairs(FRAMES, BETWEEN[:1], TOY)


def test_no_pairs_give_no_flow(known):
    known(first=Room(0))

    assert solve_pairs(FRAMES, BETWEEN[:0], TOY) == []


def test_a_real_program_gives_the_same_alone_and_together():
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 255, (4, 40, 56), dtype=np.uint8)
    between = np.array([[0, 1], [1, 0], [2, 3]])

    together = solve_pairs(frames, between, Solver("dis"))

    for one, pair in zip(together, between, strict=True):
        (alone,) = solve_pairs(frames, pair[None], Solver("dis"))
        np.testing.assert_array_equal(one.flow, alone.flow)
        assert one.backend == "opencv-dis"


def test_falling_back_from_the_gpu_stays_within_the_method_and_is_told():
    frames = np.random.default_rng(6).integers(0, 255, (2, 16, 24), dtype=np.uint8)
    missing = backends.BACKENDS["cupy"].unavailable()

    (one,) = solve_pairs(frames, np.array([[0, 1]]), Solver("variational", "fast"))

    if missing is None:
        assert (one.backend, one.fallback_reason) == ("cupy", None)
    else:
        assert (one.backend, one.fallback_reason) == ("reference", f"cupy: {missing}")
