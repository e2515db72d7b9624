"""Assemble what a model learns from: labelled items with their features, at pinned versions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mlops_assets.datasets.selection import Selection
from mlops_assets.lake import Lake


@dataclass(frozen=True)
class Labelled:
    """Labelled items, one row each, and a hash of them.

    Attributes:
        items: `frame_id`, `media_id`, `group_id` (the earliest medium that it nearly repeats, or
            itself), `source`, `day`, `label`, `vector` and the motion columns.
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


def labelled_media(lake: Lake, selection: Selection) -> pl.DataFrame:
    """The gold label of each accepted medium of the selected policies.

    Of several statements about one medium the most frequent label counts, then the first in the
    alphabet.

    Returns:
        `media_id`, `source`, `day`, `label`.
    """
    if not selection.has("labels", "raw_media"):
        return pl.DataFrame(
            schema=dict.fromkeys(("media_id", "source", "day", "label"), pl.String())
        )
    media = selection.scan(lake, "raw_media").filter(pl.col("status") == "accepted")
    media = media.select("source", "day", "media_id", item_path="path")
    if selection.policies is not None and selection.has("screenings"):
        screened = selection.scan(lake, "screenings")
        allowed = screened.filter(pl.col("policy").is_in(list(selection.policies)))
        media = media.join(allowed.select("media_id"), on="media_id", how="semi")
    said = selection.scan(lake, "labels").filter(pl.col("status") == "gold")
    counted = (
        said.select("source", "item_path", "label")
        .join(media, on=["source", "item_path"])
        .group_by("media_id", "source", "day", "label")
        .len()
        .sort("len", "label", descending=[True, False])
    )
    return counted.unique("media_id", keep="first", maintain_order=True).drop("len").collect()


def labelled_per_class(lake: Lake, policies: Sequence[str]) -> dict[str, int]:
    """Media of some policies with a gold label and features at present, by class; no vector."""
    selection = Selection.at_present(lake, policies)
    media = labelled_media(lake, selection)
    if not selection.has("frame_embeddings"):
        return {}
    able = selection.scan(lake, "frame_embeddings").select("media_id").unique().collect()
    counted = media.join(able, on="media_id", how="semi").group_by("label").len().sort("label")
    return dict(counted.iter_rows())


def labelled_items(lake: Lake, selection: Selection) -> Labelled:
    """Every frame of labelled media with its features.

    Raises:
        ConfigurationError: a version is gone.
    """
    media = labelled_media(lake, selection)
    if not selection.has("frame_embeddings") or media.is_empty():
        columns = ("media_id", "group_id", "label", "source", "day")
        return Labelled(pl.DataFrame(schema=dict.fromkeys(columns, pl.String())), "")
    vectors = selection.scan(lake, "frame_embeddings")
    vectors = vectors.select("frame_id", "media_id", "vector", _vector_fp="_fp")
    items = vectors.join(_grouped(media, lake, selection).lazy(), on="media_id")
    if selection.has("optical_flows"):
        flows = selection.scan(lake, "optical_flows").drop(
            "media_id", "time_s", "field", "source", "day", "_src", "_ver"
        )
        items = items.join(flows.rename({"_fp": "_flow_fp"}), on="frame_id", how="left")
    rows = items.sort("frame_id").collect()
    parts = [
        name for name in ("frame_id", "label", "_vector_fp", "_flow_fp") if name in rows.columns
    ]
    content = hashlib.sha256(rows.select(parts).write_csv().encode()).hexdigest()
    return Labelled(rows, content[:32])


def _grouped(media: pl.DataFrame, lake: Lake, selection: Selection) -> pl.DataFrame:
    """Media with `group_id`: near duplicates of one medium share its name, however they relate."""
    if not selection.has("near_duplicates"):
        return media.with_columns(group_id="media_id")
    found = selection.scan(lake, "near_duplicates").select("media_id", "group_id").unique()
    earlier = dict(found.sort(pl.all()).collect().iter_rows())
    roots = {one: _root(one, earlier) for one in earlier}
    return media.with_columns(group_id=pl.col("media_id").replace(roots))


def _root(medium: str, earlier: dict[str, str]) -> str:
    """Where the way from a medium to ever earlier ones ends."""
    seen = {medium}
    while (before := earlier.get(medium)) is not None and before not in seen:
        seen.add(before)
        medium = before
    return medium
