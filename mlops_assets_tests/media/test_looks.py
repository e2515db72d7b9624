"""Looks are few, exact in time, the same for a picture and its copy, and silent where flat."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from mlops_assets.media import DecodeReport, decode_image, decode_jpeg, decode_video
from mlops_assets.media.looks import LookRecorder, hash_looks, look_at, window_average
from mlops_assets_tests.duplicates.rendered import jpeg_again, picture
from mlops_assets_tests.media.rendered_clips import write_numbered_clip


def bits_apart(first, second):
    return np.bitwise_count((first ^ second).view(np.uint64))


def hashes_of(*pictures):
    return hash_looks(np.stack([look_at(one) for one in pictures]))


def report_of(events):
    *_, report = events
    assert isinstance(report, DecodeReport)
    return report


def test_a_copy_of_poor_quality_has_nearly_the_same_hashes():
    one = picture(1)
    first, second = hashes_of(one, jpeg_again(one, 20))
    assert (bits_apart(first, second) <= 4).all()
    assert (bits_apart(first, hashes_of(picture(2))[0]) > 16).all()


def test_the_inner_hash_is_that_of_the_cropped_picture():
    one = picture(3, (400, 480))
    whole, cropped = hashes_of(one, one[10:-10, 12:-12])
    assert bits_apart(whole[1:], cropped[:1])[0] <= 4


@pytest.mark.parametrize("level", [0, 77, 255])
def test_flat_pictures_say_nothing(level):
    assert (hashes_of(np.full((50, 70, 3), level, np.uint8)) == 0).all()


def test_no_looks_have_no_hashes():
    assert hash_looks(np.empty((0, 32, 32), np.uint8)).shape == (0, 2)
    assert LookRecorder().looks().hashes == ()


def test_a_window_averages_what_it_covers():
    ramp = np.arange(32) + 0.5
    assert window_average(0, 1, 32) @ ramp == pytest.approx(ramp)
    assert window_average(0.25, 0.75, 4) @ ramp == pytest.approx([10, 14, 18, 22])


def test_a_long_video_keeps_a_bounded_number_of_looks():
    recorder = LookRecorder(most=16)
    shown = picture(1, (8, 8))
    for tick in range(10_000):
        recorder.offer(shown, Fraction(tick, 15))
    times = recorder.looks().times_s
    assert 8 <= len(times) <= 16
    steps = np.diff(times)
    assert steps.min() > 0.8 * steps.max()
    assert times[0] == 0
    assert times[-1] > 600


def test_where_much_changes_there_are_more_looks():
    recorder = LookRecorder()
    for tick in range(30):
        shown = picture(min(tick, 15), (8, 8))
        recorder.offer(shown, Fraction(tick, 15))
    times = recorder.looks().times_s
    assert sum(time <= 1 for time in times) == 16
    assert sum(time > 1 for time in times) == 3


def test_a_video_has_four_looks_a_second_at_times_of_frames(tmp_path):
    looks = report_of(decode_video(write_numbered_clip(tmp_path / "clip.mp4", 50))).looks
    assert len(looks.times_s) == len(looks.hashes) == len(looks.inner_hashes)
    assert len(looks.pictures) == 1024 * len(looks.times_s)
    assert list(looks.times_s) == sorted(set(looks.times_s))
    assert looks.times_s[:4] == (0.0, 0.08, 0.16, 0.24)  # every look taken: the number flickers
    assert np.diff(looks.times_s).max() <= 0.25


def test_an_image_has_one_look_of_the_upright_picture(tmp_path):
    bgr = picture(4)
    upright = Image.fromarray(bgr[..., ::-1].copy())
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.save(tmp_path / "upright.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    first, second = (report_of(decode_image(tmp_path / f"{n}.png")) for n in ("upright", "turned"))
    assert first.looks == second.looks
    assert first.looks.times_s == (0.0,)


def test_redaction_changes_what_is_kept_and_not_what_is_measured(tmp_path):
    Image.fromarray(picture(5)).save(tmp_path / "one.png")
    clip = write_numbered_clip(tmp_path / "clip.mp4", 20)
    for decode, path in ((decode_image, tmp_path / "one.png"), (decode_video, clip)):
        plain = list(decode(path))
        redacted = list(decode(path, redact=np.zeros_like))
        assert report_of(plain) == report_of(redacted)
        for before, after in zip(plain, redacted, strict=True):
            jpegs = [getattr(after, name, None) for name in ("jpeg", "next_jpeg")]
            for jpeg in filter(None, jpegs):
                assert decode_jpeg(jpeg).max() <= 1
            assert getattr(before, "quality", None) == getattr(after, "quality", None)
