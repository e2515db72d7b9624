"""Which media are learnt from and which are held out: decided by media, never by frame."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlops_assets.errors import InputError


@dataclass(frozen=True)
class Split:
    """Row numbers of the two sides.

    Args:
        train_idx: (T,) int64, ascending.
        held_out_idx: (H,) int64, ascending; no group is on both sides.
    """

    train_idx: np.ndarray
    held_out_idx: np.ndarray


def split_groups(
    groups: Sequence[str],
    labels: Sequence[str],
    *,
    held_out_share: float = 0.3,
    salt: str = "held-out",
) -> Split:
    """Split rows so that all rows of one group are on one side.

    A group's side depends on a hash of its name and the salt alone, so more data never move a group
    over, and a media once held out was never learnt from. The exceptions keep learning possible and
    are as few as can be: a class that would have no group to learn from gets one back, and if no
    group is held out, the nearest by hash is, unless a class would lose its only group.

    Args:
        groups: N names, such as media ids.
        labels: N labels.
        held_out_share: expected share of groups held out, between 0 and 1.
        salt: another salt gives an independent split.

    Returns:
        Row numbers of both sides. The held-out side is empty if each group is the only one of some
        class.

    Raises:
        InputError: `unequal_lengths`, there are not as many labels as groups.
    """
    if len(groups) != len(labels):
        raise InputError(
            f"{len(groups)} groups and {len(labels)} labels; expected as many",
            reason="unequal_lengths",
        )
    places = {group: _place(group, salt=salt) for group in set(groups)}
    held_out = {group for group, place in places.items() if place < held_out_share}
    held_out -= _needed(groups, labels, held_out, places)
    if not held_out:
        held_out = _nearest(groups, labels, places)
    is_held_out = np.array([group in held_out for group in groups], dtype=bool)
    return Split(np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out))


def _place(group: str, *, salt: str) -> float:
    """A number in [0, 1) that only name and salt decide."""
    digest = hashlib.blake2b(f"{salt}\0{group}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _needed(
    groups: Sequence[str], labels: Sequence[str], held_out: set[str], places: dict[str, float]
) -> set[str]:
    """For each class that is held out entirely, its group furthest from the held-out side."""
    by_label = _groups_by_label(groups, labels)
    return {max(own, key=places.__getitem__) for own in by_label if own <= held_out}


def _nearest(groups: Sequence[str], labels: Sequence[str], places: dict[str, float]) -> set[str]:
    """The group with the lowest place among those no class depends on, or nothing."""
    alone = {next(iter(own)) for own in _groups_by_label(groups, labels) if len(own) == 1}
    return set(sorted(set(places) - alone, key=places.__getitem__)[:1])


def _groups_by_label(groups: Sequence[str], labels: Sequence[str]) -> list[set[str]]:
    by_label: dict[str, set[str]] = {}
    for group, label in zip(groups, labels, strict=True):
        by_label.setdefault(label, set()).add(group)
    return list(by_label.values())
