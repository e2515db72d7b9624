"""What is usual for a source, and what is told apart from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.gates.bands import LEAST_HISTORY, expected_bands
from mlops_assets.gates.limits import Limits
from mlops_assets.gates.measures import MEASURES
from mlops_assets.gates.screening import Expectation, judge_measures, stated_limits, usual_languages

LIMITS = Limits()


def camera(
    count: int, *, seed: int = 1, nights: float = 0.0, tails: bool = False, **factors: float
):
    """Media of a stationary source: day or night, light and detail by chance, two resolutions."""
    rng = np.random.default_rng(seed)
    is_night = rng.random(count) < nights

    def about(day, night, spread):
        size = rng.standard_t(4, count) / np.sqrt(2) if tails else rng.normal(size=count)
        return np.where(is_night, night, day) * np.exp(spread * size)

    is_small = rng.random(count) < 0.1
    columns = {
        "brightness": np.clip(about(0.45, 0.1, 0.2), 0, 0.94),
        "contrast": np.clip(about(0.2, 0.15, 0.2), 0.02, 0.5),
        "sharpness": np.clip(about(300, 60, 0.4), 12, None),
        "clipped_dark": np.clip(about(0.02, 0.3, 0.5), 0, 0.69),
        "clipped_bright": rng.beta(0.5, 30, count),
        "noise": about(2, 6, 0.15),
        "blockiness": np.abs(rng.normal(0.04, 0.03, count)),
        "black_share": np.where(rng.random(count) < 0.05, 0.3 * rng.random(count), 0),
        "frozen_share": rng.beta(0.3, 6, count),
        "aspect": np.where(is_small, 4 / 3, 16 / 9),
        "short_side_px": np.where(is_small, 480.0, 1080.0),
        "rate_hz": np.where(is_small, 25.0, 30.0),
    }
    return {name: values * factors.get(name, 1) for name, values in columns.items()}


def share_found(history, media) -> float:
    expected = Expectation(LIMITS, bands=expected_bands(history))
    return len(judge_measures(media, expected)) / len(media["brightness"])


@pytest.mark.parametrize("nights", [0.0, 0.35])
@pytest.mark.parametrize("tails", [False, True])
@pytest.mark.parametrize("count", [100, 500])
def test_more_of_the_same_is_seldom_unusual(nights, tails, count):
    shares = [
        share_found(
            camera(count, seed=seed, nights=nights, tails=tails),
            camera(200, seed=seed + 1000, nights=nights, tails=tails),
        )
        for seed in range(40)
    ]
    assert np.mean(shares) <= 0.01


@pytest.mark.parametrize(
    ("factors", "least"),
    [
        ({"brightness": 0.25, "contrast": 0.25}, 0.9),
        ({"sharpness": 0.05}, 0.75),
        ({"noise": 4.0}, 0.95),
        ({"short_side_px": 0.3}, 0.85),
        ({"aspect": 1.6}, 0.85),
        ({"rate_hz": 0.3}, 0.95),
    ],
)
def test_a_camera_that_changed_is_found(factors, least):
    shares = [
        share_found(camera(200, seed=seed), camera(100, seed=seed + 1000, **factors))
        for seed in range(20)
    ]
    assert np.mean(shares) >= least


def test_a_band_is_told_of_what_is_known_of_enough_media():
    values = np.full(LEAST_HISTORY + 3, 0.4)
    values[:3] = np.nan
    (band,) = expected_bands({"brightness": values}).values()
    assert (band.count, band.median) == (LEAST_HISTORY, pytest.approx(0.4))
    values[3] = np.nan
    assert expected_bands({"brightness": values}) == {}
    assert expected_bands({}) == {}
    assert expected_bands({"brightness": np.empty(0)}) == {}


def test_a_few_oddities_in_the_history_do_not_hide_the_next():
    history = camera(200)
    history["brightness"][:3] = 0.011
    dark = {name: values[:1] for name, values in camera(1).items()} | {
        "brightness": np.array([0.06])
    }
    assert share_found(history, dark) == 1


def test_an_even_source_does_not_cry_at_nothing():
    history = {
        "brightness": np.full(100, 0.4),
        "noise": np.zeros(100),
        "black_share": np.zeros(100),
    }
    expected = Expectation(LIMITS, bands=expected_bands(history))
    media = {
        "brightness": np.array([0.42, 0.3, 0.1]),
        "noise": np.array([0.5, 0.0, 0.1]),
        "black_share": np.array([0.03, 0.0, 0.0]),
    }
    assert list(judge_measures(media, expected)) == [2]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1e4), min_size=LEAST_HISTORY, max_size=120), st.randoms())
def test_the_order_of_a_history_does_not_matter_and_its_middle_is_usual(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    for one in MEASURES:
        told = expected_bands({one.name: np.array(values)})
        assert told == expected_bands({one.name: np.array(shuffled)})
        band = told[one.name]
        assert band.low <= band.median <= band.high
        assert band.low <= np.quantile(values, 0.5) <= band.high


def night(count=100):
    return expected_bands({"brightness": np.full(count, 0.03)})


def test_a_default_gives_way_to_what_is_usual_and_a_stated_limit_does_not():
    dark = {"brightness": np.array([0.03])}
    limits, stated = stated_limits({"min_brightness": 0.04, "max_brightness": None})
    assert (limits.min_brightness, limits.max_brightness, stated) == (
        0.04,
        0.95,
        {"min_brightness"},
    )
    assert judge_measures(dark, Expectation(LIMITS))[0][0].code == "too_dark"
    assert judge_measures(dark, Expectation(LIMITS, bands=night())) == {}
    (found,) = judge_measures(dark, Expectation(limits, stated, night()))[0]
    assert found.message == "too dark: mean brightness 0.03; limit 0.04"


def test_a_history_moves_no_limit_beyond_the_hardest():
    bands = expected_bands({"brightness": np.full(100, 0.008)})
    found = judge_measures({"brightness": np.array([0.008])}, Expectation(LIMITS, bands=bands))
    assert found[0][0].message == "too dark: mean brightness 0.008; limit 0.01"


def test_less_of_a_defect_than_usual_is_nothing_to_tell():
    bands = expected_bands({"noise": np.full(100, 9.0), "sharpness": np.full(100, 900.0)})
    media = {"noise": np.array([0.1]), "sharpness": np.array([40.0])}
    (found,) = judge_measures(media, Expectation(LIMITS, bands=bands))[0]
    assert found.code == "unusual"
    assert found.message.startswith("unusual: sharpness 40; usually ")


def test_what_is_not_known_passes():
    media = {one.name: np.array([np.nan]) for one in MEASURES}
    assert judge_measures(media, Expectation(LIMITS, bands=night())) == {}
    assert judge_measures({}, Expectation(LIMITS)) == {}


def test_languages_of_a_history_are_shares_of_what_is_known():
    assert usual_languages(["de"] * 49 + [""] * 20) == {}
    assert usual_languages(["de"] * 45 + ["en"] * 5 + [""]) == {"de": 0.9, "en": 0.1}
