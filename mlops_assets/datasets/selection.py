"""What a training set is taken from: tables at pinned versions, media of some policies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake

FEATURE_TABLES = (
    *("raw_media", "screenings", "near_duplicates", "labels"),
    *("frame_embeddings", "optical_flows", "drift_profiles"),
)
"""What a snapshot pins."""

_QUERY = {"labels": "status = gold", "media": "status = accepted", "items": "frame_embeddings"}


@dataclass(frozen=True)
class Selection:
    """A query, and the versions it is asked of: the same selection always gives the same items.

    Attributes:
        versions: Delta version by table; tables that were not there are not named.
        policies: policy tags of `screenings` whose media may be learned from; None for any.
    """

    versions: Mapping[str, int] = field(default_factory=dict)
    policies: tuple[str, ...] | None = None

    @classmethod
    def at_present(cls, lake: Lake, policies: Sequence[str]) -> Selection:
        """The tables as they stand."""
        found = {name: lake.snapshot(name) for name in FEATURE_TABLES}
        versions = {name: one.version for name, one in found.items() if one is not None}
        return cls(versions, tuple(policies))

    @classmethod
    def stored(cls, row: Mapping[str, Any]) -> Selection:
        """That of a row of `snapshots`, from its `table_versions` and `query`."""
        policies = json.loads(row["query"]).get("policies")
        versions = json.loads(row["table_versions"])
        return cls(versions, None if policies is None else tuple(policies))

    @property
    def query(self) -> str:
        """What is asked of the tables, as JSON."""
        return json.dumps({**_QUERY, "policies": self.policies}, sort_keys=True)

    def has(self, *tables: str) -> bool:
        """Whether all these tables were there."""
        return set(tables) <= set(self.versions)

    def scan(self, lake: Lake, table: str) -> pl.LazyFrame:
        """A table at its pinned version.

        Raises:
            ConfigurationError: the version is gone.
        """
        rows = lake.scan(table, version=self.versions[table])
        if rows is None:
            raise ConfigurationError(f"{table} has no version {self.versions[table]}")
        return rows
