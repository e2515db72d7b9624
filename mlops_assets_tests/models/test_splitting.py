from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.models import split_groups

names = st.lists(st.text("abcdef", min_size=1, max_size=3), max_size=30)


def _sides(groups: list[str], labels: list[str]) -> tuple[set[str], set[str]]:
    split = split_groups(groups, labels)
    return {groups[i] for i in split.train_idx}, {groups[i] for i in split.held_out_idx}


@settings(max_examples=60, deadline=None)
@given(names)
def test_every_row_is_on_one_side_and_no_group_on_both(groups: list[str]) -> None:
    labels = [group[0] for group in groups]
    split = split_groups(groups, labels)
    assert sorted([*split.train_idx, *split.held_out_idx]) == list(range(len(groups)))
    train, held_out = _sides(groups, labels)
    assert not train & held_out
    assert {group[0] for group in train} == set(labels)


def test_a_share_of_about_three_tenths_of_the_media_is_held_out() -> None:
    groups = [f"media-{i}" for i in range(2_000)]
    split = split_groups(groups, ["cat", "dog"] * 1_000)
    assert abs(len(split.held_out_idx) / 2_000 - 0.3) < 0.04


def test_more_media_move_none_over() -> None:
    groups = [f"media-{i}" for i in range(400)]
    labels = ["cat", "dog"] * 200
    _, early = _sides(groups[:100], labels[:100])
    _, late = _sides(groups, labels)
    assert early == late & set(groups[:100])


def test_both_sides_have_media_unless_a_class_would_lose_its_only_one() -> None:
    for seed in range(30):
        train, held_out = _sides([f"{seed}-a", f"{seed}-b", f"{seed}-c"], ["cat", "cat", "dog"])
        assert train
        assert held_out < {f"{seed}-a", f"{seed}-b"}
        assert len(held_out) == 1
    assert _sides(["a", "b"], ["cat", "dog"]) == ({"a", "b"}, set())


def test_another_salt_gives_another_split_and_no_rows_give_none() -> None:
    groups = [f"media-{i}" for i in range(60)]
    first, second = (
        split_groups(groups, ["cat"] * 60, salt=salt).held_out_idx for salt in ("one", "two")
    )
    assert not np.array_equal(first, second)
    assert len(split_groups([], []).train_idx) == 0
