from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.drift.sketch import CAPACITY, pack_sketch, thin_values, unpack_sketch
from mlops_assets.errors import InputError

numbers = st.floats(-1e6, 1e6)


def _ones(count: int) -> np.ndarray:
    return np.ones(count, dtype=np.int64)


@settings(max_examples=30, deadline=None)
@given(st.lists(numbers, max_size=60))
def test_a_small_sketch_returns_every_value(values: list[float]) -> None:
    read, weights = unpack_sketch(pack_sketch(np.array(values), _ones(len(values))))
    assert read.tolist() == sorted(values)
    assert weights.tolist() == [1] * len(values)


@pytest.mark.parametrize("count", [1_024, 1_025, 5_000, 300_001])
def test_a_large_sketch_keeps_the_total_and_every_rank_within_a_thousandth(count: int) -> None:
    values = np.random.default_rng(count).lognormal(size=count)
    kept, weights = thin_values(values, _ones(count))
    assert weights.sum() == count
    assert len(kept) <= CAPACITY + 20
    shares = np.searchsorted(np.sort(values), kept, side="right") / count
    assert np.abs(shares - (np.cumsum(weights) - weights / 2) / count).max() < 1 / 1_000


@pytest.mark.parametrize("count", [0, 1, 2, 1_024, 1_025, 40_000])
def test_the_library_behind_whylogs_reads_the_same_numbers(count: int) -> None:
    import whylogs_sketching

    values = np.random.default_rng(count).normal(size=count)
    payload = pack_sketch(values, _ones(count))
    theirs = whylogs_sketching.kll_doubles_sketch.deserialize(payload)
    assert theirs.get_n() == count
    if count:
        assert (theirs.get_min_value(), theirs.get_max_value()) == (values.min(), values.max())
        middle = np.searchsorted(np.sort(values), theirs.get_quantile(0.5)) / count
        assert middle == pytest.approx(0.5, abs=max(1 / count, 0.002))


@pytest.mark.parametrize("count", [1, 700, 20_000])
def test_a_sketch_the_library_wrote_is_read(count: int) -> None:
    import whylogs_sketching

    theirs = whylogs_sketching.kll_doubles_sketch(CAPACITY)
    for value in range(count):
        theirs.update(float(value))
    values, weights = unpack_sketch(theirs.serialize())
    assert weights.sum() == count
    assert (values * weights).sum() / count == pytest.approx((count - 1) / 2, rel=0.02)


def test_a_cut_sketch_is_an_input_error() -> None:
    payload = pack_sketch(np.arange(9.0), _ones(9))
    with pytest.raises(InputError, match="damaged"):
        unpack_sketch(payload[:21])
