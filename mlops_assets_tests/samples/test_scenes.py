from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mlops_assets.errors import ShapeError
from mlops_assets.samples import (
    LABELS,
    Scene,
    draw_scene,
    read_frame_number,
    render_still,
    stamp_frame_number,
)
from mlops_assets_tests.samples.reading import object_centre


@given(number=st.integers(0, 65_535))
@settings(max_examples=50, deadline=None)
def test_any_frame_number_is_read_back(number: int) -> None:
    gray = np.full((8, 64, 3), 120, dtype=np.uint8)

    assert read_frame_number(stamp_frame_number(gray, number)) == number


@pytest.mark.parametrize("number", [0, 1, 4660, 65_535])
def test_a_frame_number_survives_strong_jpeg_compression(number: int) -> None:
    stored = io.BytesIO()
    Image.fromarray(draw_scene(Scene(), number)).save(stored, format="JPEG", quality=30)

    assert read_frame_number(np.asarray(Image.open(stored))) == number


@pytest.mark.parametrize("number", [-1, 65_536])
def test_a_number_of_more_than_16_bits_is_refused(number: int) -> None:
    with pytest.raises(ShapeError, match="expected 0 to 65535"):
        stamp_frame_number(np.zeros((8, 64, 3), np.uint8), number)


@pytest.mark.parametrize("shape", [(0, 0, 3), (3, 64, 3), (4, 63, 3), (8, 64), (8, 64, 4)])
def test_a_picture_without_room_for_the_number_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        read_frame_number(np.zeros(shape, np.uint8))


def test_stamping_leaves_its_argument_alone() -> None:
    gray = np.full((8, 64, 3), 120, dtype=np.uint8)

    stamp_frame_number(gray, 65_535)

    assert (gray == 120).all()


@pytest.mark.parametrize("label", LABELS)
def test_equal_scenes_are_equal_and_other_seeds_differ(label) -> None:
    scene = Scene(label=label, seed=3)

    assert np.array_equal(draw_scene(scene, 7), draw_scene(replace(scene), 7))
    assert not np.array_equal(draw_scene(scene, 7), draw_scene(replace(scene, seed=4), 7))


@pytest.mark.parametrize("motion", [(4.0, 0.0), (-1.0, 0.0), (0.0, 5.0), (0.5, -1.25)])
def test_the_object_moves_by_the_stated_pixels_per_frame(motion: tuple[float, float]) -> None:
    scene = Scene(motion=motion)
    backdrop = draw_scene(replace(scene, label="empty"), 0)

    first, later = (object_centre(draw_scene(scene, at), backdrop) for at in (0, 8))

    assert (later - first) / 8 == pytest.approx(motion, abs=0.06)


def test_only_the_noise_moves_in_an_empty_scene() -> None:
    scene = Scene(label="empty", motion=(4.0, 0.0))

    change = draw_scene(scene, 1).astype(int) - draw_scene(scene, 0)

    assert 1.0 < np.abs(change[4:]).mean() < 6.0


@pytest.mark.parametrize("centre", [(-400.0, 120.0), (0.0, 0.0), (330.0, 250.0), (160.0, 900.0)])
def test_an_object_outside_the_picture_is_clipped(centre: tuple[float, float]) -> None:
    assert draw_scene(Scene(centre=centre), 0).shape == (240, 320, 3)


def test_brightness_scales_the_whole_picture() -> None:
    day = draw_scene(Scene(label="empty"), 0)[4:].mean()
    night = draw_scene(Scene(label="empty", brightness=0.45), 0)[4:].mean()

    assert night / day == pytest.approx(0.45, abs=0.01)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_still_is_the_scene_and_the_same_call_writes_the_same_bytes(tmp_path, suffix) -> None:
    path, again = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"

    scene = render_still(path, label="pedestrian", seed=5, frame_number=9)
    render_still(again, label="pedestrian", seed=5, frame_number=9)

    picture = np.asarray(Image.open(path))
    assert path.read_bytes() == again.read_bytes()
    assert read_frame_number(picture) == 9
    assert np.abs(picture.astype(int) - draw_scene(scene, 9)).mean() < 3
