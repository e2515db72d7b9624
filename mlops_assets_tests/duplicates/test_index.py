"""The index finds exactly what comparing everything with everything finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlops_assets.duplicates import HashIndex
from mlops_assets.duplicates import index as module
from mlops_assets.duplicates.index import distances, telling_changes
from mlops_assets.errors import ShapeError


def hashes(rows):
    """Pairs that lie near each other: few bits of a few bytes are set."""
    bits = st.sampled_from([0, 1, 3, 0xFF, 0xFF00, 0xFFFF00FF, 2**63, 2**64 - 1])
    return arrays.arrays(np.uint64, (rows, 2), elements=bits)


lists = st.lists(st.integers(0, 5).flatmap(hashes), max_size=6)


@given(lists, st.integers(0, 4).flatmap(hashes), st.integers(0, 64), st.integers(0, 3))
def test_it_finds_what_comparing_all_finds(owners, asked, most_bits, since):
    index = HashIndex()
    numbers = [index.add(one) for one in owners]
    found = index.near(asked, most_bits=most_bits, since=since)
    expected = []
    for number, one in zip(numbers, owners, strict=True):
        bits = distances(asked, one[telling_changes(one)])
        near = bits <= min(most_bits, 64)
        if number >= since and near.any():
            closest = bits.min(axis=1)[near.any(axis=1)].astype(int)
            told = (int(closest.min()), len(closest), int((most_bits + 1 - closest).sum()))
            expected.append((number, *told))
    columns = (found.owner, found.bits, found.looks, found.closeness)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected


def test_blocks_do_not_show(monkeypatch):
    rng = np.random.default_rng(1)
    owners = [rng.integers(1, 2**64, (count, 2), np.uint64) for count in (3, 40, 1, 0, 7, 7)]
    asked = rng.integers(1, 2**64, (5, 2), np.uint64)
    answers = []
    for block in (1, 8, 1000):
        monkeypatch.setattr(module, "_BLOCK", block)
        index = HashIndex(
            _hashes=np.empty((2, 1), np.uint64), _starts=np.zeros(2, np.int64)
        )  # grows
        for one in owners:
            index.add(one)
        found = index.near(asked, most_bits=28)
        answers.append(np.stack([found.owner, found.bits, found.looks, found.closeness]).tolist())
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0]


def test_looks_that_say_nothing_or_repeat_are_not_kept():
    ones = np.array([[0, 0], [15, 1], [15, 2], [7, 3], [255, 4], [0, 0], [254, 5]], np.uint64)
    assert telling_changes(ones).tolist() == [1, 4]
    index = HashIndex()
    assert index.of(index.add(ones)).tolist() == [[15, 1], [255, 4]]
    assert index.near(np.zeros((2, 2), np.uint64), most_bits=64).owner.tolist() == []


def test_the_inner_hash_of_one_meets_the_whole_of_the_other():
    whole = np.array([[0xF0F0F0F0, 0xFFFF0000FFFF]], np.uint64)
    cropped = np.array([[0xFFFF0000FFFF, 0x123456789ABCDEF]], np.uint64)
    for stored, asked in ((whole, cropped), (cropped, whole)):
        index = HashIndex()
        index.add(stored)
        assert index.near(asked, most_bits=0).bits.tolist() == [0]


def test_hashes_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match="expected \\(n, 2\\) uint64"):
        HashIndex().add(np.zeros((3, 2), np.int64))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ShapeError):
        HashIndex().near(np.zeros(3, np.uint64), most_bits=3)
