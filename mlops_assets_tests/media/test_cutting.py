"""Clips cut out of clips, whose pictures carry their number."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mlops_assets.errors import InputError
from mlops_assets.media.cutting import cut_clip, suffix_for
from mlops_assets_tests.media.rendered_clips import read_number, write_numbered_clip

GOP = {"g": "10", "sc_threshold": "0"}


def numbers(path):
    import av

    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        assert frames[0].pts is not None
        starts = [float(frame.time) for frame in frames]
        return [
            read_number(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)) for frame in frames
        ], starts


@pytest.mark.parametrize("frames", [(10, 20), (20, 60), (0, 60)])
def test_from_key_frame_to_key_frame_packets_are_copied(tmp_path, frames):
    path = write_numbered_clip(tmp_path / "a.mp4", 60, options={**GOP, "bf": "0"})
    start, end = (Fraction(frame, 25) for frame in frames)
    assert cut_clip(path, tmp_path / "b.mp4", start=start, end=end) == "copied"
    found, times = numbers(tmp_path / "b.mp4")
    assert found == list(range(*frames))
    assert times == pytest.approx([n / 25 for n in range(len(found))], abs=1e-3)


@pytest.mark.parametrize("frames", [(7, 23), (12, 17), (55, 60), (3, 4)])
def test_any_other_stretch_is_encoded_and_exact(tmp_path, frames):
    path = write_numbered_clip(tmp_path / "a.mp4", 60, options={**GOP, "bf": "2"})
    start, end = (Fraction(frame, 25) for frame in frames)
    assert cut_clip(path, tmp_path / "b.mp4", start=start, end=end) == "encoded"
    assert numbers(tmp_path / "b.mp4")[0] == list(range(*frames))


def test_a_turned_clip_stays_turned(tmp_path):
    import av

    path = write_numbered_clip(tmp_path / "a.mp4", 20, rotation=90, options={**GOP, "bf": "0"})
    for name, start in (("copied", 0), ("encoded", 5)):
        to = tmp_path / f"{name}.mp4"
        assert cut_clip(path, to, start=Fraction(start, 25), end=Fraction(10, 25)) == name
        with av.open(str(to)) as container, av.open(str(path)) as original:
            turned = next(container.decode(video=0)).rotation
            assert turned == next(original.decode(video=0)).rotation != 0


def test_what_mp4_cannot_hold_goes_into_matroska(tmp_path):
    assert suffix_for(write_numbered_clip(tmp_path / "a.mp4", 3)) == ".mp4"
    assert suffix_for(write_numbered_clip(tmp_path / "b.mkv", 3, codec="mpeg2video")) == ".mkv"


def test_a_stretch_without_pictures_is_said(tmp_path):
    path = write_numbered_clip(tmp_path / "a.mp4", 10)
    with pytest.raises(InputError, match=r"the last is at 0\.360 s"):
        cut_clip(path, tmp_path / "b.mp4", start=Fraction(5), end=Fraction(6))
    with pytest.raises(InputError, match="is empty"):
        cut_clip(path, tmp_path / "b.mp4", start=Fraction(1), end=Fraction(1))
