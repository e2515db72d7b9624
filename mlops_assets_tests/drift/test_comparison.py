from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.drift import (
    Comparison,
    Thresholds,
    compare_profiles,
    distribution_picture,
    profile_columns,
)
from mlops_assets.drift.comparison import compare_summaries
from mlops_assets.drift.whylogs_bridge import ColumnSummary
from mlops_assets.errors import InputError

SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "bimodal": lambda rng, n: rng.normal(size=n) + 4 * rng.integers(0, 2, size=n),
    "counts": lambda rng, n: rng.poisson(2.0, size=n).astype(float),
}


def _profile(values: object) -> bytes:
    return profile_columns(pl.DataFrame({"x": values}, strict=False))["x"].payload


def _compare(current: object, reference: object, **limits: float) -> Comparison:
    thresholds = Thresholds(**limits)  # pyright: ignore[reportArgumentType]
    return compare_profiles(_profile(current), _profile(reference), thresholds=thresholds)


def _summary(values: np.ndarray) -> ColumnSummary:
    """What the profile of a small complete column says, without the detour through its bytes."""
    numeric = values.dtype.kind == "f"
    kept, weights = np.sort(values), np.ones(len(values), dtype=np.int64)
    names, counts = np.unique(values, return_counts=True)
    return ColumnSummary(
        feature="x",
        kind="numeric" if numeric else "categorical",
        count=len(values),
        missing=0,
        mean=float(values.mean()) if numeric else float("nan"),
        stddev=float(values.std(ddof=1)) if numeric else float("nan"),
        minimum=float(values.min()) if numeric else float("nan"),
        maximum=float(values.max()) if numeric else float("nan"),
        values=kept if numeric else np.empty(0),
        weights=weights if numeric else np.empty(0, dtype=np.int64),
        categories={} if numeric else dict(zip(names.tolist(), counts.tolist(), strict=True)),
    )


def _severity(current: np.ndarray, reference: np.ndarray) -> str:
    limits = Thresholds()
    return compare_summaries(_summary(current), _summary(reference), limits=limits).severity


@pytest.mark.parametrize("values", [np.arange(30.0) ** 2, np.array(list("abcab" * 6))])
def test_the_simulated_profiles_are_the_stored_ones(values: np.ndarray) -> None:
    found = compare_summaries(_summary(values), _summary(values[::2]), limits=Thresholds())
    assert found == _compare(values, values[::2])


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(("size", "tolerance"), [(60, 1e-9), (9_000, 2e-3)])
def test_distances_from_profiles_equal_scipy_on_the_raw_values(
    name: str, size: int, tolerance: float
) -> None:
    from scipy import stats

    rng = np.random.default_rng(size)
    current, reference = SHAPES[name](rng, size) + 0.3, SHAPES[name](rng, size)
    found = _compare(current, reference)
    assert found.ks == pytest.approx(stats.ks_2samp(current, reference)[0], abs=tolerance)
    expected = stats.wasserstein_distance(current, reference)
    assert found.wasserstein == pytest.approx(expected, abs=5 * tolerance)
    shift = (current.mean() - reference.mean()) / reference.std(ddof=1)
    assert found.mean_shift == pytest.approx(shift)


def test_psi_and_hellinger_equal_the_histograms_of_the_raw_values() -> None:
    rng = np.random.default_rng(5)
    current, reference = rng.normal(0.5, 1, 500), rng.normal(0, 1, 800)
    edges = np.quantile(reference, np.arange(1, 11) / 10, method="inverted_cdf")
    bins = [-np.inf, np.nextafter(reference.min(), -np.inf), *edges, np.inf]
    pairs = list(pairwise(bins))
    now = np.array([((current > low) & (current <= high)).sum() for low, high in pairs])
    before = np.array([((reference > low) & (reference <= high)).sum() for low, high in pairs])
    p, q = (now + 0.5) / (500 + 6), (before + 0.5) / (800 + 6)
    found = _compare(current, reference)
    assert found.psi == pytest.approx(((p - q) * np.log(p / q)).sum())
    overlap = np.sqrt(now / 500 * before / 800).sum()
    assert found.hellinger == pytest.approx(np.sqrt(1 - overlap))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(-10, 10))
