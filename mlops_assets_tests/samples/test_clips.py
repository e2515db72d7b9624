from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.samples import Scene, draw_scene, encode_clip, read_frame_number, render_clip
from mlops_assets.samples.clips import ClipOptions
from mlops_assets_tests.samples.reading import decode, object_centre

SMALL = {"frames": 14, "size": (128, 96)}
STORED = [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.mov", "mjpeg"), ("a.mkv", "ffv1")]


@pytest.mark.parametrize(("name", "codec"), STORED)
def test_every_frame_number_is_read_from_the_decoded_pictures(tmp_path, name, codec) -> None:
    truth = render_clip(tmp_path / name, codec=codec, **SMALL)

    pictures, _, lost = decode(tmp_path / name)

    assert [read_frame_number(picture) for picture in pictures] == list(range(14))
    assert (truth.frame_count, lost) == (14, 0)


@pytest.mark.parametrize(("name", "codec"), STORED)
def test_the_same_call_writes_the_same_bytes(tmp_path, name, codec) -> None:
    render_clip(tmp_path / name, codec=codec, **SMALL)
    first = (tmp_path / name).read_bytes()

    render_clip(tmp_path / name, codec=codec, **SMALL)

    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("rate", [Fraction(12), Fraction(25), Fraction(30_000, 1001)])
@pytest.mark.parametrize("variable_rate", [False, True])
def test_times_are_exact_and_uneven_where_asked(tmp_path, rate, variable_rate) -> None:
    path = tmp_path / "a.mp4"
    truth = render_clip(path, rate=rate, variable_rate=variable_rate, **SMALL)

    _, times, _ = decode(path)

    assert tuple(times) == truth.times_s
    assert (len(set(np.diff(np.array(times)))) > 1) == variable_rate


@pytest.mark.parametrize("variable_rate", [False, True])
def test_the_container_states_the_true_duration(tmp_path, variable_rate) -> None:
    import av

    truth = render_clip(tmp_path / "a.mp4", variable_rate=variable_rate, **SMALL)

    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(float(truth.duration_s), abs=0.001)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_a_rotated_clip_is_upright_after_the_rotation_it_states(tmp_path, rotation_deg) -> None:
    path = tmp_path / "a.mp4"
    render_clip(path, rotation_deg=rotation_deg, **SMALL)

    pictures, _, _ = decode(path)

    assert pictures[0].shape == (96, 128, 3)
    assert [read_frame_number(picture) for picture in pictures] == list(range(14))


@pytest.mark.parametrize("motion", [(3.0, 0.0), (0.0, -2.0), (1.5, 0.5)])
def test_the_object_in_the_decoded_pictures_moves_as_stated(tmp_path, motion) -> None:
    truth = render_clip(tmp_path / "a.mp4", frames=9, motion=motion, seed=2)
    backdrop = draw_scene(Scene(label="empty", seed=2), 0)

    pictures, _, _ = decode(tmp_path / "a.mp4")
    moved = object_centre(pictures[8], backdrop) - object_centre(pictures[0], backdrop)

    assert truth.motion_px_per_frame == motion
    assert moved / 8 == pytest.approx(motion, abs=0.1)


def test_the_picture_changes_most_at_the_cuts(tmp_path) -> None:
    truth = render_clip(tmp_path / "a.mp4", frames=20, cuts=(6, 13), rate=Fraction(10))

    pictures, _, _ = decode(tmp_path / "a.mp4")
    change = [np.abs(b.astype(int) - a).mean() for a, b in pairwise(pictures)]

    assert sorted(np.argsort(change)[-2:] + 1) == [6, 13]
    assert truth.shot_starts_s == (0, Fraction(6, 10), Fraction(13, 10))


def test_a_creation_time_is_stored_in_utc(tmp_path) -> None:
    import av

    at = datetime(2026, 11, 5, 10, 15, tzinfo=UTC)
    shots = [(Scene(size=(64, 48)), number) for number in range(2)]
    encode_clip(tmp_path / "a.mp4", shots, options=ClipOptions(created_at=at))

    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.metadata["creation_time"] == "2026-11-05T10:15:00.000000Z"


def test_a_clip_of_one_frame_lasts_one_tick(tmp_path) -> None:
    truth = render_clip(tmp_path / "a.mp4", frames=1, size=(64, 48), variable_rate=True)

    pictures, times, _ = decode(tmp_path / "a.mp4")

    assert (len(pictures), times, truth.duration_s) == (1, [0], Fraction(1, 12))


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"size": (65, 48)}, {"rotation_deg": 45}])
def test_impossible_layouts_are_refused(tmp_path, wrong) -> None:
    with pytest.raises(ShapeError):
        render_clip(tmp_path / "a.mp4", **wrong)


@pytest.mark.parametrize("codec", ["aac", "no such codec"])
def test_what_is_no_video_encoder_is_refused(tmp_path, codec) -> None:
    with pytest.raises(InputError) as refused:
        render_clip(tmp_path / "a.mp4", codec=codec, **SMALL)

    assert refused.value.reason == "no_video_encoder"


def test_equal_scenes_with_other_backdrops_differ() -> None:
    scene = Scene(label="empty")

    there = draw_scene(replace(scene, backdrop="loading-dock"), 0).astype(int)

    assert np.abs(there - draw_scene(scene, 0)).mean() > 30
