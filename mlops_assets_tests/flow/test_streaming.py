"""A stream of pictures gives the same motion in any batch, and never holds more than it says."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from mlops_assets.errors import ConfigurationError, InputError, ShapeError
from mlops_assets.flow import streaming
from mlops_assets.flow.solving import Solver
from mlops_assets.flow.streaming import StreamOptions, TimedPicture, stream_motion
from mlops_assets_tests.flow.scenes import grid, texture

RATE = Fraction(15)
OPTIONS = StreamOptions(Solver("dis", "fast"), batch_pairs=4)


def view(number, *, height=40, width=56, seed=7):
    """A camera that pans 2 px to the left a picture: the content goes right."""
    x, y = grid(height, width)
    return np.rint(texture(x - 2 * number, y, seed=seed)).astype(np.uint8)


def pictures(count, *, start=0, **more):
    return [
        TimedPicture(Fraction(start + number) / RATE, view(start + number, **more))
        for number in range(count)
    ]


def answers(given, options=OPTIONS):
    return list(stream_motion(given, options))


@pytest.fixture(scope="module")
def shots():
    """Five pictures of one scene, six of another, one of them twice."""
    first, second = pictures(5), pictures(6, start=5, seed=8)
    twice = replace(second[3], pixels=second[2].pixels)
    return [*first, *second[:3], twice, *second[4:]]


def test_a_pan_is_measured_pair_by_pair():
    found = answers(pictures(9))

    assert [one.time for one in found] == [Fraction(k, 15) for k in range(8)]
    assert [one.next_time for one in found] == [Fraction(k, 15) for k in range(1, 9)]
    for one in found:
        assert one.statistics.camera_dx_px == pytest.approx(2, abs=0.2)
        assert (one.size_px, one.backend, one.fallback_reason) == ((40, 56), "opencv-dis", None)
    assert [one.flags.is_trusted for one in found] == [True, *[None] * 7]


def test_cuts_and_duplicates_are_flagged(shots):
    found = answers(shots)

    assert [place for place, one in enumerate(found) if one.flags.is_cut] == [4]
    assert [place for place, one in enumerate(found) if one.flags.is_duplicate] == [7]


@pytest.mark.parametrize("batch_pairs", [1, 2, 3, 100])
def test_the_size_of_the_batch_changes_nothing(shots, batch_pairs):
    assert answers(shots, replace(OPTIONS, batch_pairs=batch_pairs)) == answers(shots)


def test_a_checked_share_and_quality_are_solved_backward():
    def checked(options):
        found = answers(pictures(8), options)
        return [n for n, one in enumerate(found) if one.statistics.fb_fail_share is not None]

    assert checked(replace(OPTIONS, check_every=3)) == [0, 3, 6]
    assert checked(replace(OPTIONS, check_every=0)) == []
    quality = replace(OPTIONS, solver=Solver("dis", "quality"), check_every=0)
    assert checked(quality) == list(range(7))


def test_an_answer_comes_when_its_batch_is_full():
    """Latency: at most `batch_pairs - 1` pictures after the second one of a pair."""
    read: list[int] = []

    def source() -> Iterator[TimedPicture]:
        for number, picture in enumerate(pictures(12)):
            read.append(number)
            yield picture

    stream = stream_motion(source(), OPTIONS)
    read_before = [(next(stream), len(read))[1] for _ in range(11)]

    assert read_before == [5, 5, 5, 5, 9, 9, 9, 9, 12, 12, 12]


def test_there_is_no_pair_across_a_gap_a_restart_or_a_change_of_size():
    first, after_gap = pictures(3), pictures(3, start=40)
    other_size, restarted = pictures(2, start=43, height=48), pictures(2, height=48)

    found = answers([*first, *after_gap, *other_size, *restarted])

    ticks = [(int(one.time * RATE), int(one.next_time * RATE)) for one in found]
    assert ticks == [(0, 1), (1, 2), (40, 41), (41, 42), (43, 44), (0, 1)]
    assert [one.size_px[0] for one in found] == [40] * 4 + [48] * 2


def test_a_gap_answers_at_once_what_waits():
    stream = stream_motion(iter([*pictures(3), *pictures(1, start=99)]), OPTIONS)

    assert [one.time for one in stream] == [Fraction(0), Fraction(1, 15)]


@pytest.mark.parametrize("count", [0, 1])
def test_no_pair_no_answer(count):
    assert answers(pictures(count)) == []


def test_large_colour_pictures_are_measured_reduced():
    colour = [
        replace(one, pixels=np.repeat(one.pixels[..., None], 3, axis=2))
        for one in pictures(3, height=80, width=112)
    ]

    found = answers(colour, replace(OPTIONS, max_side_px=56))

    assert [one.size_px for one in found] == [(40, 56)] * 2
    assert found[0].statistics.camera_dx_px == pytest.approx(1, abs=0.2)


def test_a_caller_may_use_one_buffer_for_all_pictures():
    buffer = np.empty((40, 56), np.uint8)

    def source() -> Iterator[TimedPicture]:
        for number in range(6):
            buffer[:] = view(number)
            yield TimedPicture(Fraction(number) / RATE, buffer)

    assert answers(source()) == answers(pictures(6))


def test_of_thousands_of_pictures_few_are_ever_held(monkeypatch: pytest.MonkeyPatch):
    """At once: those of a batch and one, the one being read, and the one given next."""
    alive: weakref.WeakSet[TimedPicture] = weakref.WeakSet()
    most = 0

    class Counted(TimedPicture):
        def __init__(self, time, pixels):
            nonlocal most
            super().__init__(time, pixels)
            alive.add(self)
            most = max(most, len(alive))

    def source() -> Iterator[TimedPicture]:
        for number in range(2000):
            pixels = np.full((8, 8), number % 2, np.uint8)
            yield Counted(Fraction(number) / RATE, pixels)

    monkeypatch.setattr(streaming, "TimedPicture", Counted)  # what is held counts as well
    count = sum(1 for _ in stream_motion(source(), replace(OPTIONS, check_every=0)))

    assert count == 1999
    assert OPTIONS.batch_pairs < most <= OPTIONS.batch_pairs + 1 + 2


@pytest.mark.parametrize(
    "wrong", [{"batch_pairs": 0}, {"check_every": -1}, {"max_gap": Fraction(0)}]
)
def test_an_impossible_option_is_refused(wrong):
    with pytest.raises(InputError) as error:
        answers(pictures(2), replace(OPTIONS, **wrong))
    assert error.value.reason == "bad_option"


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((40, 56), np.float32),
        np.zeros((40, 56, 4), np.uint8),
        np.zeros(40, np.uint8),
        np.zeros((7, 56), np.uint8),
        np.zeros((8, 4000), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(pixels):
    with pytest.raises(ShapeError):
        answers([TimedPicture(Fraction(0), pixels)])


def test_a_method_that_cannot_run_is_told():
    with pytest.raises(ConfigurationError):
        answers(pictures(2), replace(OPTIONS, solver=Solver("none")))
