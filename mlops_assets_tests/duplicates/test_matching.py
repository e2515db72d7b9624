"""Changed pictures and cut clips are told from other things at the same place."""

from __future__ import annotations

import numpy as np
import pytest

from mlops_assets.duplicates import Seen, find_match
from mlops_assets.duplicates.likeness import unlikeness
from mlops_assets.duplicates.matching import UNLIKE
from mlops_assets.media.looks import look_at
from mlops_assets_tests.duplicates.rendered import (
    jpeg_again,
    panned,
    picture,
    resized,
    seen,
    with_object,
)

CHANGES = {
    "resized": lambda one: resized(one, (91, 77)),
    "re-encoded": lambda one: jpeg_again(one, 12),
    "cropped, centre": lambda one: one[5:-4, 6:-6],
    "cropped, corner": lambda one: one[9:, 12:],
    "cropped, side": lambda one: one[:, :-12],
    "brighter": lambda one: np.clip(one * 1.2 + 10, 0, 255).astype(np.uint8),
    "darker": lambda one: (one * 0.5).astype(np.uint8),
    "gamma": lambda one: (255 * (one / 255) ** 0.7).astype(np.uint8),
}
NOTHING = Seen(np.empty(0), np.empty((0, 2), np.uint64), np.empty((0, 32, 32), np.uint8))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("seed", range(4))
def test_a_changed_picture_matches_both_ways(seed, change):
    one = picture(seed)
    for later, earlier in ((change(one), one), (one, change(one))):
        match = find_match(seen(later), seen(earlier))
        assert match is not None
        assert (match.kind, match.share, match.offset_s) == ("image-image", 1.0, 0.0)


@pytest.mark.parametrize("seed", range(8))
def test_something_else_at_the_same_place_does_not_match(seed):
    place = picture(seed)
    one, other = seen(with_object(place, 20, 30)), seen(with_object(place, 150, 90))
    assert find_match(one, other) is None
    assert find_match(seen(place), one) is None


def test_pictures_of_different_things_do_not_match():
    pictures = [seen(picture(seed)) for seed in range(30)]
    pairs = [(a, b) for at, a in enumerate(pictures) for b in pictures[:at]]
    assert [find_match(a, b) for a, b in pairs] == [None] * len(pairs)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_and_sloping_pictures_match_nothing_not_even_themselves(level):
    flat = np.full((60, 80, 3), level, np.uint8)
    slope = np.broadcast_to(np.linspace(0, 200, 80)[None, :, None], (60, 80, 3)).astype(np.uint8)
    for dull in (seen(flat), seen(slope), seen(flat, flat, flat), NOTHING):
        for other in (dull, seen(picture(1)), seen(*panned(1, 8)), seen(slope), NOTHING):
            assert find_match(dull, other) is None
            assert find_match(other, dull) is None


def test_a_cut_out_of_a_clip_is_found_where_it_was():
    whole = panned(3, 48)
    cut = [jpeg_again(one, 30) for one in whole[13:31]]
    match = find_match(seen(*cut), seen(*whole))
    assert match is not None
    assert match.kind == "clip-clip"
    assert match.offset_s == pytest.approx(13 * 0.25)
    assert match.length_s == pytest.approx(18 * 0.25)
    assert match.share == 1
    turned = find_match(seen(*whole), seen(*cut))
    assert turned is not None
    assert turned.offset_s == pytest.approx(-13 * 0.25)
    assert turned.share == pytest.approx(18 / 48, abs=0.05)


def test_a_cut_that_starts_between_two_looks_is_found():
    fine = panned(4, 240, step_px=1)
    whole, cut = fine[::5], fine[62:180:5]
    match = find_match(seen(*cut), seen(*whole))
    assert match is not None
    assert match.offset_s == pytest.approx(62 / 20, abs=0.13)


def test_a_clip_spliced_out_of_two_matches_each_by_its_share():
    one, other = panned(5, 24), panned(6, 24)
    spliced = seen(*one[4:20], *other[:8])
    first, second = find_match(spliced, seen(*one)), find_match(spliced, seen(*other))
    assert first is not None
    assert second is not None
    assert (first.share, second.share) == (pytest.approx(16 / 24), pytest.approx(8 / 24))


def test_a_likeness_for_a_moment_is_no_match():
    one, other = panned(11, 20), panned(12, 20)
    assert find_match(seen(*one, *other[3:6]), seen(*other)) is None
    assert find_match(seen(one[0], *other[:2], *panned(13, 20)), seen(one[0], *other)) is None


def test_a_frame_of_a_clip_is_found_at_its_time_and_the_other_way_round():
    clip = panned(7, 40)
    still = resized(clip[26], (120, 90))
    match = find_match(seen(still), seen(*clip))
    assert match is not None
    assert (match.kind, match.share) == ("picture-in-clip", 1.0)
    assert match.offset_s == pytest.approx(26 * 0.25, abs=0.3)
    later = find_match(seen(*clip), seen(still))
    assert later is not None
    assert (later.share, later.offset_s) == (pytest.approx(1 / 40), -match.offset_s)


def test_another_object_moving_through_the_same_place_is_another_clip():
    place = picture(9)
    one = [with_object(place, 4 * number, 20) for number in range(24)]
    other = [with_object(place, 180 - 4 * number, 110, side=60) for number in range(24)]
    assert find_match(seen(*one), seen(*one[5:20])) is not None
    assert find_match(seen(*one), seen(*other)) is None
    assert find_match(seen(other[4]), seen(*one)) is None


def test_what_moves_between_two_looks_is_no_difference():
    place = picture(10)
    looks = [look_at(with_object(place, x, 60)) for x in (20, 40, 30)]
    between = np.stack([looks[2]])
    assert unlikeness(between, looks[0][None]) > UNLIKE
    assert unlikeness(between, np.stack(looks[:2])) < UNLIKE
