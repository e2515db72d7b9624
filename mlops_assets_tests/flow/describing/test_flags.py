"""Cut, duplicate, trusted: yes, no, or not known."""

import dataclasses

import numpy as np
import pytest

from mlops_assets.flow import dense_flow, describe_flow
from mlops_assets.flow.describing.flags import Flags, flags_of, looks_wrong
from mlops_assets.flow.describing.statistics import with_round_trip
from mlops_assets_tests.flow.scenes import translated_pair, uniform_flow


def solved(first, second):
    pair = np.stack([first, second])[np.newaxis]
    forward, backward = (
        dense_flow(part, backend="opencv-dis").flow[0] for part in (pair, pair[:, ::-1])
    )
    found = describe_flow(forward, first, second, interval_s=0.1)
    return found, with_round_trip(found, forward, backward)


def test_a_plain_pair_is_no_cut_and_is_trusted_once_it_is_checked():
    unchecked, checked = solved(*translated_pair(96, 128, 3, 1))

    assert not looks_wrong(unchecked)
    assert flags_of(unchecked) == Flags(is_cut=False, is_duplicate=False, is_trusted=None)
    assert flags_of(checked) == Flags(is_cut=False, is_duplicate=False, is_trusted=True)


def test_two_scenes_are_a_cut():
    first, _ = translated_pair(96, 128, 0, 0, seed=1)
    second, _ = translated_pair(96, 128, 0, 0, seed=2)
    unchecked, checked = solved(first, second)

    assert looks_wrong(unchecked)
    assert flags_of(unchecked) == Flags(is_cut=True, is_duplicate=False, is_trusted=None)
    assert flags_of(checked) == Flags(is_cut=True, is_duplicate=False, is_trusted=False)


def test_two_scenes_of_like_brightness_are_a_cut_once_it_is_checked():
    first, second = (translated_pair(96, 128, 0, 0, seed=seed)[0] // 4 for seed in (1, 2))
    unchecked, checked = solved(first, second)

    assert unchecked.photo_mae is not None
    assert 8 < unchecked.photo_mae < 25
    assert flags_of(unchecked).is_cut is None
    assert flags_of(checked).is_cut is True


def test_the_same_picture_again_is_a_duplicate_and_needs_no_check():
    first, _ = translated_pair(96, 128, 0, 0)
    unchecked, checked = solved(first, first)

    assert flags_of(unchecked) == Flags(is_cut=False, is_duplicate=True, is_trusted=True)
    assert flags_of(checked) == flags_of(unchecked)


def test_a_picture_that_gets_brighter_is_neither_cut_nor_duplicate():
    first = translated_pair(96, 128, 0, 0)[0] // 2
    still = describe_flow(uniform_flow(96, 128, 0, 0), first, first + 30, interval_s=0.1)

    flags = flags_of(dataclasses.replace(still, fb_fail_share=0.9))

    assert still.photo_mae == pytest.approx(30)
    assert looks_wrong(still)
    assert flags == Flags(is_cut=False, is_duplicate=False, is_trusted=False)


def test_what_is_usual_in_a_clip_sharpens_the_look():
    first, second = translated_pair(96, 128, 2, 0)
    found = describe_flow(uniform_flow(96, 128, 1, 0), first, second, interval_s=0.1)
    assert found.photo_mae is not None
    dull = dataclasses.replace(found, photo_mae=3.0, census_mae=0.2)

    assert not looks_wrong(dull)
    assert looks_wrong(dull, usual_photo_mae=0.5)
    assert not looks_wrong(dull, usual_photo_mae=1.0)
    assert not looks_wrong(dataclasses.replace(dull, photo_mae=1.9), usual_photo_mae=0.01)
    assert looks_wrong(dataclasses.replace(dull, photo_mae=9.0), usual_photo_mae=50.0)


def test_flow_out_of_the_frame_looks_wrong():
    first, second = translated_pair(96, 128, 0, 0)
    found = describe_flow(uniform_flow(96, 128, 500, 0), first, second, interval_s=0.1)

    assert looks_wrong(found)
    assert flags_of(found).is_cut is None


@pytest.mark.parametrize(("share", "trusted"), [(0.0, True), (0.1, True), (0.11, False)])
def test_one_pixel_in_ten_may_fail(share, trusted):
    found, _ = solved(*translated_pair(96, 128, 1, 0))

    assert flags_of(dataclasses.replace(found, fb_fail_share=share)).is_trusted is trusted
