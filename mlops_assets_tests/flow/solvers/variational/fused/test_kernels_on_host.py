"""The kernels' own source, run on the CPU, against the reference."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial

import numpy as np
import pytest

from mlops_assets.errors import InternalError
from mlops_assets.flow.solvers.variational.fused import matching, steps
from mlops_assets.flow.solvers.variational.fused import solve as fused
from mlops_assets.flow.solvers.variational.fused.program import Recorder
from mlops_assets.flow.solvers.variational.reference.matching import matches
from mlops_assets.flow.solvers.variational.reference.relaxation import relax
from mlops_assets.flow.solvers.variational.reference.solve import solve_schedule
from mlops_assets.flow.solvers.variational.reference.system import System
from mlops_assets.flow.solvers.variational.schedule import PRESETS, Matching
from mlops_assets_tests.flow.solvers.variational.fused.host_device import HostMemory
from mlops_assets_tests.flow.solvers.variational.fused.pictures import SHAPES, clip

TOLERANCE_PX = 1e-3
PAIRS = np.array([[0, 1], [1, 0]])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_kernels_compute_the_flow_of_the_reference(host, height, width, preset):
    frames = clip(height, width, 2)

    flow = host.solve(frames, PAIRS, PRESETS[preset])

    expected = solve_schedule(frames, PAIRS, PRESETS[preset])
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(flow, expected, rtol=0, atol=TOLERANCE_PX)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_kernels_follow_the_reference_where_matches_pull_the_flow(host, height, width, preset):
    frames, schedule = far_apart(height, width), matched_everywhere(PRESETS[preset])

    flow = host.solve(frames, PAIRS, schedule)

    expected = solve_schedule(frames, PAIRS, schedule)
    assert np.abs(expected).max() > 10
    np.testing.assert_allclose(flow, expected, rtol=0, atol=TOLERANCE_PX)


def test_kernels_follow_the_reference_from_the_first_size_that_is_matched(host):
    frames = far_apart(131, 150)
    assert PRESETS["balanced"].is_matched(3, frames.shape[1:])

    flow = host.solve(frames, PAIRS, PRESETS["balanced"])

    expected = solve_schedule(frames, PAIRS, PRESETS["balanced"])
    np.testing.assert_allclose(flow, expected, rtol=0, atol=TOLERANCE_PX)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("costs_bytes", [2**28, 1])
def test_matches_are_those_of_the_reference_in_groups_of_any_size(
    host, preset, costs_bytes, monkeypatch
):
    monkeypatch.setattr(matching, "_COSTS_BYTES", costs_bytes)
    frames = np.concatenate([far_apart(57, 91), clip(57, 91, 1)])
    pairs = np.array([[0, 1], [1, 0], [2, 0]])

    found = matches_on(host, frames, pairs, PRESETS[preset].matching)

    expected = matches(frames[pairs[:, 0]], frames[pairs[:, 1]], PRESETS[preset].matching)
    assert 0 < expected.confidence.mean() < 1
    np.testing.assert_array_equal(found, np.stack(expected, axis=1))


def test_a_search_that_the_kernels_cannot_do_is_refused():
    wide = Matching(radius_cells=32)
    with pytest.raises(InternalError, match="displacements"):
        matching.match(
            Recorder(HostMemory()), np.zeros((2, 40, 40), "u1"), np.zeros((1, 2), "i4"), wide
        )


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 8), (8, 131), (150, 9)])
def test_kernels_agree_with_the_reference_on_the_smallest_pictures_and_on_strips(
    host, height, width
):
    frames = clip(height, width, 2)

    flow = host.solve(frames, PAIRS, PRESETS["balanced"])

    expected = solve_schedule(frames, PAIRS, PRESETS["balanced"])
    np.testing.assert_allclose(flow, expected, rtol=0, atol=TOLERANCE_PX)


def test_the_order_of_threads_and_blocks_does_not_matter(host):
    frames = clip(83, 97, 3)
    pairs = np.array([[0, 1], [1, 2], [2, 0]])
    schedule = matched_everywhere(PRESETS["balanced"])

    rising = host.solve(frames, pairs, schedule)

    falling = host.solve(frames, pairs, schedule, backwards=True)
    np.testing.assert_array_equal(rising, falling)


def test_a_pair_has_the_same_flow_in_every_batch(host):
    frames = clip(41, 64, 4)
    pairs = np.array([[2, 3], [0, 1], [3, 0], [0, 1]])

    schedule = matched_everywhere(PRESETS["balanced"])

    together = host.solve(frames, pairs, schedule)

    for pair, flow in zip(pairs, together, strict=True):
        alone = host.solve(frames[pair], [[0, 1]], schedule)[0]
        np.testing.assert_array_equal(flow, alone)


@pytest.mark.parametrize("preset", PRESETS)
def test_identical_and_constant_pictures_do_not_move_at_all(host, preset):
    frames = clip(33, 47, 3)
    frames[1] = frames[0]
    frames[2] = 255

    flow = host.solve(frames, [[0, 1], [0, 0], [2, 2]], matched_everywhere(PRESETS[preset]))

    assert not flow.any()


@pytest.mark.parametrize("preset", PRESETS)
def test_noise_black_and_white_give_finite_flow(host, preset):
    frames = np.random.default_rng(5).integers(0, 256, (4, 37, 35), dtype=np.uint8)
    frames[2], frames[3] = 0, 255

    pairs = [[0, 1], [2, 3], [0, 3], [2, 1]]
    flow = host.solve(frames, pairs, matched_everywhere(PRESETS[preset]))

    assert np.isfinite(flow).all()


@pytest.mark.parametrize("sweeps", [(7,), (3, 4), (1,) * 7])
def test_sweeps_in_tiles_are_the_sweeps_of_the_whole_picture_bit_for_bit(host, sweeps):
    height, width = 131, 150
    equations, flow = random_equations(2, height, width)

    swept = relax_on(host, equations, flow, sweeps)

    whole = relax(System(*equations), tuple(flow), sweeps=sum(sweeps), relaxation=1.9)
    np.testing.assert_array_equal(swept, np.stack(whole, axis=1))


def test_workspace_bytes_are_what_a_program_takes():
    for size, schedule in itertools.product([(33, 47), (8, 8), (360, 640)], PRESETS.values()):
        memory = HostMemory()
        write = partial(fused.write_program, frames=3, pairs=2, size=size, schedule=schedule)

        write(memory)

        assert fused.workspace_bytes(write) == memory.nbytes


def test_a_workspace_is_as_large_as_its_documentation_says():
    size = 1080, 1920

    def per_pixel(frames, pairs):
        write = partial(fused.write_program, size=size, schedule=PRESETS["balanced"])
        return fused.workspace_bytes(partial(write, frames=frames, pairs=pairs)) / np.prod(size)

    assert per_pixel(9, 4) - per_pixel(8, 4) == pytest.approx(9 + 4 * 4 / 3 + 1, abs=1)
    assert per_pixel(40, 32) - per_pixel(40, 31) == pytest.approx(56 + 1, abs=1)


def test_the_kernels_energy_holds_every_weight_of_the_schedule():
    changed = [
        dataclasses.replace(PRESETS["fast"].energy, **{one.name: 3.25})
        for one in dataclasses.fields(PRESETS["fast"].energy)
    ]

    values = {energy_values(energy) for energy in (PRESETS["fast"].energy, *changed)}

    assert len(values) == 1 + len(changed)


def far_apart(height, width):
    """Two pictures that are the same but for a step of 9 pixels up and 13 to the right."""
    first = clip(height, width, 1)[0]
    return np.stack([first, np.roll(first, (-9, 13), axis=(0, 1))])


def matched_everywhere(schedule):
    """The schedule with matches that pull on every level, as on none of so small pictures."""
    return dataclasses.replace(
        schedule, matching=dataclasses.replace(schedule.matching, coarseness=0.0)
    )


def matches_on(host, frames, pairs, how):
    memory = HostMemory()
    recorder = Recorder(memory)
    indices = memory.copy_of(pairs.astype(np.int32))
    found = matching.match(recorder, memory.copy_of(frames), indices, how)
    for launch in recorder.launches:
        host.launch(launch)
    memory.check()
    return found.values


def energy_values(energy):
    return tuple(steps.energy_values(Recorder(HostMemory()), energy).tolist())


def random_equations(batch, height, width):
    """Equations (7, B, H, W) as far from each other as real ones, and a flow (2, B, H, W)."""
    rng = np.random.default_rng(11)
    x, y, noise = rng.lognormal(0, 2, (3, batch, height, width))
    b1, b2 = rng.normal(0, 10, (2, batch, height, width))
    right, below = rng.lognormal(3, 2, (2, batch, height, width))
    right[:, :, -1], below[:, -1] = 0, 0
    equations = np.stack([x * x + noise, x * y, y * y + noise, b1, b2, right, below])
    return equations.astype(np.float32), rng.normal(0, 3, (2, batch, height, width)).astype("f4")


def relax_on(host, equations, flow, sweeps):
    memory = HostMemory()
    recorder = Recorder(memory)
    _, batch, height, width = equations.shape
    level = steps.Level(
        recorder, recorder.floats(batch, height, width), memory.empty((batch, 2), np.int32)
    )
    before, after = (
        recorder.floats(batch, 2, height, width),
        recorder.floats(batch, 2, height, width),
    )
    before[...] = np.moveaxis(flow, 0, 1)
    system = memory.copy_of(np.ascontiguousarray(np.moveaxis(equations, 0, 1)))
    for count in sweeps:
        steps.relax(level, system, (before, after), count, 1.9)
        before, after = after, before
    for launch in recorder.launches:
        host.launch(launch)
    memory.check()
    return before
