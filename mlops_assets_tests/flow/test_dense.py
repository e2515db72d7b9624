"""One suite for every backend and preset: what any implementation of dense flow must do."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import get_args

import numpy as np
import pytest

from mlops_assets.errors import ConfigurationError, InputError, ShapeError
from mlops_assets.flow import (
    BACKENDS,
    METHODS,
    Backend,
    Preset,
    backends_of,
    best_backend,
    dense_flow,
)
from mlops_assets.flow import backends as registry
from mlops_assets.samples import Layer, Motion, MotionScene, render_motion
from mlops_assets_tests.flow.scenes import translated_pair

PRESETS = get_args(Preset)
CENTRE = (55.5, 43.5)
SMOOTH = {
    "shift": Motion(shift_px=(3.3, -2.1)),
    "rotation": Motion(rotation_deg=4),
    "zoom": Motion(zoom=1.06),
    "shear": Motion(shear=0.06),
    "tilt": Motion(perspective=(4e-4, -3e-4)),
}
# mean error over visible pixels, px: of smooth motions, of two layers that move apart; and mean
# difference of the flow of transposed pictures from the transposed flow
TOLERANCES_PX = {
    ("variational", "fast"): (0.17, 0.38, 0.01),
    ("variational", "balanced"): (0.09, 0.20, 0.01),
    ("variational", "quality"): (0.10, 0.12, 0.01),
    ("vr", "fast"): (0.17, 0.45, 0.05),
    ("vr", "balanced"): (0.10, 0.27, 0.03),
    ("vr", "quality"): (0.09, 0.18, 0.02),
    ("dis", "fast"): (0.60, 0.90, 0.40),
    ("dis", "balanced"): (0.20, 0.38, 0.10),
    ("dis", "quality"): (0.12, 0.18, 0.08),
}
ODD_SIZES = [(8, 8), (8, 11), (13, 12), (17, 8), (8, 100), (200, 9), (33, 65)]


def _marked(name):
    missing = BACKENDS[name].unavailable()
    skipped = pytest.mark.skipif(missing is not None, reason=f"{name}: {missing}")
    return pytest.param(name, marks=[pytest.mark.gpu, skipped] if name == "cupy" else skipped)


WITHOUT_WEIGHTS = [name for name in BACKENDS if name != "raft"]  # it has tests of its own
every_backend = pytest.mark.parametrize("backend", [_marked(name) for name in WITHOUT_WEIGHTS])
every_preset = pytest.mark.parametrize("preset", PRESETS)


@lru_cache
def rendered(name):
    """A pair whose background moves as named; in `layers` a blob moves over it."""
    layers = [Layer(motion=SMOOTH.get(name, Motion(shift_px=(1.2, 0.6))), centre=CENTRE, seed=3)]
    if name == "layers":
        turning = Motion(shift_px=(-4.0, 2.5), rotation_deg=3)
        layers.append(Layer(motion=turning, centre=(60.0, 45.0), radius_px=22, wobble=0.2, seed=5))
    return render_motion(MotionScene((112, 88), tuple(layers)))


def solved(pair, preset, backend):
    return dense_flow(pair[np.newaxis], preset=preset, backend=backend).flow[0]


def both(pair):
    return np.stack([pair.first, pair.second])


def visible_error(flow, pair):
    return np.hypot(*(flow - pair.flow))[~pair.occluded].mean()


@every_backend
@every_preset
@pytest.mark.parametrize("motion", SMOOTH)
def test_a_smooth_motion_is_found(backend, preset, motion):
    pair = rendered(motion)

    flow = solved(both(pair), preset, backend)

    assert visible_error(flow, pair) < TOLERANCES_PX[BACKENDS[backend].method, preset][0]


@every_backend
@every_preset
def test_two_layers_move_apart(backend, preset):
    pair = rendered("layers")

    flow = solved(both(pair), preset, backend)

    assert pair.occluded.mean() > 0.02
    assert visible_error(flow, pair) < TOLERANCES_PX[BACKENDS[backend].method, preset][1]


@every_backend
@every_preset
def test_swapped_pictures_move_back(backend, preset):
    pictures = both(rendered("shift"))

    there, back = dense_flow(
        pictures, between=np.array([[0, 1], [1, 0]]), preset=preset, backend=backend
    ).flow

    inner = np.s_[:, 8:-8, 8:-8]
    sum_px = np.hypot(*(there + back)[inner]).mean()
    assert sum_px < 2 * TOLERANCES_PX[BACKENDS[backend].method, preset][0]


@every_backend
@every_preset
def test_transposed_pictures_have_transposed_flow(backend, preset):
    pictures = both(rendered("rotation"))

    flow = solved(pictures, preset, backend)
    transposed = solved(pictures.transpose(0, 2, 1), preset, backend)

    difference_px = np.hypot(*(transposed[::-1].transpose(0, 2, 1) - flow)).mean()
    assert difference_px < TOLERANCES_PX[BACKENDS[backend].method, preset][2]


@every_backend
@every_preset
def test_identical_pictures_do_not_move(backend, preset):
    noise = np.random.default_rng(0).integers(0, 256, (41, 63), dtype=np.uint8)
    texture = translated_pair(41, 63, 0, 0)[0]
    pairs = np.stack([[noise, noise], [texture, texture]])

    assert not dense_flow(pairs, preset=preset, backend=backend).flow.any()


@every_backend
@every_preset
def test_constant_pictures_do_not_move(backend, preset):
    pairs = np.empty((4, 2, 33, 50), dtype=np.uint8)
    pairs[:] = np.array([(0, 0), (255, 255), (50, 200), (0, 255)])[:, :, None, None]

    assert not dense_flow(pairs, preset=preset, backend=backend).flow.any()


@every_backend
@every_preset
def test_flow_is_finite_whatever_the_pictures(backend, preset):
    rng = np.random.default_rng(1)
    black, white = np.zeros((40, 57), np.uint8), np.full((40, 57), 255, np.uint8)
    noise, other = rng.integers(0, 256, (2, 40, 57), dtype=np.uint8)
    dots, stripes = (
        255 * (noise > 250).astype(np.uint8),
        np.tile(np.array([0, 255, 255], np.uint8), (40, 19)),
    )
    pairs = np.stack(
        [[black, noise], [noise, other], [white, dots], [dots, black], [stripes, stripes[:, ::-1]]]
    )

    flow = dense_flow(pairs, preset=preset, backend=backend).flow

    assert np.isfinite(flow).all()


@every_backend
@every_preset
@pytest.mark.parametrize("size", ODD_SIZES)
def test_any_size_from_eight_pixels_up_is_solved(backend, preset, size):
    flow = solved(translated_pair(size[0], size[1], 1, 0), preset, backend)

    assert flow.shape == (2, *size)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()
    assert flow[0].mean() == pytest.approx(1, abs=0.3)


@every_backend
@every_preset
def test_gray_in_colour_equals_gray(backend, preset):
    gray = np.stack([translated_pair(40, 50, 2, 1), translated_pair(40, 50, -1, 1)])
    colour = np.repeat(gray[..., np.newaxis], 3, axis=-1)

    from_gray = dense_flow(gray, preset=preset, backend=backend).flow
    from_colour = dense_flow(colour, preset=preset, backend=backend).flow

    np.testing.assert_array_equal(from_colour, from_gray)


@every_backend
@every_preset
def test_a_pair_does_not_depend_on_its_batch_nor_on_calls_before(backend, preset):
    pairs = np.stack([translated_pair(47, 35, dx, 1, seed=dx) for dx in (1, 2, 4)])

    together = dense_flow(pairs, preset=preset, backend=backend).flow
    dense_flow(translated_pair(20, 31, 1, 1)[np.newaxis], preset=preset, backend=backend)
    alone = [dense_flow(pair[np.newaxis], preset=preset, backend=backend).flow for pair in pairs]

    np.testing.assert_array_equal(together, np.concatenate(alone))


@every_backend
@every_preset
def test_a_clip_is_its_neighbouring_pairs(backend, preset):
    clip = np.stack([translated_pair(34, 45, step, 1, seed=5)[1] for step in range(4)])
    pairs = np.stack([clip[:-1], clip[1:]], axis=1)

    of_clip = dense_flow(clip, preset=preset, backend=backend)
    of_pairs = dense_flow(pairs, preset=preset, backend=backend)
    chosen = dense_flow(
        clip, between=np.array([[2, 3], [0, 1]]), preset=preset, backend=backend
    ).flow

    assert of_clip.flow.shape == (3, 2, 34, 45)
    np.testing.assert_array_equal(of_clip.flow, of_pairs.flow)
    np.testing.assert_array_equal(chosen, of_clip.flow[[2, 0]])


@every_backend
def test_views_are_as_good_as_arrays(backend):
    pairs = np.stack([translated_pair(40, 50, 2, 1), translated_pair(40, 50, -1, 1)])
    backwards = pairs[:, ::-1]
    wide = np.zeros((2, 2, 40, 100), dtype=np.uint8)
    wide[..., ::2] = backwards

    expected = dense_flow(np.ascontiguousarray(backwards), preset="fast", backend=backend).flow

    for view in (backwards, wide[..., ::2]):
        flow = dense_flow(view, preset="fast", backend=backend).flow
        np.testing.assert_array_equal(flow, expected)


@every_backend
def test_threads_do_not_change_the_numbers_nor_are_they_changed(backend):
    import cv2

    pair = translated_pair(90, 120, 3, 1)
    before = cv2.getNumThreads()
    try:
        flows = []
        for threads in (1, 3):
            cv2.setNumThreads(threads)
            flows.append(solved(pair, "balanced", backend))
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)

    np.testing.assert_array_equal(flows[0], flows[1])


@every_backend
def test_calls_at_the_same_time_do_not_mix(backend):
    pairs = [translated_pair(44, 60, dx, 1, seed=dx) for dx in range(4)]
    expected = [solved(pair, "fast", backend) for pair in pairs]

    with ThreadPoolExecutor(4) as pool:
        flows = list(pool.map(lambda pair: solved(pair, "fast", backend), pairs * 3))

    np.testing.assert_array_equal(flows, expected * 3)


@every_backend
def test_nothing_in_gives_nothing_out(backend):
    for shape in ((0, 2, 32, 40), (0, 2, 32, 40, 3), (0, 32, 40), (1, 32, 40), (1, 32, 40, 3)):
        batch = dense_flow(np.empty(shape, dtype=np.uint8), backend=backend)
        assert batch.flow.shape == (0, 2, 32, 40)
        assert batch.flow.dtype == np.float32


@every_backend
@every_preset
def test_a_batch_says_what_made_it(backend, preset):
    batch = dense_flow(translated_pair(16, 16, 0, 0)[np.newaxis], preset=preset, backend=backend)

    assert (batch.backend, batch.preset) == (backend, preset)
    assert batch.method == BACKENDS[backend].method
    assert batch.version.startswith(BACKENDS[backend].version)


def test_colour_is_reduced_to_the_luma_of_opencv_on_the_host_and_on_the_device():
    import cv2

    from mlops_assets.flow.dense import _device_luma

    frames = np.random.default_rng(0).integers(0, 256, (2, 200, 300, 3), dtype=np.uint8)
    luma = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])

    np.testing.assert_array_equal(_device_luma(frames), luma)
    np.testing.assert_array_equal(
        dense_flow(frames, preset="fast", backend="opencv-dis").flow,
        dense_flow(luma, preset="fast", backend="opencv-dis").flow,
    )


def test_auto_takes_the_device_where_there_is_one_else_opencv():
    batch = dense_flow(translated_pair(16, 16, 0, 0)[np.newaxis])

    expected = "opencv-vr" if BACKENDS["cupy"].unavailable() else "cupy"
    assert batch.backend == expected
    assert batch.preset == "balanced"


def test_every_backend_solves_one_method():
    assert {name for method in METHODS for name in _names(method)} == set(BACKENDS)
    assert _names("variational") == ["cupy", "reference"]
    assert len({backend.version for backend in backends_of("variational")}) == 1


def _names(method):
    return [backend.name for backend in backends_of(method)]


def test_falling_back_stays_within_the_method(monkeypatch):
    broken = Backend("a", "m", "1", BACKENDS["opencv-dis"].solve, unavailable=lambda: "no luck")
    works = Backend("b", "m", "1", BACKENDS["opencv-dis"].solve)
    other = Backend("c", "n", "1", broken.solve, unavailable=lambda: "nor here")
    monkeypatch.setattr(registry, "BACKENDS", {"a": broken, "b": works, "c": other})
    monkeypatch.setattr(registry, "METHODS", ("m", "n"))

    assert best_backend("m") is works
    with pytest.raises(ConfigurationError, match="c: nor here"):
        best_backend("n")
    with pytest.raises(ConfigurationError, match="'a' cannot run here: no luck"):
        registry.find_backend("a")
    with pytest.raises(ConfigurationError, match="method is 'x'"):
        best_backend("x")


@pytest.mark.parametrize(
    "shape",
    [
        (),
        (16, 16),
        (1, 3, 16, 16),
        (1, 2, 7, 16),
        (1, 2, 16, 7),
        (1, 2, 16, 16, 4),
        (1, 3, 16, 16, 3),
        (1, 2, 0, 0),
        (2, 16, 7),
        (2, 16, 16, 2),
    ],
)
def test_another_shape_is_refused(shape):
    with pytest.raises(ShapeError):
        dense_flow(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize(
    "between", [[[0, 3]], [[-1, 0]], [[0, 1, 2]], [0, 1], [[0.0, 1.0]], [[True, False]]]
)
def test_indices_that_point_at_no_frame_are_refused(between):
    with pytest.raises(ShapeError, match="between"):
        dense_flow(np.zeros((3, 16, 16), dtype=np.uint8), between=np.array(between))


def test_indices_between_pairs_are_refused():
    with pytest.raises(ShapeError, match="only one of them"):
        dense_flow(np.zeros((3, 2, 16, 16), dtype=np.uint8), between=np.array([[0, 1]]))


def test_too_many_pixels_are_refused_before_any_work():
    vast = np.broadcast_to(np.uint8(0), (1, 2, 10_000, 10_000))

    with pytest.raises(InputError) as error:
        dense_flow(vast)

    assert error.value.reason == "too_large"


def test_floating_pictures_are_refused():
    with pytest.raises(InputError) as error:
        dense_flow(np.zeros((1, 2, 16, 16)))

    assert error.value.reason == "wrong_dtype"


def test_an_unknown_preset_or_backend_is_a_matter_for_the_operator():
    pairs = np.zeros((1, 2, 16, 16), dtype=np.uint8)

    with pytest.raises(ConfigurationError, match="preset is 'best'"):
        dense_flow(pairs, preset="best")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match="backend is 'gpu'"):
        dense_flow(pairs, backend="gpu")  # pyright: ignore[reportArgumentType]
