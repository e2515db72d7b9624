"""Encoding, reducing, sheets, and what is measured on a picture."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.media import (
    contact_sheet,
    decode_jpeg,
    encode_jpeg,
    reduce_picture,
    reduced_size,
)
from mlops_assets.media.quality import hash_of_coefficients, measure_quality, perceptual_hash


def landscape(seed=0, width=480, height=360):
    """A smooth random picture."""
    import cv2

    small = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return np.asarray(
        cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8
    )


def test_a_smooth_picture_survives_jpeg():
    picture = landscape()
    found = decode_jpeg(encode_jpeg(picture, 95))
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - picture).mean() < 3


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3), np.float32)],
)
def test_what_is_no_rgb_picture_is_not_encoded(picture):
    with pytest.raises(ShapeError):
        encode_jpeg(picture)


@pytest.mark.parametrize("content", [b"", b"garbage", encode_jpeg(landscape())[:40]])
def test_bytes_that_are_no_picture_are_an_input_error(content):
    with pytest.raises(InputError) as caught:
        decode_jpeg(content)
    assert caught.value.reason == "nothing_decodes"


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 2000))
def test_a_reduced_size_is_bounded_keeps_the_aspect_and_is_its_own(width, height, bound):
    reduced = reduced_size(width, height, bound)
    assert max(reduced) == min(bound, max(width, height))
    assert reduced_size(*reduced, bound) == reduced
    scale = max(reduced) / max(width, height)
    assert abs(reduced[0] - max(1, width * scale)) <= 0.5
    assert abs(reduced[1] - max(1, height * scale)) <= 0.5


def test_without_a_bound_nothing_is_reduced():
    picture = landscape()
    assert reduce_picture(picture, None) is picture


def test_a_contact_sheet_has_a_tile_for_each_picture():
    jpegs = [encode_jpeg(landscape(seed)) for seed in range(8)]
    sheet = decode_jpeg(contact_sheet(jpegs, columns=3, tile_px=64))
    assert sheet.shape == (3 * 64, 3 * 64, 3)
    assert sheet[150:180, 140:180].min() > 245  # the ninth tile is empty


def test_captions_stand_under_the_pictures():
    jpegs = [encode_jpeg(landscape())] * 2
    plain = decode_jpeg(contact_sheet(jpegs, captions=["", ""]))
    written = decode_jpeg(contact_sheet(jpegs, captions=["0:01", "Größe"]))
    assert plain.shape == written.shape
    assert written[161:].min() < 120 < plain[165:].min()


def test_a_sheet_needs_pictures_and_as_many_captions():
    with pytest.raises(InputError):
        contact_sheet([])
    with pytest.raises(ShapeError):
        contact_sheet([encode_jpeg(landscape())], captions=[])


def test_a_plain_picture_has_its_brightness_and_no_contrast_or_edges():
    quality = measure_quality(np.full((90, 700, 3), 51, np.uint8))
    assert quality.brightness == pytest.approx(0.2)
    assert quality.contrast == 0
    assert quality.sharpness == 0


def test_blur_lowers_sharpness_and_leaves_brightness():
    import cv2

    picture = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    blurred = np.asarray(cv2.GaussianBlur(picture, (9, 9), 3), dtype=np.uint8)
    sharp, soft = measure_quality(picture), measure_quality(blurred)
    assert soft.sharpness < sharp.sharpness / 100
    assert soft.brightness == pytest.approx(sharp.brightness, abs=0.01)


def test_a_checkerboard_has_the_sharpness_of_its_formula():
    board = np.indices((100, 100)).sum(axis=0) % 2 * 100
    picture = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert measure_quality(picture).sharpness == pytest.approx(400.0**2, rel=0.01)


@pytest.mark.parametrize("seed", range(6))
def test_the_hash_of_32_by_32_pixels_is_that_of_imagehash(seed):
    imagehash = pytest.importorskip("imagehash", reason="ImageHash makes the reference values")
    from PIL import Image

    luma = np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8)
    assert perceptual_hash(luma) == int(str(imagehash.phash(Image.fromarray(luma))), 16)


@pytest.mark.parametrize("seed", range(6))
def test_the_hash_of_a_larger_picture_is_close_to_that_of_imagehash(seed):
    imagehash = pytest.importorskip("imagehash", reason="ImageHash makes the reference values")
    from PIL import Image

    picture = landscape(seed, 1280, 720)
    theirs = int(str(imagehash.phash(Image.fromarray(picture))), 16)
    ours = measure_quality(np.ascontiguousarray(picture[..., ::-1])).phash
    assert (ours ^ theirs).bit_count() <= 4


def test_the_hash_of_a_plain_picture_is_its_mean_alone():
    assert perceptual_hash(np.full((50, 60), 90, np.uint8)) == 1 << 63


def test_the_first_coefficient_is_the_highest_bit():
    coefficients = np.zeros((32, 32))
    coefficients[0, 0], coefficients[7, 7] = 5, 5
    assert hash_of_coefficients(coefficients) == (1 << 63) + 1


def test_importing_the_room_loads_no_heavy_library():
    code = (
        "import sys, mlops_assets.media;"
        "heavy = {'cv2', 'av', 'PIL', 'scenedetect', 'torch', 'pypdfium2'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
