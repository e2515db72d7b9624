"""Fingerprints are equal everywhere and for ever, and different where the rows are."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import InternalError
from mlops_assets.rows.fingerprints import combine, digest, fingerprint, mix

SCHEMA: dict[str, pl.DataType] = {
    "text": pl.String(),
    "count": pl.Int64(),
    "share": pl.Float64(),
    "blob": pl.Binary(),
    "flag": pl.Boolean(),
    "at": pl.Datetime("us", "UTC"),
    "day": pl.Date(),
    "vector": pl.List(pl.Float32()),
    "tags": pl.List(pl.String()),
}
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(max_size=8)
floats32 = st.floats(width=32, allow_nan=False)
rows = st.fixed_dictionaries(
    {
        "text": st.none() | texts,
        "count": st.none() | st.integers(-(2**63), 2**63 - 1),
        "share": st.none() | st.floats(),
        "blob": st.none() | st.binary(max_size=8),
        "flag": st.none() | st.booleans(),
        "at": st.none() | moments,
        "day": st.none() | st.dates(),
        "vector": st.none() | st.lists(floats32, max_size=4),
        "tags": st.none() | st.lists(st.none() | texts, max_size=3),
    }
)
quick = settings(max_examples=60, deadline=None)


def frame(*listed: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(listed), schema=SCHEMA)


def one(**values: Any) -> int:
    columns = {name: pl.Series(name, [value], SCHEMA[name]) for name, value in values.items()}
    return fingerprint(pl.DataFrame(columns), values)[0]


@pytest.mark.parametrize(
    ("values", "golden"),
    [
        ({"text": "a line"}, -8558969424514006057),
        ({"text": ""}, 589204728484252212),
        ({"count": 7}, 2258025449426041915),
        ({"share": 0.1}, -2215602205724272948),
        ({"share": math.nan}, 9201129815614121870),
        ({"blob": b"\x00\xff"}, 1572368927939958874),
        ({"flag": True}, -5062228434965208156),
        ({"at": datetime(2026, 11, 20, 12, tzinfo=UTC)}, 1782053683374411103),
        ({"day": date(2026, 11, 20)}, -4694818425365627815),
        ({"vector": [0.5, -1.5]}, -606667702751457632),
        ({"tags": ["a", None, "b"]}, -119680845164517426),
        ({"text": "é 日本", "count": -1, "share": 1e300}, 7128413768410751279),
    ],
)
def test_fingerprints_are_those_of_the_first_release(values, golden):
    """Made by release 0.1; another value here makes every row of every lake due."""
    assert one(**values) == golden


def test_combined_and_digested_fingerprints_are_those_of_the_first_release():
    parts = [pl.Series([1, None]), pl.Series([-5, 7])]
    assert combine(parts).to_list() == [-3542430126010469400, 7259628554680249319]
    assert digest(pl.Series([1, -5, 7])) == 830873974412569850


def test_numbers_are_mixed_as_by_the_reference():
    """The first outputs of SplitMix64 from seed 1234567 (Vigna's splitmix64.c, 2015)."""
    step = 0x9E3779B97F4A7C15
    seeds = np.array([1234567 + step * i & 0xFFFFFFFFFFFFFFFF for i in range(3)], np.uint64)
    outputs = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert mix(seeds).tolist() == outputs


@quick
@given(row=rows)
def test_a_null_adds_nothing(row):
    given_columns = [name for name, value in row.items() if value is not None]
    assert fingerprint(frame(row), SCHEMA)[0] == fingerprint(frame(row), given_columns)[0]


@quick
@given(row=rows, order=st.permutations(list(SCHEMA)))
def test_the_order_of_columns_does_not_matter(row, order):
    assert fingerprint(frame(row), SCHEMA)[0] == fingerprint(frame(row).select(order), order)[0]


@quick
@given(listed=st.lists(rows, min_size=1, max_size=5))
def test_a_row_has_the_same_fingerprint_among_any_others(listed):
    alone = [fingerprint(frame(row), SCHEMA)[0] for row in listed]
    assert fingerprint(frame(*listed), SCHEMA).to_list() == alone


@quick
@given(first=rows, second=rows)
def test_different_rows_differ_and_equal_rows_do_not(first, second):
    same = all(_equal(first[name], second[name]) for name in SCHEMA)
    assert (fingerprint(frame(first), SCHEMA)[0] == fingerprint(frame(second), SCHEMA)[0]) == same


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other


@quick
@given(fingerprints=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6), chance=st.randoms())
def test_a_digest_does_not_depend_on_the_order_of_rows(fingerprints, chance):
    shuffled = fingerprints[:]
    chance.shuffle(shuffled)
    numbers = [pl.Series(some, dtype=pl.Int64) for some in (fingerprints, shuffled)]
    assert digest(numbers[0]) == digest(numbers[1])


def test_minus_zero_is_zero_and_every_nan_is_one():
    assert one(share=-0.0) == one(share=0.0)
    assert one(vector=[-0.0]) == one(vector=[0.0])
    odd = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]
    assert one(share=float(odd)) == one(share=math.nan) == one(share=-math.nan)


def test_a_null_in_a_list_is_neither_zero_nor_nothing():
    assert len({one(tags=[]), one(tags=[None]), one(tags=[""]), one(tags=[None, None])}) == 4
    assert one(vector=[0.0]) != one(vector=[None])


def test_neighbouring_lists_do_not_run_into_each_other():
    split = [
        frame({"tags": ["a", "b"]}, {"tags": ["c"]}),
        frame({"tags": ["a"]}, {"tags": ["b", "c"]}),
    ]
    made = [fingerprint(some, ["tags"]).to_list() for some in split]
    assert len({*made[0], *made[1]}) == 4


def test_equal_values_in_other_columns_differ():
    other = pl.DataFrame({"words": ["a line"]})
    assert fingerprint(other, ["words"])[0] != one(text="a line")


def test_the_order_of_combined_parts_matters():
    first, second = pl.Series([1]), pl.Series([2])
    assert combine([first, second])[0] != combine([second, first])[0]


def test_no_rows_give_no_fingerprints():
    assert fingerprint(frame(), SCHEMA).to_list() == []
    assert digest(pl.Series([], dtype=pl.Int64)) == 0


def test_a_type_without_fingerprint_is_named():
    odd = pl.DataFrame({"odd": [{"a": 1}]})
    with pytest.raises(InternalError, match="column odd: no fingerprint for Struct"):
        fingerprint(odd, ["odd"])
