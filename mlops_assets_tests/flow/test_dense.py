"""One suite for every backend and preset: what any implementation of dense flow must do."""

from typing import get_args

import numpy as np
import pytest

from mlops_assets.errors import ConfigurationError, InputError, ShapeError
from mlops_assets.flow import Preset, clip_pairs, dense_flow, endpoint_error
from mlops_assets.flow.dense import BACKENDS
from mlops_assets_tests.flow.scenes import translated_pair, two_layer_pair, uniform_flow

PRESETS = get_args(Preset)
INTERIOR_PX = {"fast": 0.15, "balanced": 0.12, "quality": 0.05}

every_backend = pytest.mark.parametrize("backend", sorted(BACKENDS))
every_preset = pytest.mark.parametrize("preset", PRESETS)


@every_backend
@every_preset
@pytest.mark.parametrize(
    ("height", "width", "dx", "dy"),
    [(96, 128, 3, 2), (96, 128, -5, 0), (97, 131, 0.5, -0.25), (96, 128, 0, 8), (65, 63, 1.5, 1.5)],
)
def test_a_translation_is_found(backend, preset, height, width, dx, dy):
    pair = translated_pair(height, width, dx, dy)

    batch = dense_flow(pair[np.newaxis], preset=preset, backend=backend)

    truth = uniform_flow(height, width, dx, dy)
    assert endpoint_error(batch.flow[0], truth) < 0.25
    inner = np.s_[:, 12:-12, 12:-12]
    assert endpoint_error(batch.flow[0][inner], truth[inner]) < INTERIOR_PX[preset]


@every_backend
@every_preset
def test_two_layers_move_apart(backend, preset):
    pair, truth = two_layer_pair(120, 160, back=(1.0, 0.5), front=(-3.0, 2.0))

    flow = dense_flow(pair[np.newaxis], preset=preset, backend=backend).flow[0]

    distance = np.hypot(*(flow - truth))
    assert distance.mean() < 0.6
    assert np.median(distance) < 0.25


@every_backend
@every_preset
def test_identical_pictures_do_not_move(backend, preset):
    picture = translated_pair(61, 83, 0, 0)[0]

    flow = dense_flow(np.stack([picture, picture])[np.newaxis], preset=preset, backend=backend).flow

    assert not flow.any()


@every_backend
@every_preset
@pytest.mark.parametrize("levels", [(0, 0), (255, 255), (50, 200)])
def test_constant_pictures_do_not_move(backend, preset, levels):
    pairs = np.empty((1, 2, 48, 70), dtype=np.uint8)
    pairs[0] = np.array(levels)[:, None, None]

    flow = dense_flow(pairs, preset=preset, backend=backend).flow

    assert np.isfinite(flow).all()
    assert not flow.any()


@every_backend
@every_preset
@pytest.mark.parametrize(
    "size",
    [(8, 8), (8, 11), (9, 8), (12, 12), (17, 8), (8, 100), (640, 8), (31, 200), (33, 65), (90, 91)],
)
def test_any_size_from_eight_pixels_up_is_solved(backend, preset, size):
    pair = translated_pair(size[0], size[1], 1, 0)

    flow = dense_flow(pair[np.newaxis], preset=preset, backend=backend).flow

    assert flow.shape == (1, 2, *size)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()
    assert flow[0, 0].mean() == pytest.approx(1, abs=0.25)


@every_backend
@every_preset
def test_colour_without_colour_equals_gray(backend, preset):
    gray = np.stack([translated_pair(40, 50, 2, 1), translated_pair(40, 50, -1, 1)])
    colour = np.repeat(gray[..., np.newaxis], 3, axis=-1)

    from_gray = dense_flow(gray, preset=preset, backend=backend).flow
    from_colour = dense_flow(colour, preset=preset, backend=backend).flow

    np.testing.assert_array_equal(from_colour, from_gray)


