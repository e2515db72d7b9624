"""The bytes of a KLL quantile sketch, written without chance.

The sketching library behind whylogs drops values at random once a sketch is full, and its seed
cannot be set: equal data give unequal bytes, and everything fingerprinted downstream becomes due.
So the sketch is written here, in the library's own format, from the sorted column: equal multisets
of values give equal bytes in every process.

Format: Apache DataSketches, `kll_sketch_impl.hpp` (serial version 1 and 2, little endian).
Method: Karnin, Lang, Liberty 2016, arXiv:1603.05346, with equally spaced ranks in place of random
compaction.
"""

from __future__ import annotations

import struct

import numpy as np

from mlops_assets.errors import InputError

CAPACITY = 1024  # the `k` that whylogs uses for its distributions
_MINIMUM_LEVEL = 8  # the `m` of the format: no level holds fewer
_FAMILY = 15
_EMPTY, _LEVEL_ZERO_SORTED, _SINGLE = 1, 2, 4
_PREAMBLE = struct.Struct("<BBBBHBx")
_COUNTS = struct.Struct("<QHBx4x")


def thin_values(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Represent weighted values by at most about `CAPACITY` values whose weights are powers of two.

    Args:
        values: (N,) float64, finite, any order.
        weights: (N,) int64, >= 1.

    Returns:
        Values (M,) float64 ascending and weights (M,) int64 with the same total. Up to `CAPACITY`
        unit weights nothing is lost; above, a rank is off by at most half of the largest weight,
        which is at most 1/1024 of the total. Empty for empty input.
    """
    order = np.argsort(values, kind="stable")
    values, cumulated = values[order], np.cumsum(weights[order])
    total = int(cumulated[-1]) if len(values) else 0
    level = max(0, (max(total, 1) - 1).bit_length() - CAPACITY.bit_length() + 1)
    chosen = _rank_weights(total, level)
    middles = np.cumsum(chosen) - (chosen + 1) // 2
    return values[np.searchsorted(cumulated, middles, side="right")], chosen


def _rank_weights(total: int, level: int) -> np.ndarray:
    """Weights of the kept ranks: as many of 2^level as fit, then the remainder's binary digits."""
    rest = total & ((1 << level) - 1)
    digits = [1 << bit for bit in reversed(range(level)) if rest >> bit & 1]
    return np.array([1 << level] * (total >> level) + digits, dtype=np.int64)


def pack_sketch(
    values: np.ndarray, weights: np.ndarray, *, ends: tuple[float, float] | None = None
) -> bytes:
    """Serialise weighted values as a KLL sketch of doubles.

    Args:
        values: (N,) float64, finite, any order.
        weights: (N,) int64, >= 1.
        ends: smallest and largest value, where `values` no longer holds them; else None.

    Returns:
        Bytes that `kll_doubles_sketch.deserialize` reads; the same for equal multisets.
    """
    kept, chosen = thin_values(values, weights)
    total = int(chosen.sum())
    if total == 0:
        return _PREAMBLE.pack(2, 1, _FAMILY, _EMPTY, CAPACITY, _MINIMUM_LEVEL)
    if total == 1:
        head = _PREAMBLE.pack(2, 2, _FAMILY, _SINGLE, CAPACITY, _MINIMUM_LEVEL)
        return head + struct.pack("<d", kept[0])
    depth = int(chosen.max()).bit_length()
    levels = [kept[chosen == 1 << height] for height in range(depth)]
    sizes = np.array([len(level) for level in levels])
    starts = _array_size(depth) - sizes.sum() + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return b"".join(
        [
            _PREAMBLE.pack(6, 1, _FAMILY, _LEVEL_ZERO_SORTED, CAPACITY, _MINIMUM_LEVEL),
            _COUNTS.pack(total, CAPACITY, depth),
            starts.astype("<u4").tobytes(),
            np.array(ends or (values.min(), values.max()), dtype="<f8").tobytes(),
            np.concatenate(levels).astype("<f8").tobytes(),
        ]
    )


def _array_size(depth: int) -> int:
    """Items a sketch of `depth` levels has room for: each level two thirds of the one above."""
    sizes = []
    for below_top in range(depth):
        doubled = ((CAPACITY << 1) << below_top) // 3**below_top
        sizes.append(max(_MINIMUM_LEVEL, (doubled + 1) >> 1))
    return sum(sizes)


def unpack_sketch(payload: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Read the values and weights of a KLL sketch of doubles.

    Args:
        payload: bytes of `kll_doubles_sketch.serialize` or `pack_sketch`.

    Returns:
        Values (M,) float64 ascending and weights (M,) int64, whose sum is the count. Empty for an
        empty sketch.

    Raises:
        InputError: `damaged_profile`, the bytes are no such sketch.
    """
    try:
        flags = _PREAMBLE.unpack_from(payload)[3]
        if flags & _EMPTY:
            return np.empty(0), np.empty(0, dtype=np.int64)
        if flags & _SINGLE:
            return np.array(struct.unpack_from("<d", payload, 8)), np.ones(1, dtype=np.int64)
        return _unpack_levels(payload)
    except (struct.error, ValueError) as err:
        raise InputError(
            f"quantile sketch of {len(payload)} bytes is damaged: {err}", reason="damaged_profile"
        ) from err


def _unpack_levels(payload: bytes) -> tuple[np.ndarray, np.ndarray]:
    _, _, depth = _COUNTS.unpack_from(payload, 8)
    starts = np.frombuffer(payload, dtype="<u4", count=depth, offset=24).astype(np.int64)
    body = 24 + 4 * depth + 16
    values = np.frombuffer(payload, dtype="<f8", offset=body).astype(np.float64)
    sizes = np.diff(starts, append=starts[0] + len(values)).astype(np.int64)
    weights = np.repeat(1 << np.arange(depth, dtype=np.int64), sizes)
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]
