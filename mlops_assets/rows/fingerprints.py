"""Stable 64-bit fingerprints of rows, equal on every machine and every version of the libraries.

A row's fingerprint is the wrapping sum, over its columns, of a mixed hash of name and value. A null
adds nothing, so a table widened by an empty column keeps its fingerprints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
import xxhash

from mlops_assets.errors import InternalError

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
_NULL_ITEM = np.uint64(0xA0761D6478BD642F)


def fingerprint(rows: pl.DataFrame, columns: Iterable[str]) -> pl.Series:
    """One Int64 per row, over the named columns; their order does not matter."""
    total = np.zeros(rows.height, np.uint64)
    for name in columns:
        values = rows[name]
        salted = mix(_hash_values(values) ^ np.uint64(_hash_text(name)))
        total += np.where(values.is_null().to_numpy(), np.uint64(0), salted)
    return as_signed("_fp", total)


def mix(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def combine(parts: Sequence[pl.Series]) -> pl.Series:
    """One fingerprint from several per row, in order; a null part counts as zero."""
    total = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        total = mix(total ^ as_unsigned(part))
    return as_signed("_src", total)


def digest(fingerprints: pl.Series) -> int:
    """One number for a set of rows, whatever their order."""
    mixed = mix(as_unsigned(fingerprints))
    return int(np.add.reduce(mixed, dtype=np.uint64))


def as_unsigned(values: pl.Series) -> Hashes:
    """Stored Int64 fingerprints as the UInt64 they are; null is zero."""
    return values.fill_null(0).to_numpy().astype(np.int64, copy=False).view(np.uint64)


def as_signed(name: str, values: Hashes) -> pl.Series:
    """Fingerprints as Delta can store them."""
    return pl.Series(name, values.view(np.int64))


def _hash_values(values: pl.Series) -> Hashes:
    dtype = values.dtype
    if dtype.is_integer() or dtype == pl.Boolean:
        return values.cast(pl.Int64).fill_null(0).to_numpy().astype(np.int64).view(np.uint64)
    if dtype.is_float():
        return _hash_floats(values)
    if dtype.is_temporal():
        return values.to_physical().cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)
    if dtype == pl.String:
        return _hash_each(value.encode() for value in values.fill_null(""))
    if dtype == pl.Binary:
        return _hash_each(values.fill_null(b""))
    if isinstance(dtype, pl.List):
        return _hash_lists(values)
    raise InternalError(f"column {values.name}: no fingerprint for {dtype}")


def _hash_floats(values: pl.Series) -> Hashes:
    numbers = values.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0  # -0.0 becomes 0.0
    return np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64)


def _hash_each(values: Iterable[bytes]) -> Hashes:
    return np.fromiter((xxhash.xxh3_64_intdigest(value) for value in values), np.uint64)


def _hash_lists(values: pl.Series) -> Hashes:
    lengths = values.list.len().fill_null(0).to_numpy().astype(np.int64)
    ends = np.cumsum(lengths)
    items = values.filter(values.list.len() > 0).explode()
    flat = _hash_values(items) if len(items) else np.zeros(0, np.uint64)
    flat = np.where(items.is_null().to_numpy(), _NULL_ITEM, flat)
    spans = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    return _hash_each(flat[start:end].tobytes() for start, end in spans)


def _hash_text(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())