@every_backend
@every_preset
def test_a_pair_does_not_depend_on_its_batch_nor_on_calls_before(backend, preset):
    pairs = np.stack([translated_pair(57, 75, dx, 1, seed=dx) for dx in (1, 2, 4)])

    together = dense_flow(pairs, preset=preset, backend=backend).flow
    dense_flow(translated_pair(20, 31, 1, 1)[np.newaxis], preset=preset, backend=backend)
    alone = [dense_flow(pair[np.newaxis], preset=preset, backend=backend).flow for pair in pairs]

    np.testing.assert_array_equal(together, np.concatenate(alone))


@every_backend
def test_threads_do_not_change_the_numbers(backend):
    import cv2

    pair = translated_pair(120, 160, 3, 1)[np.newaxis]
    before = cv2.getNumThreads()
    try:
        flows = []
        for threads in (1, 3):
            cv2.setNumThreads(threads)
            flows.append(dense_flow(pair, backend=backend).flow)
    finally:
        cv2.setNumThreads(before)

    np.testing.assert_array_equal(flows[0], flows[1])


@every_backend
def test_an_empty_batch_gives_an_empty_batch(backend):
    for shape in ((0, 2, 32, 40), (0, 2, 32, 40, 3)):
        batch = dense_flow(np.empty(shape, dtype=np.uint8), backend=backend)
        assert batch.flow.shape == (0, 2, 32, 40)
        assert batch.flow.dtype == np.float32


@every_backend
@every_preset
def test_a_batch_says_what_made_it(backend, preset):
    batch = dense_flow(translated_pair(16, 16, 0, 0)[np.newaxis], preset=preset, backend=backend)

    assert (batch.backend, batch.preset) == (backend, preset)
    assert batch.method
    assert batch.version


def test_auto_names_the_backend_that_ran():
    batch = dense_flow(translated_pair(16, 16, 0, 0)[np.newaxis])

    assert batch.backend in BACKENDS
    assert batch.preset == "balanced"


def test_the_pairs_of_a_clip_are_its_neighbours():
    for tail in ((), (3,)):
        frames = np.arange(4 * 8 * 9 * 3, dtype=np.uint32).astype(np.uint8)
        frames = frames.reshape(4, 8, 9, 3) if tail else frames[: 4 * 8 * 9].reshape(4, 8, 9)
        pairs = clip_pairs(frames)
        assert pairs.shape == (3, 2, 8, 9, *tail)
        np.testing.assert_array_equal(pairs[:, 0], frames[:-1])
        np.testing.assert_array_equal(pairs[:, 1], frames[1:])
        assert np.shares_memory(pairs, frames)
        assert dense_flow(pairs).flow.shape == (3, 2, 8, 9)


def test_a_clip_of_one_frame_or_none_has_no_pairs():
    for count in (0, 1):
        pairs = clip_pairs(np.zeros((count, 16, 20), dtype=np.uint8))
        assert pairs.shape == (0, 2, 16, 20)
        assert len(dense_flow(pairs).flow) == 0


@pytest.mark.parametrize(
    "shape",
    [
        (),
        (2, 16, 16),
        (1, 3, 16, 16),
        (1, 2, 7, 16),
        (1, 2, 16, 7),
        (1, 2, 16, 16, 4),
        (1, 2, 0, 0),
    ],
)
def test_another_shape_is_refused(shape):
    with pytest.raises(ShapeError):
        dense_flow(np.zeros(shape, dtype=np.uint8))


def test_too_many_pixels_are_refused_before_any_work():
    vast = np.broadcast_to(np.uint8(0), (1, 2, 10_000, 10_000))

    with pytest.raises(InputError) as error:
        dense_flow(vast)

    assert error.value.reason == "too_large"


def test_floating_pictures_are_refused():
    with pytest.raises(InputError) as error:
        dense_flow(np.zeros((1, 2, 16, 16)))  # pyright: ignore[reportArgumentType]

    assert error.value.reason == "wrong_dtype"


def test_an_unknown_preset_or_backend_is_a_matter_for_the_operator():
    pairs = np.zeros((1, 2, 16, 16), dtype=np.uint8)

    with pytest.raises(ConfigurationError, match="preset is 'best'"):
        dense_flow(pairs, preset="best")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match="backend is 'gpu'"):
        dense_flow(pairs, backend="gpu")  # pyright: ignore[reportArgumentType]
