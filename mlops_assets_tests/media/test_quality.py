"""Grain, blocks and clipping, told from pictures made with a known share of each."""

from __future__ import annotations

import numpy as np
import pytest

from mlops_assets.media.events import PictureQuality
from mlops_assets.media.quality import (
    MEASURES,
    TypicalQuality,
    block_edges,
    measure_quality,
    noise_level,
)
from mlops_assets.samples.scenes import Scene, draw_scene


def scene(seed: int = 0, size=(640, 480), backdrop: str = "car-park"):
    """A rendered street, luma, with the little grain of its sensor smoothed away."""
    import cv2

    drawn = draw_scene(
        Scene(
            label="vehicle",
            backdrop=backdrop,
            size=size,
            centre=(200, 200),
            motion=(0, 0),
            colour=(200, 30, 30),
            brightness=0.9,
            seed=seed,
        ),
        0,
    )
    return cv2.medianBlur(cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY), 5)


def grained(luma, sigma: float, seed: int = 0):
    noise = np.random.default_rng(seed).normal(0, sigma, luma.shape)
    return np.clip(np.rint(luma + noise), 0, 255).astype(np.uint8)


def compressed(luma, quality: int):
    import cv2

    stored = cv2.imencode(".jpg", luma, [1, quality])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def resized(luma, factor: float):
    import cv2

    filter_ = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(luma, None, fx=factor, fy=factor, interpolation=filter_)


@pytest.mark.parametrize("sigma", [3, 5, 10, 20, 40])
@pytest.mark.parametrize("backdrop", ["flat", "car-park", "north-gate"])
def test_the_grain_that_was_put_in_is_measured(sigma, backdrop):
    luma = np.full((300, 300), 128, np.uint8) if backdrop == "flat" else scene(backdrop=backdrop)
    assert noise_level(grained(luma, sigma)) == pytest.approx(sigma, rel=0.15)


def test_edges_and_flat_areas_are_no_grain():
    squares = np.kron(np.indices((5, 5)).sum(0) % 2, np.ones((64, 64))) * 100 + 50
    slopes = np.tile(np.arange(256), (256, 1))
    for luma in (squares, slopes, np.zeros((64, 64)), np.full((64, 64), 255)):
        assert noise_level(luma.astype(np.uint8)) < 0.1


def test_what_is_black_or_white_does_not_hide_the_grain_of_the_rest():
    luma = scene()
    luma[:, :400] = 0
    seen = grained(luma, 10)
    seen[:, :400] = 0
    assert noise_level(seen) == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize("shape", [(1, 1), (15, 300), (300, 1), (16, 16)])
def test_the_smallest_pictures_have_measures(shape):
    import cv2

    grain = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert noise_level(grain) >= 0
    assert block_edges(grain) == 0
    quality = measure_quality(cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR))
    assert all(np.isfinite(getattr(quality, name)) for name in MEASURES)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.5, 2.0])
def test_blocks_are_seen_also_in_a_resized_picture(factor):
    for seed in range(4):
        luma = scene(seed)
        clean, hard = (resized(one, factor) for one in (luma, compressed(luma, 8)))
        assert block_edges(hard) > 0.5
        assert block_edges(clean) < 0.3


def test_harder_compression_has_more_of_them():
    luma = grained(scene(), 3)
    levels = [block_edges(compressed(luma, quality)) for quality in (5, 10, 20, 90)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 0.15


def test_grain_stripes_and_one_colour_have_no_blocks():
    stripes = np.tile((np.arange(384) // 8 % 2 * 100 + 50).astype(np.uint8), (384, 1))
    grain = np.random.default_rng(1).integers(0, 256, (384, 384), dtype=np.uint8)
    for luma in (stripes, grain, np.full((384, 384), 90, np.uint8)):
        assert block_edges(luma) < 0.2


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_the_share_that_is_clipped_is_measured(share):
    picture = np.full((240, 320, 3), 120, np.uint8)
    rows = round(share * 240)
    picture[:rows], picture[240 - rows :] = 0, 255
    quality = measure_quality(picture)
    assert quality.clipped_dark == pytest.approx(share, abs=0.01)
    assert quality.clipped_bright == pytest.approx(share, abs=0.01)


def seen(brightness: float) -> PictureQuality:
    return PictureQuality(brightness, 0.2, 100.0, 0.0, 0.0, 2.0, 0.1, phash=0)


def test_a_file_is_as_its_middle_picture():
    typical = TypicalQuality()
    for brightness in (0.1, 0.9, 0.5):
        typical.see(seen(brightness))
    told = typical.medians()
    assert list(told) == list(MEASURES)
    assert (told["brightness"], told["noise"]) == (0.5, 2.0)
    assert set(TypicalQuality().medians().values()) == {None}


def test_of_a_long_file_the_pictures_that_count_are_spread_over_all_of_it():
    typical = TypicalQuality()
    for number in range(20_000):
        typical.see(seen(number / 20_000))
    assert typical.medians()["brightness"] == pytest.approx(0.5, abs=0.001)
    assert len(typical._kept) <= 4096
