"""`opencv-dis` on shapes that OpenCV itself refuses or crashes on."""

import numpy as np
import pytest

from mlops_assets.flow import dense_flow
from mlops_assets.flow.solvers.opencv_dis import inverse_search
from mlops_assets_tests.flow.scenes import translated_pair


@pytest.mark.parametrize("size", [(8, 100), (100, 8), (9, 1000), (8, 11), (15, 500), (16, 17)])
@pytest.mark.parametrize("preset", ["fast", "balanced", "quality"])
def test_flat_strips_neither_crash_nor_raise(size, preset):
    pair = translated_pair(size[0], size[1], 1, 0)

    flow = dense_flow(pair[np.newaxis], preset=preset, backend="opencv-dis").flow

    assert np.isfinite(flow).all()


def test_the_presets_are_those_of_opencv():
    import cv2

    pair = translated_pair(90, 120, 2, 1)
    named = {"fast": cv2.DISOPTICAL_FLOW_PRESET_FAST, "balanced": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM}

    for preset, theirs in named.items():
        raw = cv2.DISOpticalFlow.create(theirs).calc(*pair, None)  # pyright: ignore
        ours = dense_flow(pair[np.newaxis], preset=preset, backend="opencv-dis").flow[0]  # pyright: ignore
        np.testing.assert_array_equal(ours, raw.transpose(2, 0, 1))


def test_a_search_may_be_used_again():
    search = inverse_search(40, 60, patches="medium", finest_scale=0)
    pairs = [translated_pair(40, 60, dx, 1, seed=dx) for dx in (1, 3, 1)]
    found = np.empty((3, 2, 40, 60), dtype=np.float32)

    for pair, out in zip(pairs, found, strict=True):
        search(pair[0], pair[1], out)

    np.testing.assert_array_equal(found[0], found[2])
    assert np.median(found[1, 0]) == pytest.approx(3, abs=0.2)
