"""Profiles of the columns of a table: small, mergeable, equal for equal data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from mlops_assets.drift.whylogs_bridge import (
    ColumnSummary,
    Kind,
    decode_payload,
    encode_column,
    merge_payloads,
)


@dataclass(frozen=True)
class FeatureProfile:
    """One feature of one part of the data, small enough to keep for ever.

    Args:
        feature: name, with the prefix it was profiled under.
        kind: `numeric` or `categorical`.
        count: rows, missing ones included.
        missing: rows that are null, NaN or infinite.
        mean: None for categories and without values, like all that follows.
        stddev: sample standard deviation, >= 0; 0 for one value.
        minimum: smallest value.
        maximum: largest value.
        quantile_05: value below which 5 % lie, and so on.
        quantile_25: lower quartile.
        median: middle value.
        quantile_75: upper quartile.
        quantile_95: value below which 95 % lie.
        payload: serialised whylogs profile.
    """

    feature: str
    kind: Kind
    count: int
    missing: int
    mean: float | None
    stddev: float | None
    minimum: float | None
    maximum: float | None
    quantile_05: float | None
    quantile_25: float | None
    median: float | None
    quantile_75: float | None
    quantile_95: float | None
    payload: bytes

    @property
    def digest(self) -> str:
        """Content digest, 32 hexadecimal digits: equal for equal data, in any process."""
        return hashlib.blake2b(self.payload, digest_size=16).hexdigest()


def profile_columns(columns: pl.DataFrame, *, prefix: str = "") -> dict[str, FeatureProfile]:
    """Profile every column of a data frame.

    The order of the rows does not matter. Vectors are turned into columns first: `vector_features`.

    Args:
        columns: numbers, booleans or strings. Null, NaN and infinite count as missing.
        prefix: put before every column name, such as `flow.`.

    Returns:
        Profiles by prefixed name, in the order of the columns. A frame without rows gives profiles
        with count 0.

    Raises:
        InputError: `unsupported_column`, a column of any other type.
    """
    return {
        prefix + column.name: read_profile(encode_column(column, feature=prefix + column.name))
        for column in columns
    }


def merge_profiles(payloads: Sequence[bytes]) -> FeatureProfile:
    """Profile of a feature over several parts of the data, from the parts' profiles.

    Args:
        payloads: at least one, all of one feature; order does not matter.

    Returns:
        Exact counts, means and extremes; above 1,024 values quantiles are off by up to 0.1 % of
        rank per merge.

    Raises:
        InputError: `no_profiles`, `mixed_profiles` or `damaged_profile`.
    """
    return read_profile(merge_payloads(payloads))


def read_profile(payload: bytes) -> FeatureProfile:
    """Read a stored profile.

    Args:
        payload: `FeatureProfile.payload`.

    Raises:
        InputError: `damaged_profile`.
    """
    summary = decode_payload(payload)
    q05, q25, median, q75, q95 = _quantiles(summary, (0.05, 0.25, 0.5, 0.75, 0.95))
    known = len(summary.values) > 0
    return FeatureProfile(
        feature=summary.feature,
        kind=summary.kind,
        count=summary.count,
        missing=summary.missing,
        mean=summary.mean if known else None,
        stddev=summary.stddev if known else None,
        minimum=summary.minimum if known else None,
        maximum=summary.maximum if known else None,
        quantile_05=q05,
        quantile_25=q25,
        median=median,
        quantile_75=q75,
        quantile_95=q95,
        payload=payload,
    )


def _quantiles(summary: ColumnSummary, shares: tuple[float, ...]) -> list[float | None]:
    if len(summary.values) == 0:
        return [None] * len(shares)
    cumulated = np.cumsum(summary.weights)
    ranks = np.searchsorted(cumulated, np.array(shares) * cumulated[-1], side="left")
    return [float(summary.values[min(rank, len(cumulated) - 1)]) for rank in ranks]
