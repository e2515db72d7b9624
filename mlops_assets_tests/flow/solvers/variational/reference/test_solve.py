"""Whole flows against motion known as a formula, and the laws every flow must keep."""

import numpy as np
import pytest

from mlops_assets.flow.fields import Preset
from mlops_assets.flow.solvers.variational.reference import REFERENCE
from mlops_assets.flow.solvers.variational.reference.solve import solve_schedule
from mlops_assets.flow.solvers.variational.schedule import METHOD, PRESETS, VERSION
from mlops_assets_tests.flow.scenes import (
    grid,
    similarity_flow,
    texture,
    translated_pair,
    two_layer_pair,
    uniform_flow,
)

ONE_PAIR = np.array([[0, 1]])
every_preset = pytest.mark.parametrize("preset", sorted(PRESETS))


def flow_of(pair, preset: Preset = "balanced"):
    return REFERENCE.solve(np.ascontiguousarray(pair), ONE_PAIR, preset)[0]


def distance_px(flow, truth):
    return np.hypot(*(flow - truth))


def affine_pair(matrix, shift, size=(110, 140)):
    """A picture and what it becomes when x goes to matrix x + shift about the centre; the flow."""
    height, width = size
    x, y = grid(height, width)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])

    def moved(by, to):
        at = np.stack([x - middle[0], y - middle[1]])
        return np.tensordot(by, at - np.reshape(to, (2, 1, 1)), axes=1) + middle[:, None, None]

    back = moved(np.linalg.inv(matrix), shift)
    pair = np.rint(np.stack([texture(x, y), texture(*back)])).astype(np.uint8)
    return pair, moved(matrix, -np.linalg.inv(matrix) @ shift) - np.stack([x, y])


def test_it_says_which_method_it_is():
    assert (REFERENCE.name, REFERENCE.method, REFERENCE.version) == ("reference", METHOD, VERSION)
    assert REFERENCE.unavailable() is None


@every_preset
@pytest.mark.parametrize(
    ("matrix", "shift"),
    [
        ([[1, 0], [0, 1]], [3.3, -1.7]),
        ([[1.04, 0], [0, 1.04]], [0, 0]),
        ([[np.cos(0.06), -np.sin(0.06)], [np.sin(0.06), np.cos(0.06)]], [1, 0]),
        ([[1, 0.05], [0, 1]], [0, 0.5]),
    ],
    ids=["translation", "zoom", "rotation", "shear"],
)
def test_an_affine_motion_is_found_to_an_eighth_of_a_pixel(preset, matrix, shift):
    pair, truth = affine_pair(np.array(matrix), np.array(shift))

    distance = distance_px(flow_of(pair, preset), truth)

    assert distance.mean() < 0.2
    assert distance[10:-10, 10:-10].mean() < 0.125


def test_the_truth_of_affine_pairs_is_that_of_the_scenes():
    angle, zoom = np.radians(2), 1.03
    matrix = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    _, truth = affine_pair(matrix, np.array([1.0, 2.0]))

    expected = similarity_flow(110, 140, dx=1, dy=2, zoom=zoom, rotation_deg=2)
    np.testing.assert_allclose(truth, expected, atol=1e-4)


@pytest.mark.parametrize("preset", ["balanced", "quality"])
def test_a_layer_far_from_its_background_is_found(preset):
    pair, truth = two_layer_pair(160, 200, back=(2.0, 1.0), front=(-26.0, 14.0))

    distance = distance_px(flow_of(pair, preset), truth)

    front = truth[0] < 0
    assert np.median(distance[front]) < 0.5
    assert np.median(distance[~front]) < 0.2
    assert distance.mean() < 3


@every_preset
@pytest.mark.parametrize("seed", [1, 2])
def test_identical_pictures_do_not_move_at_all(preset, seed):
    picture = np.random.default_rng(seed).integers(0, 256, (65, 70 + seed), dtype=np.uint8)

    assert not flow_of(np.stack([picture, picture]), preset).any()


