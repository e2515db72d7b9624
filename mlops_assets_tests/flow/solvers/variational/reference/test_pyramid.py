import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mlops_assets.flow.solvers.variational.reference.pyramid import blur, pyramid, resize
from mlops_assets.flow.solvers.variational.schedule import PRESETS, level_sizes


@pytest.mark.parametrize("sigma_px", [0.6, 1.04, 2.5])
@pytest.mark.parametrize("size", [(31, 40), (8, 9), (3, 1)])
def test_blur_is_scipys_gaussian(sigma_px, size):
    pictures = np.random.default_rng(1).uniform(0, 255, (2, *size)).astype(np.float32)
    truncate = np.ceil(3 * sigma_px) / sigma_px

    expected = gaussian_filter(
        pictures.astype(float), (0, sigma_px, sigma_px), mode="nearest", truncate=truncate
    )

    np.testing.assert_allclose(blur(pictures, sigma_px), expected, atol=1e-3)


@pytest.mark.parametrize("new", [(10, 14), (40, 56), (27, 31), (20, 28), (1, 1)])
def test_resizing_a_slope_keeps_it_a_slope(new):
    def slope(size):
        y, x = ((np.arange(length) + 0.5) / length for length in size)
        return (3 * x + 5 * y[:, None])[None].astype(np.float32)

    resized, expected = resize(slope((20, 28)), new), slope(new)

    inner = np.s_[:, 2:-2, 2:-2] if min(new) > 4 else np.s_[:]
    np.testing.assert_allclose(resized[inner], expected[inner], atol=1e-5)


def test_resizing_to_the_same_size_changes_nothing():
    pictures = np.random.default_rng(2).uniform(0, 255, (2, 13, 17)).astype(np.float32)

    np.testing.assert_allclose(resize(pictures, (13, 17)), pictures, rtol=1e-5)


def test_halving_averages_four_pixels():
    pictures = np.random.default_rng(3).uniform(0, 255, (1, 8, 12)).astype(np.float32)

    expected = pictures.reshape(1, 4, 2, 6, 2).mean(axis=(2, 4))

    np.testing.assert_allclose(resize(pictures, (4, 6)), expected, rtol=1e-6)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_pyramid_has_the_sizes_of_the_schedule_and_keeps_the_mean(preset):
    frames = np.random.default_rng(4).integers(0, 256, (2, 75, 98), dtype=np.uint8)

    levels = pyramid(frames, PRESETS[preset])

    assert [level.shape[1:] for level in levels] == level_sizes(75, 98, PRESETS[preset])
    for level in levels:
        assert level.dtype == np.float32
        np.testing.assert_allclose(level.mean(axis=(1, 2)), frames.mean(axis=(1, 2)), atol=2)
