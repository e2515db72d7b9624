"""Histograms add: in any order, any grouping, and to what the pooled pixels would give."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ShapeError
from mlops_assets.flow import describe_flow
from mlops_assets.flow.describing.histograms import (
    BINS,
    MAGNITUDE_EDGES,
    direction_entropy,
    magnitude_shares,
    merge_histograms,
)
from mlops_assets_tests.flow.scenes import uniform_flow

histograms = st.lists(st.lists(st.floats(0, 8), min_size=BINS, max_size=BINS), max_size=6)


def described(flow, *, diagonal_s=10.0):
    """Of a field, with an interval that makes its diagonals per second those of any other size."""
    flat = np.full(flow.shape[1:], 128, dtype=np.uint8)
    return describe_flow(flow, flat, flat, interval_s=diagonal_s / math.hypot(*flat.shape))


@settings(max_examples=50, deadline=None)
@given(histograms, histograms)
def test_merging_is_associative_and_knows_no_order(some, others):
    at_once = merge_histograms([*some, *others])

    np.testing.assert_allclose(merge_histograms([*others, *some][::-1]), at_once)
    parts = [merge_histograms(some).tolist(), merge_histograms(others).tolist()]
    np.testing.assert_allclose(merge_histograms(parts), at_once)
    assert at_once.sum() == pytest.approx(sum(map(sum, [*some, *others])))


def test_nothing_merges_to_nothing():
    assert merge_histograms([]).tolist() == [0.0] * BINS


def test_two_halves_of_a_picture_merge_to_twice_the_whole():
    rng = np.random.default_rng(3)
    whole = (rng.normal(0, 3, (2, 40, 60)) + np.array([4, 1])[:, None, None]).astype(np.float32)
    halves = [described(half) for half in (whole[:, :20], whole[:, 20:])]

    for name in ("magnitude_histogram", "direction_histogram"):
        merged = merge_histograms(getattr(half, name) for half in halves)
        np.testing.assert_allclose(merged / 2, getattr(described(whole), name), atol=1e-6)


def test_pairs_of_any_size_count_the_same_and_weigh_by_their_motion():
    fast, slow = described(uniform_flow(80, 120, 6, 0)), described(uniform_flow(20, 30, 0, 2))

    magnitudes = merge_histograms([fast.magnitude_histogram, slow.magnitude_histogram])
    directions = merge_histograms([fast.direction_histogram, slow.direction_histogram])

    assert magnitudes.sum() == pytest.approx(2)
    assert sorted(magnitudes[magnitudes > 0]) == pytest.approx([1, 1])
    assert directions[[0, 4]] / directions.sum() == pytest.approx([0.75, 0.25])


def test_a_bin_begins_at_its_edge():
    on_edges = np.array([0, *MAGNITUDE_EDGES], dtype=np.float32)

    assert magnitude_shares(on_edges, speed_per_px=1.0) == pytest.approx([1 / BINS] * BINS)
    assert magnitude_shares(on_edges[1:] * 0.999, speed_per_px=1.0)[-1] == 0


@pytest.mark.parametrize(
    ("used", "entropy"), [(0, None), (1, 0.0), (2, 0.25), (4, 0.5), (BINS, 1.0)]
)
def test_entropy_is_the_share_of_bits_used(used, entropy):
    assert direction_entropy([0.7] * used + [0.0] * (BINS - used)) == (
        entropy if entropy is None else pytest.approx(entropy)
    )


def test_another_number_of_bins_is_refused():
    with pytest.raises(ShapeError, match="15 bins; expected 16"):
        merge_histograms([[0.0] * 16, [0.0] * 15])