@every_preset
@pytest.mark.parametrize("levels", [(0, 0), (0, 255), (128, 127)])
def test_flat_pictures_do_not_move_at_all(preset, levels):
    pair = np.empty((2, 150, 161), dtype=np.uint8)
    pair[:] = np.array(levels)[:, None, None]

    assert not flow_of(pair, preset).any()


@every_preset
def test_noise_black_and_white_give_finite_flow(preset):
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (3, 130, 140), dtype=np.uint8)
    noise[2] = 255 * (noise[2] > 127)
    frames = np.concatenate([noise, np.zeros_like(noise[:1]), np.full_like(noise[:1], 255)])
    pairs = np.array([[0, 1], [1, 2], [2, 3], [3, 2], [4, 2], [3, 4]])

    flow = REFERENCE.solve(frames, pairs, preset)

    assert np.isfinite(flow).all()
    assert np.abs(flow).max() < 300


@every_preset
@pytest.mark.parametrize("size", [(8, 8), (9, 15), (8, 300), (131, 9), (33, 65)])
def test_sizes_from_eight_pixels_up(preset, size):
    flow = flow_of(translated_pair(size[0], size[1], 1, 0), preset)

    assert flow.shape == (2, *size)
    assert flow.dtype == np.float32
    assert np.median(flow[0]) == pytest.approx(1, abs=0.2)
    assert np.median(flow[1]) == pytest.approx(0, abs=0.2)


@every_preset
def test_a_pair_does_not_depend_on_its_batch(preset):
    frames = np.concatenate([translated_pair(99, 135, dx, 1, seed=dx) for dx in (1, 2, 9)])
    pairs = np.array([[0, 1], [2, 3], [5, 4], [1, 5], [0, 1]])

    together = REFERENCE.solve(frames, pairs, preset)

    for index, pair in enumerate(pairs):
        alone = REFERENCE.solve(frames[pair], ONE_PAIR, preset)
        np.testing.assert_array_equal(together[index], alone[0])


@every_preset
def test_swapped_axes_swap_the_flow(preset):
    """But for the order of sums along x and y, and for equal matches, of which the first wins."""
    pair = translated_pair(90, 131, 2.5, -1.25)

    flow = flow_of(pair, preset)
    turned = flow_of(pair.swapaxes(1, 2), preset)

    difference = np.abs(turned[::-1].swapaxes(1, 2) - flow)
    assert difference.mean() < 2e-3
    assert np.quantile(difference, 0.95) < 5e-3


@every_preset
def test_mirrored_pictures_mirror_the_flow(preset):
    pair = translated_pair(96, 129, 2.5, -1.25)

    flow = flow_of(pair, preset)
    mirrored = flow_of(pair[:, :, ::-1], preset)[:, :, ::-1]

    assert distance_px(mirrored * np.array([-1, 1])[:, None, None], flow).mean() < 0.02


def test_rounding_is_not_amplified():
    """A gray level of one pixel in a corner moves the flow there, and nothing far away."""
    pair = translated_pair(120, 160, 2, 1)
    nearly = pair.copy()
    nearly[0, 3, 3] ^= 1

    off = np.abs(flow_of(nearly) - flow_of(pair))

    assert off.max() < 0.2
    assert off[:, 60:, 80:].max() < 1e-3


def test_light_that_dims_evenly_hardly_matters():
    pair = translated_pair(120, 160, 3, 1)
    dimmed = np.stack([pair[0], np.rint(pair[1] * 0.85 + 10).astype(np.uint8)])

    distance = distance_px(flow_of(dimmed), uniform_flow(120, 160, 3, 1))

    assert distance[10:-10, 10:-10].mean() < 0.2


def test_the_pictures_are_not_written_to():
    pair = translated_pair(40, 50, 1, 1)
    before = pair.copy()

    solve_schedule(pair, ONE_PAIR, PRESETS["fast"])

    np.testing.assert_array_equal(pair, before)
