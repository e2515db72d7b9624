import numpy as np
import pytest

from mlops_assets.flow.solvers.variational.reference.warp import warp


def field(value, like):
    return np.full(like.shape, value, dtype=np.float32)


def test_no_motion_gives_the_picture_back_bit_for_bit():
    pictures = np.random.default_rng(1).uniform(0, 255, (2, 9, 11)).astype(np.float32)

    warped, visibility = warp(pictures, field(0, pictures), field(0, pictures))

    np.testing.assert_array_equal(warped, pictures)
    assert (visibility == 1).all()


def test_whole_pixels_shift_the_picture():
    pictures = np.random.default_rng(2).uniform(0, 255, (1, 9, 11)).astype(np.float32)

    warped, visibility = warp(pictures, field(2, pictures), field(-3, pictures))

    np.testing.assert_array_equal(warped[:, 3:, :-2], pictures[:, :-3, 2:])
    assert (visibility[:, 3:, :-2] == 1).all()
    assert (visibility[:, :3] == 0).all()
    assert (visibility[:, :, -2:] == 0).all()


def test_parabolas_are_interpolated_exactly():
    y, x = np.mgrid[:12, :15].astype(np.float32)
    u, v = np.random.default_rng(3).uniform(-1, 1, (2, 1, 12, 15)).astype(np.float32)

    def picture(x, y):
        return (0.5 * x * x - 0.3 * x * y + y * y - x)[None]

    warped, _ = warp(picture(x, y), u, v)

    expected = picture(x + u[0], y + v[0])
    np.testing.assert_allclose(warped[:, 3:-3, 3:-3], expected[:, 3:-3, 3:-3], atol=1e-3)


@pytest.mark.parametrize(("beyond_px", "expected"), [(0, 1), (0.25, 0.75), (1, 0), (40, 0)])
def test_visibility_fades_within_one_pixel_outside(beyond_px, expected):
    pictures = np.zeros((1, 6, 7), dtype=np.float32)

    _, visibility = warp(pictures, field(beyond_px, pictures), field(0, pictures))

    assert visibility[0, 2, -1] == pytest.approx(expected)


def test_pairs_of_a_batch_are_apart():
    rng = np.random.default_rng(4)
    pictures = rng.uniform(0, 255, (3, 8, 9)).astype(np.float32)
    u, v = rng.uniform(-4, 4, (2, 3, 8, 9)).astype(np.float32)

    together, _ = warp(pictures, u, v)

    for index in range(3):
        one = np.s_[index : index + 1]
        np.testing.assert_array_equal(together[one], warp(pictures[one], u[one], v[one])[0])
