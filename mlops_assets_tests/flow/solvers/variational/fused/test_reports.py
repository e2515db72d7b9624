"""What the device adds up is what `describe_flow` and `encode_flow` make of the same flow."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import zstandard

from mlops_assets.flow.describing import camera
from mlops_assets.flow.describing.statistics import describe_flow
from mlops_assets.flow.formats.encoding import encode_flow
from mlops_assets.flow.solvers.variational.fused.batches import BatchSolver
from mlops_assets.flow.solvers.variational.fused.measures import CameraGrid, measure
from mlops_assets.flow.solvers.variational.fused.program import Recorder
from mlops_assets.flow.solvers.variational.fused.reports import Reporting, report
from mlops_assets.flow.solvers.variational.fused.summaries import limits_of, statistics_of
from mlops_assets.flow.solvers.variational.schedule import PRESETS
from mlops_assets_tests.flow import scenes
from mlops_assets_tests.flow.solvers.variational.fused.host_device import HostMemory
from mlops_assets_tests.flow.solvers.variational.fused.pictures import clip

LOOKED_UP = {"photo_mae", "census_mae", "fb_fail_share", "fb_mean_px"}
"""These rest on OpenCV's bilinear interpolation, which rounds in its own way."""


def assert_same_statistics(found, expected):
    for name, value in dataclasses.asdict(expected).items():
        tolerance = 2e-2 if name in LOOKED_UP else 1e-5
        mine = getattr(found, name)
        if value is None:
            assert mine is None, name
        else:
            assert mine == pytest.approx(value, rel=tolerance, abs=tolerance / 10), name


def measured_on(host, flow, frames, pairs, intervals_s, *, unit):
    memory = HostMemory()
    recorder = Recorder(memory)
    size = flow.shape[2:]
    limits = memory.copy_of(np.stack([limits_of(size, one) for one in intervals_s]))
    pictures = memory.copy_of(frames), memory.copy_of(np.asarray(pairs, np.int32))
    found = measure(recorder, pictures, memory.copy_of(flow), limits, unit=unit)
    host.run(recorder.launches)
    totals, ranked = found.totals.copy(), found.ranked.copy()
    host.run(recorder.launches, backwards=True)
    memory.check()
    np.testing.assert_array_equal(found.totals, totals)
    np.testing.assert_array_equal(found.ranked, ranked)
    return found


def fields(height, width, rng):
    """Flow of every character, (6, 2, height, width), from a camera's to none."""
    camera = scenes.similarity_flow(height, width, dx=3, dy=-2, zoom=1.05, rotation_deg=2)
    still = rng.normal(0, 0.05, camera.shape)
    one_way = scenes.uniform_flow(height, width, 6.25, -1.5)
    noise, wild = rng.normal(0, 2, camera.shape), rng.standard_cauchy(camera.shape) * 20
    return np.stack([camera, noise, still, one_way, wild, 0 * still]).astype(np.float32)


@pytest.mark.parametrize("interval_s", [0.04, 2.0])
@pytest.mark.parametrize(("height", "width"), [(47, 83), (8, 8), (33, 64)])
def test_statistics_are_those_of_the_description_on_the_host(host, height, width, interval_s):
    rng = np.random.default_rng(9)
    flow, frames = fields(height, width, rng), clip(height, width, 2)
    pairs = np.tile([0, 1], (len(flow), 1))
    intervals_s = interval_s * np.linspace(1, 2, len(flow))

    found = measured_on(host, flow, frames, pairs, intervals_s, unit=1)

    for place, interval in enumerate(intervals_s.tolist()):
        assert_same_statistics(
            statistics_of(
                found, place, size=(height, width), interval_s=interval, is_checked=False
            ),
            describe_flow(flow[place], frames[0], frames[1], interval_s=interval),
        )


def test_the_round_trip_is_that_of_the_description_on_the_host(host):
    height, width = 47, 83
    rng = np.random.default_rng(9)
    forward, frames = fields(height, width, rng)[:4], clip(height, width, 2)  # none that is wild
    backward = -forward + rng.normal(0, 0.3, forward.shape).astype(np.float32)
    both = np.stack([forward, backward], axis=1).reshape(-1, 2, height, width)
    pairs = np.tile([[0, 1], [1, 0]], (len(forward), 1))

    found = measured_on(host, both, frames, pairs, [0.1] * len(forward), unit=2)

    for place in range(len(forward)):
        assert_same_statistics(
            statistics_of(found, place, size=(height, width), interval_s=0.1, is_checked=True),
            describe_flow(
                forward[place],
                *frames,
                interval_s=0.1,
                backward=backward[place],
            ),
        )


def test_a_field_that_leaves_the_picture_says_what_can_be_said(host):
    frames = clip(20, 24, 2)
    flow = np.full((2, 2, 20, 24), 1000, np.float32)

    found = measured_on(host, flow, frames, [[0, 1], [1, 0]], [1.0], unit=2)

    expected = describe_flow(flow[0], *frames, interval_s=1.0, backward=flow[1])
    assert expected.photo_mae is None
    assert expected.fb_fail_share == 1
    assert_same_statistics(
        statistics_of(found, 0, size=(20, 24), interval_s=1.0, is_checked=True), expected
    )


@pytest.mark.parametrize("is_checked", [False, True])
@pytest.mark.parametrize("scale_log2", [0, 1])
def test_a_report_is_the_packed_flow_and_its_statistics(host, scale_log2, is_checked):
    frames = clip(41, 64, 4)
    pairs = np.array([[0, 1], [2, 1], [2, 3]])
    solver, schedule = BatchSolver(host, most_pairs=4), PRESETS["fast"]
    flow = solver.solve(frames, np.concatenate([pairs, pairs[:, ::-1]]), schedule)

    (reports,) = report(
        solver,
        frames,
        pairs,
        schedule,
        intervals_s=[0.1, 0.2, 0.3],
        reporting=Reporting(is_checked=is_checked, scale_log2=scale_log2),
    )

    for place, (first, second) in enumerate(pairs):
        blob = encode_flow(flow[place], scale_log2=scale_log2).blob
        assert reports.packed[place].tobytes() == zstandard.ZstdDecompressor().decompress(blob)
        expected = describe_flow(
            flow[place],
            frames[first],
            frames[second],
            interval_s=reports.intervals_s[place],
            backward=flow[place + 3] if is_checked else None,
        )
        assert_same_statistics(reports.statistics(place), expected)


def test_reports_come_in_batches_and_none_for_no_pairs(host):
    solver = BatchSolver(host)
    frames, pairs = clip(16, 16, 2), np.tile([0, 1], (40, 1))

    sizes = [
        len(one.packed)
        for one in report(solver, frames, pairs, PRESETS["fast"], intervals_s=[1.0] * 40)
    ]

    assert sizes == [32, 8]
    assert not list(report(solver, frames, pairs[:0], PRESETS["fast"], intervals_s=[]))


@pytest.mark.parametrize("size", [(8, 8), (9, 63), (64, 64), (63, 200), (720, 1280)])
def test_the_cameras_grid_is_where_the_description_reads(size):
    flow = np.arange(2 * size[0] * size[1], dtype=np.float32).reshape(2, *size)
    read, points = camera._grid(flow)[1], CameraGrid(size)

    start = points.stride_px // 2
    grid = flow[:, start :: points.stride_px, start :: points.stride_px]
    assert grid.shape[1:] == points.shape
    np.testing.assert_array_equal(read, grid.reshape(2, -1).T)
