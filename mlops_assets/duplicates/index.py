"""An index of perceptual hashes that grows, and finds all that differ in few bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ShapeError

Hashes = NDArray[np.uint64]
"""(n, 2): the hash of each look, and its hash without 5 % at the border."""

_BLOCK = 131_072
_SAME_BITS = 2


@dataclass(frozen=True, slots=True)
class Near:
    """The owners in the index that come near some looks; parallel arrays, by owner.

    Args:
        owner: as given to `add`.
        bits: least distance of a look of theirs, of 64.
        looks: how many of the looks asked about are near one of theirs.
        closeness: over those looks, the sum of how many bits nearer than need be.
    """

    owner: NDArray[np.int64]
    bits: NDArray[np.int64]
    looks: NDArray[np.int64]
    closeness: NDArray[np.int64]


@dataclass(slots=True)
class HashIndex:
    """Hashes with their owners, searched exhaustively: exact at any distance, 16 bytes a look.

    Crops and strong changes of contrast need a distance of 16 of 64 bits. At that distance tables
    of parts of a hash have to look at a sixth of all of them, in random order: counting the bits of
    all of them, in blocks that stay in the processor's cache, is quicker, and needs no library.
    """

    size: int = 0
    owners: int = 0
    _hashes: Hashes = field(default_factory=lambda: np.empty((2, _BLOCK), np.uint64))
    _starts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BLOCK, np.int64))

    def add(self, hashes: Hashes) -> int:
        """Add the looks of one more owner; those that say nothing or repeat the last are left out.

        Args:
            hashes: (n, 2), in order of time, 0 where a look says nothing.

        Returns:
            The owner's number: how many came before.

        Raises:
            ShapeError: the hashes are not of that shape.
        """
        kept = hashes[telling_changes(hashes)]
        end = self.size + len(kept)
        if end > self._hashes.shape[1]:
            room = max(end, 2 * self._hashes.shape[1]) - self.size
            self._hashes = np.pad(self._hashes[:, : self.size], ((0, 0), (0, room)))
        if self.owners + 2 > len(self._starts):
            self._starts = np.pad(self._starts, (0, len(self._starts)))
        self._hashes[:, self.size : end] = kept.T
        self.size = self._starts[self.owners + 1] = end
        self.owners += 1
        return self.owners - 1

    def of(self, owner: int) -> Hashes:
        """What was kept of an owner's looks: (n, 2)."""
        return self._hashes[:, self._starts[owner] : self._starts[owner + 1]].T

    def near(self, hashes: Hashes, *, most_bits: int, since: int = 0) -> Near:
        """Every owner with a look that differs in at most so many bits from one asked about.

        The distance of two looks is the least of whole to whole, whole to inner, inner to whole.

        Args:
            hashes: (n, 2); those that are 0 find nothing.
            most_bits: 0 to 64.
            since: the first owner to look at.

        Raises:
            ShapeError: the hashes are not of that shape.
        """
        _require_pairs(hashes)
        found = [(np.empty(0, np.int64),) * 4]
        asked = hashes[hashes[:, 0] != 0]
        scratch = _Scratch()
        for first, end in self._blocks(since):
            starts = self._starts[first : end + 1]
            block = self._hashes[:, starts[0] : starts[-1]]
            told = _nearest(block, starts - starts[0], asked, most_bits, scratch)
            at = np.flatnonzero(told[1])
            found.append((at + first, *told[:, at]))
        return Near(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _blocks(self, since: int) -> Iterator[tuple[int, int]]:
        """Ranges of owners with about `_BLOCK` looks; an owner is in one range."""
        while since < self.owners:
            wanted = self._starts[since] + _BLOCK
            end = int(np.searchsorted(self._starts[: self.owners + 1], wanted, side="right")) - 1
            end = max(since + 1, end)
            yield since, end
            since = end


@dataclass(slots=True)
class _Scratch:
    """Room for counting the bits of a block, used again for the next."""

    differing: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: NDArray[np.uint8] = field(default_factory=lambda: np.empty((2, 0), np.uint8))

    def least_bits(self, block: Hashes, one: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Distance of one look from each of a block; valid until the next call."""
        size = block.shape[1]
        if size > len(self.differing):
            self.differing, self.counts = np.empty(size, np.uint64), np.empty((2, size), np.uint8)
        least, other = self.counts[:, :size]
        for stored, asked, out in ((0, 0, least), (1, 0, other), (0, 1, other)):
            np.bitwise_xor(block[stored], one[asked], out=self.differing[:size])
            np.bitwise_count(self.differing[:size], out=out)
            np.minimum(least, out, out=least)
        return least


def _nearest(
    block: Hashes, starts: NDArray[np.int64], asked: Hashes, most_bits: int, scratch: _Scratch
) -> NDArray[np.int64]:
    """Bits, looks and closeness of each owner in a block, as in `Near`: (3, owners)."""
    told = np.zeros((3, len(starts) - 1), np.int64)
    told[0] = 64
    for one in asked:
        least = scratch.least_bits(block, one)
        at = np.flatnonzero(least <= most_bits)
        if len(at):
            owners = np.searchsorted(starts, at, side="right") - 1
            firsts = np.flatnonzero(np.diff(owners, prepend=-1))
            mine, bits = owners[firsts], np.minimum.reduceat(least[at], firsts).astype(np.int64)
            told[0, mine] = np.minimum(told[0, mine], bits)
            told[1, mine] += 1
            told[2, mine] += most_bits + 1 - bits
    return told


def telling_changes(hashes: Hashes) -> NDArray[np.int64]:
    """Positions of the looks that say something and differ by 3 bits from the last one kept.

    Raises:
        ShapeError: the hashes are not (n, 2).
    """
    _require_pairs(hashes)
    telling = np.flatnonzero(hashes[:, 0])
    kept: list[int] = []
    last: int | None = None
    for at, value in zip(telling.tolist(), hashes[telling, 0].tolist(), strict=True):
        if last is None or (value ^ last).bit_count() > _SAME_BITS:
            kept.append(at)
            last = value
    return np.array(kept, np.int64)


def distances(first: Hashes, second: Hashes) -> NDArray[np.uint8]:
    """Bits in which each of some looks differs from each of others, as `HashIndex.near` counts.

    Args:
        first: (n, 2).
        second: (m, 2).

    Returns:
        (n, m), uint8; 255 where either says nothing.
    """
    pairs = ((0, 0), (1, 0), (0, 1))
    counted = [np.bitwise_count(first[:, None, a] ^ second[None, :, b]) for a, b in pairs]
    least = np.minimum(np.minimum(counted[0], counted[1]), counted[2])
    least[(first[:, 0] == 0)[:, None] | (second[:, 0] == 0)[None, :]] = 255
    return least


def _require_pairs(hashes: Hashes) -> None:
    if hashes.ndim != 2 or hashes.shape[1] != 2 or hashes.dtype != np.uint64:
        raise ShapeError(f"hashes are {hashes.shape} {hashes.dtype}; expected (n, 2) uint64")
