"""Drift: small profiles of what the data look like, and how far they are from a reference.

Profiles are whylogs profiles written so that equal data give equal bytes; distances and verdicts
are computed from stored profiles alone, so that no old row has to be read again.
"""

from __future__ import annotations

from mlops_assets.drift.comparison import Comparison, Severity, Thresholds, compare_profiles
from mlops_assets.drift.pictures import distribution_picture
from mlops_assets.drift.profiles import (
    FeatureProfile,
    merge_profiles,
    profile_columns,
    read_profile,
)
from mlops_assets.drift.vectors import vector_features

__all__ = [
    "Comparison",
    "FeatureProfile",
    "Severity",
    "Thresholds",
    "compare_profiles",
    "distribution_picture",
    "merge_profiles",
    "profile_columns",
    "read_profile",
    "vector_features",
]
