"""The same on a GPU; everything here has been run on the host by the other files of this folder."""

from __future__ import annotations

import numpy as np
import pytest

from mlops_assets.flow import dense_flow
from mlops_assets.flow.arrays import (
    DeviceMemoryExhausted,
    device_module,
    device_problem,
    to_device,
    to_host,
)
from mlops_assets.flow.solvers.variational.fused import (
    CUPY,
    BatchSolver,
    CupyDevice,
    Reporting,
    current_solver,
    report,
)
from mlops_assets.flow.solvers.variational.fused.measures import SUMS
from mlops_assets.flow.solvers.variational.reference.solve import solve, solve_schedule
from mlops_assets.flow.solvers.variational.schedule import PRESETS
from mlops_assets_tests.flow.solvers.variational.fused.pictures import SHAPES, clip

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(device_problem() is not None, reason=str(device_problem())),
]

TOLERANCE_PX = 1e-3
PAIRS = np.array([[0, 1], [1, 2], [2, 0]])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_kernels_compute_the_flow_of_the_reference(height, width, preset):
    frames = clip(height, width, 3)

    flow = CUPY.solve(frames, PAIRS, preset)

    assert isinstance(flow, np.ndarray)
    expected = solve_schedule(frames, PAIRS, PRESETS[preset])
    np.testing.assert_allclose(flow, expected, rtol=0, atol=TOLERANCE_PX)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_reference_computes_the_same_on_the_device(preset):
    frames = clip(41, 64, 3)

    flow = to_host(solve(to_device(frames), PAIRS, preset))

    np.testing.assert_allclose(flow, solve(frames, PAIRS, preset), rtol=0, atol=TOLERANCE_PX)


def test_frames_on_the_device_give_flow_on_the_device():
    frames = clip(131, 150, 3)

    flow = dense_flow(to_device(frames), between=PAIRS, backend="cupy").flow

    assert isinstance(flow, device_module().ndarray)
    np.testing.assert_array_equal(to_host(flow), CUPY.solve(frames, PAIRS, "balanced"))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_recorded_graph_gives_what_single_launches_give(preset):
    frames = clip(131, 150, 6)
    pairs = np.array([[0, 1], [1, 2]])
    single = BatchSolver(CupyDevice(as_graph=False))
    recorded = BatchSolver(CupyDevice())

    for first in range(4):  # launched, recorded and replayed, replayed, replayed
        found = recorded.solve(frames[first : first + 3], pairs, PRESETS[preset])
        expected = single.solve(frames[first : first + 3], pairs, PRESETS[preset])
        np.testing.assert_array_equal(found, expected)


def test_a_pair_has_the_same_flow_in_every_batch():
    frames = clip(97, 143, 40)
    pairs = np.stack([np.arange(39), np.arange(39) + 1], axis=1)

    together = CUPY.solve(frames, pairs, "balanced")

    for pair, flow in zip(pairs[::7], together[::7], strict=True):
        np.testing.assert_array_equal(CUPY.solve(frames, pair[None], "balanced")[0], flow)


def test_identical_pictures_do_not_move_at_all():
    frames = np.repeat(clip(57, 39, 1), 2, axis=0)

    assert not CUPY.solve(frames, np.array([[0, 1]]), "quality").any()


def test_another_stream_gives_the_same():
    frames = clip(97, 143, 3)
    expected = CUPY.solve(frames, PAIRS, "fast")

    with device_module().cuda.Stream(non_blocking=True):
        for _ in range(3):
            np.testing.assert_array_equal(CUPY.solve(frames, PAIRS, "fast"), expected)


def test_where_memory_is_short_batches_get_smaller_and_results_stay():
    frames = clip(360, 640, 9)
    pairs = np.stack([np.arange(8), np.arange(8) + 1], axis=1)
    expected = CUPY.solve(frames, pairs, "balanced")
    current_solver().forget()

    with memory_limited_to(100 * 2**20):
        found = BatchSolver(CupyDevice()).solve(frames, pairs, PRESETS["balanced"])

    np.testing.assert_array_equal(found, expected)


def test_where_not_even_a_pair_fits_it_is_the_platforms_own_error():
    frames = clip(360, 640, 2)
    current_solver().forget()

    with memory_limited_to(2**20), pytest.raises(DeviceMemoryExhausted):
        BatchSolver(CupyDevice()).solve(frames, PAIRS[:1], PRESETS["balanced"])


@pytest.mark.parametrize("is_checked", [False, True])
def test_reports_are_what_the_host_makes_of_the_flow(host, is_checked):
    frames = clip(97, 143, 3)
    wanted = Reporting(is_checked=is_checked)

    for _ in range(3):
        (found,), (expected,) = (
            report(
                solver,
                frames,
                PAIRS,
                PRESETS["balanced"],
                intervals_s=[0.1, 0.2, 0.3],
                reporting=wanted,
            )
            for solver in (current_solver(), BatchSolver(host))
        )
        np.testing.assert_array_equal(found.packed, expected.packed)
        np.testing.assert_array_equal(found.measures.ranked, expected.measures.ranked)
        sums, others = (one.measures.totals[:, : len(SUMS)] for one in (found, expected))
        np.testing.assert_allclose(sums, others, rtol=1e-6)
        for place in range(len(PAIRS)):
            mine, other = found.statistics(place), expected.statistics(place)
            np.testing.assert_allclose(
                mine.direction_histogram, other.direction_histogram, rtol=0, atol=1e-3
            )
            assert mine.magnitude_histogram == other.magnitude_histogram


class memory_limited_to:  # noqa: N801 - reads as a statement
    """CuPy's memory pool holds no more than so many bytes inside the block."""

    def __init__(self, size_bytes):
        self.size_bytes = size_bytes

    def __enter__(self):
        pool = device_module().get_default_memory_pool()
        pool.free_all_blocks()
        pool.set_limit(size=pool.used_bytes() + self.size_bytes)

    def __exit__(self, *error):
        device_module().get_default_memory_pool().set_limit(size=0)
