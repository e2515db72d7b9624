"""Assemble what a model learns from: labelled items with their features, at pinned versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake

FEATURE_TABLES = ("raw_media", "labels", "frame_embeddings", "optical_flows", "drift_profiles")
"""What a snapshot pins."""

Versions = Mapping[str, int]


@dataclass(frozen=True)
class Labelled:
    """Labelled items, one row each, and a hash of them.

    Attributes:
        items: `frame_id`, `media_id`, `source`, `day`, `label`, `vector` and the motion columns.
        content_hash: changes with any item, label or feature.
    """

    items: pl.DataFrame
    content_hash: str

    @property
    def partitions(self) -> list[str]:
        """Keys of the partitions the items are in, sorted."""
        keys = self.items.select(pl.concat_str("source", "day", separator="@")).to_series()
        return sorted(keys.unique().to_list())

    @property
    def media_per_class(self) -> dict[str, int]:
        """Labelled media by class."""
        media = self.items.unique("media_id").group_by("label").len().sort("label")
        return dict(media.iter_rows())


def table_versions(lake: Lake) -> dict[str, int]:
    """The present Delta version of every table a snapshot pins; absent tables are left out."""
    found = {name: lake.snapshot(name) for name in FEATURE_TABLES}
    return {name: one.version for name, one in found.items() if one is not None}


def labelled_media(lake: Lake, versions: Versions) -> pl.DataFrame:
    """The gold label of each accepted medium: `media_id`, `source`, `day`, `label`, `recorded`.

    Of several statements about one medium the most frequent label counts, then the first in the
    alphabet.
    """
    if not {"labels", "raw_media"} <= set(versions):
        return pl.DataFrame(
            schema=dict.fromkeys(("media_id", "source", "day", "label"), pl.String())
        )
    media = _at(lake, "raw_media", versions).filter(pl.col("status") == "accepted")
    media = media.select("source", "day", "media_id", item_path="path")
    said = _at(lake, "labels", versions).filter(pl.col("status") == "gold")
    counted = (
        said.select("source", "item_path", "label")
        .join(media, on=["source", "item_path"])
        .group_by("media_id", "source", "day", "label")
        .len()
        .sort("len", "label", descending=[True, False])
    )
    return counted.unique("media_id", keep="first", maintain_order=True).drop("len").collect()


def labelled_per_class(lake: Lake) -> dict[str, int]:
    """Media with a gold label and features at present, by class; reads no vector."""
    versions = table_versions(lake)
    media = labelled_media(lake, versions)
    if "frame_embeddings" not in versions:
        return {}
    able = _at(lake, "frame_embeddings", versions).select("media_id").unique().collect()
    counted = media.join(able, on="media_id", how="semi").group_by("label").len().sort("label")
    return dict(counted.iter_rows())


def labelled_items(lake: Lake, versions: Versions) -> Labelled:
    """Every frame of labelled media with its features, at these versions.

    Raises:
        ConfigurationError: a version is gone.
    """
    media = labelled_media(lake, versions)
    if "frame_embeddings" not in versions or media.is_empty():
        return Labelled(
            pl.DataFrame(
                schema={
                    "media_id": pl.String(),
                    "label": pl.String(),
                    "source": pl.String(),
                    "day": pl.String(),
                }
            ),
            "",
        )
    vectors = _at(lake, "frame_embeddings", versions)
    vectors = vectors.select("frame_id", "media_id", "vector", _vector_fp="_fp")
    items = vectors.join(media.lazy(), on="media_id")
    if "optical_flows" in versions:
        flows = _at(lake, "optical_flows", versions).drop(
            "media_id", "time_s", "field", "source", "day", "_src", "_ver"
        )
        items = items.join(flows.rename({"_fp": "_flow_fp"}), on="frame_id", how="left")
    rows = items.sort("frame_id").collect()
    parts = [
        name for name in ("frame_id", "label", "_vector_fp", "_flow_fp") if name in rows.columns
    ]
    content = hashlib.sha256(rows.select(parts).write_csv().encode()).hexdigest()
    return Labelled(rows, content[:32])


def _at(lake: Lake, table: str, versions: Versions) -> pl.LazyFrame:
    rows = lake.scan(table, version=versions[table])
    if rows is None:
        raise ConfigurationError(f"{table} has no version {versions[table]}")
    return rows
