"""Images of every mode come out upright, in sRGB, on white."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from mlops_assets.errors import InputError
from mlops_assets.media import DecodeReport, Sample, SamplingOptions, decode_image, decode_jpeg
from mlops_assets_tests.gates import rendered

RED = (200, 40, 40)
SRGB, LAB = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")


def run(path, **options):
    sample, report = decode_image(path, options=SamplingOptions(jpeg_quality=98, **options))
    assert isinstance(sample, Sample)
    assert isinstance(report, DecodeReport)
    return sample, report


def colour_of(path, **options):
    sample, report = run(path, **options)
    assert report.status == "decoded"
    return decode_jpeg(sample.jpeg).reshape(-1, 3).mean(axis=0)


def saved(image, path, **options):
    image.save(path, **options)
    return path


def red(mode):
    return Image.new("RGB", (40, 30), RED).convert(mode)


def gray16():
    return Image.fromarray(np.full((30, 40), 32896, np.uint16))


@pytest.mark.parametrize(
    ("image", "suffix", "expected"),
    [
        (red("RGB"), "png", RED),
        (red("P"), "png", RED),
        (red("CMYK"), "tif", RED),
        (red("YCbCr"), "jpg", RED),
        (ImageCms.profileToProfile(red("RGB"), SRGB, LAB, outputMode="LAB"), "tif", RED),
        (Image.new("L", (40, 30), 77), "png", (77, 77, 77)),
        (Image.new("1", (40, 30), 1), "png", (255, 255, 255)),
        (gray16(), "png", (128, 128, 128)),
        (gray16(), "tif", (128, 128, 128)),
        (Image.new("F", (40, 30), 0.5), "tif", (128, 128, 128)),
        (Image.new("LA", (40, 30), (0, 51)), "png", (204, 204, 204)),
        (Image.new("RGBA", (40, 30), (*RED, 0)), "png", (255, 255, 255)),
        (Image.new("RGBA", (40, 30), (*RED, 255)), "webp", RED),
        (Image.new("RGBA", (40, 30), (0, 0, 0, 51)), "png", (204, 204, 204)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else str(value),
)
def test_each_mode_becomes_the_colour_it_shows(tmp_path, image, suffix, expected):
    path = saved(image, tmp_path / f"image.{suffix}")
    np.testing.assert_allclose(colour_of(path), expected, atol=8)


def test_a_transparent_palette_is_laid_on_white(tmp_path):
    image = Image.new("P", (40, 30), 1)
    image.putpalette([0, 0, 0, *RED])
    path = saved(image, tmp_path / "image.png", transparency=1)
    np.testing.assert_allclose(colour_of(path), 255, atol=4)


def test_an_animation_gives_its_first_picture(tmp_path):
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, (0, 0, 250))]
    path = saved(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(colour_of(path), RED, atol=8)


def quarters():
    """Red, green, blue and white quarters, 40 x 24."""
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:12, :20], picture[:12, 20:] = (250, 0, 0), (0, 250, 0)
    picture[12:, :20], picture[12:, 20:] = (0, 0, 250), (250, 250, 250)
    return picture


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(tmp_path, orientation):
    undo = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(undo(quarters())))
    path = saved(stored, tmp_path / "turned.jpg", exif=exif, quality=98, subsampling=0)
    sample, report = run(path)
    assert (report.width_px, report.height_px) == (40, 24)
    found = decode_jpeg(sample.jpeg)[[6, 6, 18, 18], [10, 30, 10, 30]].astype(int)
    np.testing.assert_allclose(found, quarters()[[6, 6, 18, 18], [10, 30, 10, 30]], atol=20)


def test_a_colour_profile_is_converted_to_srgb(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    image = Image.new("RGB", (40, 30), (40, 200, 40))
    path = saved(image, tmp_path / "swapped.png", icc_profile=swapped)
    np.testing.assert_allclose(colour_of(path), RED, atol=8)


def test_an_unusable_profile_is_ignored_and_said(tmp_path):
    path = saved(red("RGB"), tmp_path / "image.png", icc_profile=b"no profile at all")
    np.testing.assert_allclose(colour_of(path), RED, atol=8)
    assert run(path)[1].reasons == ("colour_profile_unusable",)


def test_an_image_is_one_sample_at_time_zero_without_successor(tmp_path):
    sample, report = run(saved(red("RGB"), tmp_path / "image.png"))
    assert (sample.index, sample.time, sample.next_jpeg) == (0, Fraction(0), None)
    assert (report.samples, report.frames_decoded, report.duration) == (1, 1, 0)


def test_an_image_can_be_reduced(tmp_path):
    sample, report = run(saved(red("RGB"), tmp_path / "image.png"), max_side_px=20)
    assert (sample.width_px, sample.height_px) == (20, 15)
    assert (report.width_px, report.height_px) == (40, 30)


def noise_jpeg(path):
    pixels = np.random.default_rng(3).integers(0, 256, (200, 200, 3), np.uint8)
    return saved(Image.fromarray(pixels), path, quality=90)


def test_a_truncated_image_keeps_its_rows_and_says_what_is_missing(tmp_path):
    path = noise_jpeg(tmp_path / "cut.jpg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    sample, report = run(path)
    assert (report.status, report.reasons) == ("salvaged", ("truncated",))
    assert report.share_lost == pytest.approx(0.5, abs=0.15)
    assert (sample.width_px, sample.height_px) == (200, 200)


@pytest.mark.parametrize("form", ["BMP", "PPM", "TGA", "QOI", "TIFF"])
@pytest.mark.parametrize("share", [0.25, 0.75])
def test_the_share_lost_is_that_of_the_rows_whichever_end_they_begin_at(tmp_path, form, share):
    pixels = np.random.default_rng(3).integers(0, 256, (200, 100, 3), np.uint8)
    path = tmp_path / "cut"
    Image.fromarray(pixels).save(path, form)
    stored = path.read_bytes()
    path.write_bytes(stored[: int(len(stored) * share)])
    assert run(path)[1].share_lost == pytest.approx(1 - share, abs=0.03)


def test_a_progressive_photo_without_its_end_is_blurred_and_not_lost(tmp_path):
    path = saved(rendered.an_image(), tmp_path / "cut.jpg", progressive=True)
    path.write_bytes(path.read_bytes()[:-300])
    sample, report = run(path)
    assert (report.status, report.reasons) == ("salvaged", ("truncated",))
    found = decode_jpeg(sample.jpeg).astype(int)
    assert np.abs(found - next(rendered.pictures(1)).astype(int)).mean() < 12


def test_a_checksum_tells_of_damage_that_decodes(tmp_path):
    path = saved(red("RGB"), tmp_path / "image.png")
    stored = bytearray(path.read_bytes())
    stored[stored.index(b"IEND") - 5] ^= 1  # the checksum of the pixels before it
    path.write_bytes(stored)
    assert run(path)[1].reasons == ("damaged_inside",)


def test_a_heic_photo_shows_what_was_put_in(tmp_path):
    path = tmp_path / "photo.heic"
    path.write_bytes(rendered.heic(tmp_path))
    sample, report = run(path)
    assert (report.status, report.width_px, report.height_px) == ("decoded", 128, 96)
    found = decode_jpeg(sample.jpeg).astype(int)
    assert np.abs(found - next(rendered.pictures(1)).astype(int)).mean() < 6


def test_an_image_of_too_many_pixels_is_refused_before_decoding(tmp_path):
    path = saved(red("RGB"), tmp_path / "image.png")
    with pytest.raises(InputError) as caught:
        run(path, max_pixels=1199)
    assert caught.value.reason == "too_many_pixels"


def test_a_bomb_is_refused(tmp_path):
    path = saved(Image.new("1", (20_000, 20_000)), tmp_path / "bomb.png")
    with pytest.raises(InputError) as caught:
        run(path)
    assert caught.value.reason == "too_many_pixels"


@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 99, b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xff\xd8"]
)
def test_what_is_no_image_is_an_input_error(tmp_path, content):
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        run(path)
    assert caught.value.reason == "unreadable"


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["jpg", "png", "tif", "gif", "webp", "bmp"]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12),
    st.floats(0.05, 1.0),
)
def test_damage_anywhere_gives_a_picture_or_an_input_error(tmp_path_factory, suffix, spots, kept):
    path = tmp_path_factory.mktemp("damage") / f"image.{suffix}"
    Image.fromarray(quarters()).save(path)
    data = bytearray(path.read_bytes())
    for at, value in spots:
        data[int(at * len(data))] = value
    path.write_bytes(data[: int(kept * len(data))])
    try:
        _, report = run(path, max_pixels=1_000_000)
    except InputError:
        return
    assert 0 <= report.share_lost <= 1
