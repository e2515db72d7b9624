"""Cutting pairs into programs, on a device of given size that only remembers."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

from mlops_assets.flow.arrays import DeviceMemoryExhausted
from mlops_assets.flow.solvers.variational.fused.batches import BatchSolver
from mlops_assets.flow.solvers.variational.fused.solve import workspace_bytes, write_program
from mlops_assets.flow.solvers.variational.schedule import PRESETS

SIZE = (24, 40)
SCHEDULE = PRESETS["fast"]


@dataclass
class FakeDevice:
    """Memory that ends; a program's flow is the mean level of each pair's two frames."""

    capacity_bytes: float = 2**40
    told_free_bytes: int = 2**40
    used_bytes: int = 0
    programs: list[tuple[int, int]] = field(default_factory=list)  # (frames, pairs) of each run
    written: int = 0
    copied_bytes: int = 0

    def empty(self, shape, dtype):
        made = np.full(shape, 1, dtype)
        if self.used_bytes + made.nbytes > self.capacity_bytes:
            raise DeviceMemoryExhausted("no room")
        self._use(made.nbytes)
        weakref.finalize(made, self._use, -made.nbytes)
        return made

    def _use(self, size_bytes):
        self.used_bytes += size_bytes

    def copy_of(self, values):
        return values.copy()

    def free_bytes(self):
        return self.told_free_bytes

    def release(self):
        """Nothing to do: arrays go as soon as nobody holds them."""

    def copy(self, source, target):
        assert source.shape == target.shape
        assert source.dtype == target.dtype
        assert source.flags.c_contiguous
        assert target.flags.c_contiguous
        self.copied_bytes += source.nbytes
        target[...] = source

    def like(self, array, shape):
        return np.empty(shape, np.float32)

    def host_array(self, shape, dtype):
        return np.empty(shape, dtype)

    def runner(self, program):
        self.written += 1

        def run():
            self.programs.append((len(program.frames), len(program.pairs)))
            levels = program.frames.mean(axis=(1, 2))[program.pairs]
            program.outputs["flow"][...] = levels[:, :, None, None]

        return run


def frames(count):
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], (count, *SIZE)).copy()


def expected(pairs):
    return np.broadcast_to(np.asarray(pairs, np.float32)[:, :, None, None], (len(pairs), 2, *SIZE))


def bytes_of(frames, pairs):
    return workspace_bytes(
        partial(write_program, frames=frames, pairs=pairs, size=SIZE, schedule=SCHEDULE)
    )


def successors(count):
    return np.stack([np.arange(count), np.arange(count) + 1], axis=1)


@pytest.mark.parametrize("most_pairs", [1, 2, 5, 32])
@pytest.mark.parametrize(
    "pairs",
    [successors(7), [[0, 6]], [[3, 3], [3, 3]], [[6, 0], [2, 5], [2, 0], [0, 2], [4, 4], [1, 6]]],
)
def test_every_pair_is_solved_with_its_own_frames_and_comes_back_in_its_place(pairs, most_pairs):
    solver = BatchSolver(FakeDevice(), most_pairs=most_pairs)

    flow = solver.solve(frames(8), np.asarray(pairs), SCHEDULE)

    np.testing.assert_array_equal(flow, expected(pairs))


def test_pairs_are_shared_out_evenly_and_each_frame_is_prepared_once():
    device = FakeDevice()

    BatchSolver(device, most_pairs=4).solve(frames(11), successors(10), SCHEDULE)

    assert device.programs == [(5, 4), (4, 3), (4, 3)]


def test_only_frames_that_are_used_reach_the_device():
    device = FakeDevice()

    BatchSolver(device).solve(frames(100), np.array([[97, 3], [3, 98]]), SCHEDULE)

    pixels = SIZE[0] * SIZE[1]
    assert device.programs == [(3, 2)]
    assert device.copied_bytes == 3 * pixels + 2 * 2 * 4 + 2 * 2 * 4 * pixels


def test_the_next_call_of_the_same_size_uses_the_same_workspace():
    device = FakeDevice()
    solver = BatchSolver(device, most_pairs=4)

    for _ in range(3):
        solver.solve(frames(10), successors(9), SCHEDULE)

    assert device.programs == 3 * [(4, 3)] * 3
    assert device.written == 1


def test_no_more_than_two_workspaces_are_kept():
    device = FakeDevice()
    solver = BatchSolver(device)

    for count in (1, 2, 3, 1):
        solver.solve(frames(10), successors(count), SCHEDULE)

    assert device.written == 4


def test_a_batch_takes_at_most_half_of_the_free_memory():
    of_four = bytes_of(frames=8, pairs=4)
    device = FakeDevice(told_free_bytes=2 * of_four)

    BatchSolver(device).solve(frames(10), successors(9), SCHEDULE)

    assert device.programs == [(4, 3)] * 3


def test_where_memory_runs_out_the_batch_is_halved_and_stays_so():
    each = bytes_of(frames=2, pairs=1)
    device = FakeDevice(capacity_bytes=3 * each)
    solver = BatchSolver(device, most_pairs=16)
    disjoint = np.arange(32).reshape(16, 2)

    flow = solver.solve(frames(32), disjoint, SCHEDULE)

    np.testing.assert_array_equal(flow, expected(disjoint))
    assert device.programs == [(4, 2)] * 8
    device.programs.clear()
    solver.solve(frames(32), disjoint, SCHEDULE)
    assert device.programs == [(4, 2)] * 8


def test_what_a_failed_try_took_is_given_back():
    each = bytes_of(frames=2, pairs=1)
    device = FakeDevice(capacity_bytes=1.5 * each)

    BatchSolver(device, most_pairs=4).solve(frames(5), successors(4), SCHEDULE)

    assert device.used_bytes == 0


def test_when_not_even_one_pair_fits_the_callers_error_says_so():
    device = FakeDevice(capacity_bytes=100)

    with pytest.raises(DeviceMemoryExhausted):
        BatchSolver(device).solve(frames(10), successors(9), SCHEDULE)

    assert device.programs == []


def test_after_an_error_the_solver_still_works():
    device = FakeDevice(capacity_bytes=100)
    solver = BatchSolver(device)
    with pytest.raises(DeviceMemoryExhausted):
        solver.solve(frames(3), successors(2), SCHEDULE)
    device.capacity_bytes = 2**40

    flow = solver.solve(frames(3), successors(2), SCHEDULE)

    np.testing.assert_array_equal(flow, expected(successors(2)))
