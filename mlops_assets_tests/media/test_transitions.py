"""Gradual shot changes, on rendered scenes whose changes are known."""

from __future__ import annotations

import numpy as np
import pytest

from mlops_assets.media import Shot, decode_video
from mlops_assets.media.transitions import BlendDetector
from mlops_assets.samples.scenes import Scene, draw_scene
from mlops_assets_tests.media.rendered_clips import write_clip

RATE = 25
SIZE = (160, 90)
BEFORE = Scene(backdrop="north-gate", size=SIZE, centre=(40.0, 45.0), motion=(0.8, 0.1), seed=1)
AFTER = Scene(
    "pedestrian", "loading-dock", SIZE, (90.0, 50.0), (-0.6, 0.0), colour=(40, 60, 160), seed=2
)


def blend(first, second, share):
    mixed = (1 - share) * first.astype(np.float32) + share * second.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)


def shares(length):
    return [(step + 1) / (length + 1) for step in range(length)]


def dissolve(length, *, lead=40, rest=30):
    before = [draw_scene(BEFORE, number) for number in range(lead + length)]
    after = [draw_scene(AFTER, number) for number in range(length + rest)]
    between = [
        blend(before[lead + step], after[step], share) for step, share in enumerate(shares(length))
    ]
    return [*before[:lead], *between, *after[length:]]


def fade(length, *, colour, lead=40, rest=30):
    flat = np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)
    half = length // 2
    out = [blend(draw_scene(BEFORE, lead + n), flat, s) for n, s in enumerate(shares(half))]
    back = [blend(flat, draw_scene(AFTER, n), s) for n, s in enumerate(shares(half))]
    held = [flat] * 5
    before = [draw_scene(BEFORE, number) for number in range(lead)]
    after = [draw_scene(AFTER, half + number) for number in range(rest)]
    return [*before, *out, *held, *back, *after]


def looks(pictures):
    """Small frames as the pass sees them: every other picture."""
    import cv2

    return [
        cv2.resize(picture, (64, 36), interpolation=cv2.INTER_AREA)[..., ::-1].copy()
        for picture in pictures[::2]
    ]


def ends(pictures):
    detector = BlendDetector()
    return [2 * at for at, look in enumerate(looks(pictures)) if detector.ends_at(look)]


@pytest.mark.parametrize("length", [12, 25, 40])
def test_a_dissolve_ends_a_shot_once_soon_after_it_is_over(length):
    (end,) = ends(dissolve(length))
    assert 40 <= end <= 40 + length + 8


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255)])
@pytest.mark.parametrize("length", [12, 30])
def test_a_fade_through_a_flat_colour_is_one_change(length, colour):
    (end,) = ends(fade(length, colour=colour))
    assert 40 + length // 2 <= end <= 40 + length + 12


def pan():
    wide = draw_scene(Scene("empty", "car-park", (640, 90), seed=3), 0)
    return [wide[:, 3 * step : 3 * step + SIZE[0]] for step in range(120)]


def dimmed():
    picture = draw_scene(BEFORE, 0)
    levels = [*[1.0] * 30, *np.linspace(1, 0.35, 25), *[0.35] * 30]
    return [np.rint(picture * level).astype(np.uint8) for level in levels]


def titled():
    titled = draw_scene(BEFORE, 0)
    titled[30:60, 40:120] = 255
    plain = draw_scene(BEFORE, 0)
    levels = [*[0.0] * 30, *shares(20), *[1.0] * 30]
    return [blend(plain, titled, level) for level in levels]


def still():
    return [draw_scene(BEFORE, number) for number in range(90)]


def black():
    return [np.zeros((SIZE[1], SIZE[0], 3), np.uint8)] * 60


def back_from_black():
    lit = draw_scene(BEFORE, 0)
    dark = np.zeros_like(lit)
    return [*[lit] * 30, *[dark] * 10, *[lit] * 30]


@pytest.mark.parametrize("scene", [pan, dimmed, titled, still, black, back_from_black])
def test_what_is_no_change_of_shot_ends_none(scene):
    assert ends(scene()) == []


def test_the_decode_pass_tells_gradual_changes_as_shots(tmp_path):
    path = write_clip(tmp_path / "soft.mp4", dissolve(25))
    shots = [event for event in decode_video(path) if isinstance(event, Shot)]
    assert len(shots) == 2
    assert 40 <= shots[1].start * RATE <= 40 + 25 + 8
    assert shots[0].end == shots[1].start


def test_a_hard_cut_is_one_change_at_its_frame(tmp_path):
    pictures = dissolve(0)
    path = write_clip(tmp_path / "hard.mp4", pictures)
    shots = [event for event in decode_video(path) if isinstance(event, Shot)]
    assert [shot.start * RATE for shot in shots] == [0, 40]


def test_a_shot_tells_its_colour_and_how_fast_it_changes(tmp_path):
    red = np.full((90, 160, 3), (200, 30, 30), np.uint8)
    path = write_clip(tmp_path / "two.mp4", [*[red] * 30, *dissolve(0)[40:]])
    first, second = [event for event in decode_video(path) if isinstance(event, Shot)]
    assert np.abs(np.subtract(first.mean_rgb, (200, 30, 30))).max() < 6
    assert first.change_per_s is not None
    assert second.change_per_s is not None
    assert first.change_per_s < 2 < second.change_per_s