def test_distances_are_never_negative_and_zero_on_equal_profiles(
    values: list[float], shift: float
) -> None:
    same = _compare(values, values[::-1])
    assert same.ks == same.wasserstein == same.psi == same.hellinger == 0
    assert same.severity in {"none", "unknown"}
    other = _compare([value * 2 + shift for value in values], values)
    assert min(other.ks or 0, other.wasserstein or 0, other.psi or 0, other.hellinger or 0) >= 0


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("size", [30, 100])
def test_two_halves_of_one_distribution_are_flagged_in_at_most_two_percent(
    name: str, size: int
) -> None:
    rng = np.random.default_rng([size, 11])
    draws = [SHAPES[name](rng, 2 * size) for _ in range(1_500)]
    flagged = [_severity(draw[:size], draw[size:]) != "none" for draw in draws]
    assert np.mean(flagged) <= 0.02


@pytest.mark.parametrize("name", SHAPES)
def test_a_shift_of_one_standard_deviation_is_seen_in_forty_values(name: str) -> None:
    rng = np.random.default_rng(12)
    deviation = SHAPES[name](rng, 100_000).std()
    draws = [SHAPES[name](rng, 80) for _ in range(1_500)]
    found = [_severity(draw[:40] + deviation, draw[40:]) == "drift" for draw in draws]
    assert np.mean(found) >= 0.95


def test_halves_of_a_categorical_column_agree_and_a_new_mix_is_drift() -> None:
    rng = np.random.default_rng(13)
    mix, other = [0.5, 0.3, 0.15, 0.05], [0.2, 0.2, 0.2, 0.4]
    draws = [rng.choice(list("abcd"), size=100, p=mix) for _ in range(1_500)]
    flagged = [_severity(draw[:50], draw[50:]) != "none" for draw in draws]
    assert np.mean(flagged) <= 0.02
    found = _compare(rng.choice(list("abcd"), size=100, p=other), draws[0])
    assert (found.severity, found.measure, found.ks) == ("drift", "hellinger", None)


def test_frames_of_one_media_count_as_one_when_chance_is_judged() -> None:
    rng = np.random.default_rng(14)
    current, reference = (np.repeat(rng.normal(size=30), 20) for _ in range(2))
    assert _compare(current, reference, values_per_unit=20).severity == "none"


@pytest.mark.parametrize(("count", "severity"), [(19, "unknown"), (20, "drift")])
def test_too_few_values_are_unknown(count: int, severity: str) -> None:
    found = _compare(np.arange(count) + 1e4, np.arange(50.0))
    assert found.severity == severity
    assert ("too few" in found.message) == (severity == "unknown")


def test_constants_and_empty_columns_have_a_verdict() -> None:
    constant = [0.1] * 30
    assert _compare(constant, constant).severity == "none"
    changed = _compare([0.2] * 30, constant)
    assert (changed.severity, changed.measure, changed.mean_shift) == ("drift", "ks", None)
    empty = _compare(np.empty(0), constant)
    assert (empty.severity, empty.ks, empty.distance) == ("unknown", None, None)


def test_values_that_vanish_are_drift() -> None:
    values = np.arange(40.0).tolist()
    found = _compare([None] * 40 + [1.0], values)
    assert (found.severity, found.measure) == ("drift", "missing")
    assert found.missing_shift == pytest.approx(40 / 41)


def test_numbers_are_not_compared_with_categories() -> None:
    with pytest.raises(InputError, match="categorical"):
        _compare([1.0], ["a"])


@pytest.mark.parametrize("values", [[1.0, 2.0, 4.0], [3.0] * 5, ["a", "b$"], [None, 1.0]])
def test_a_picture_is_a_png_and_the_same_twice(values: list[object]) -> None:
    pictures = [
        distribution_picture(_profile(values), _profile(values[:1]), feature="flow.$x_px")
        for _ in range(2)
    ]
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(b"\x89PNG")
    assert distribution_picture(_profile(values), None, feature="x") != pictures[0]
