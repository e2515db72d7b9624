"""Marks: snapshots that lost items, and the models that learned from what was forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from mlops_assets.datasets import Selection, ask_for_training, champions
from mlops_assets.lake import Lake, Ledger, current_lake
from mlops_assets.models.examples import blank_examples
from mlops_assets.operations.learning import snapshot_items, snapshots_of
from mlops_assets.operations.training import open_requests
from mlops_assets.tables import table_named
from mlops_assets.tables.models import model_registry

CAUSE = "erasure"
"""The cause of a training request that follows an erasure."""

INCOMPLETE = Ledger(
    "incomplete_snapshots",
    pl.Schema(
        {
            "snapshot_id": pl.String(),
            "model": pl.String(),
            "versions": pl.String(),
            "erasure": pl.String(),
            "media": pl.Int64(),
            "items": pl.Int64(),
            "recorded_at": pl.Datetime("us", "UTC"),
        }
    ),
    ("snapshot_id", "erasure"),
)
"""One statement per snapshot and erasure: how many media and items it lost, and `versions`, the
models that learned from it, as JSON. A pinned read of such a snapshot gives what is left."""


@dataclass(frozen=True)
class Learned:
    """A snapshot that has items of some media, and the versions that learned from it."""

    snapshot_id: str
    model: str
    media: int
    items: int
    versions: tuple[str, ...]


def learned_from(lake: Lake, media: Iterable[str]) -> Iterator[Learned]:
    """The snapshots with items of some media, or labelled by them.

    A snapshot is read at the versions it pins.
    """
    chosen = sorted({*media, *_labelled_by(lake, list(media))})
    trained = table_named("models").rows(lake).select("snapshot_id", "model_id", "version")
    versions = trained.sort("version").collect()
    for row in snapshots_of(lake).iter_rows(named=True):
        items = snapshot_items(lake, Selection.stored(row))
        mine = items.filter(pl.col("media_id").is_in(chosen))
        if mine.height:
            of = versions.filter(snapshot_id=row["snapshot_id"])["model_id"].to_list()
            lost = mine["media_id"].n_unique()
            yield Learned(row["snapshot_id"], row["model"], lost, mine.height, tuple(of))


def _labelled_by(lake: Lake, media: list[str]) -> set[str]:
    """The media that files of labels among these speak of."""
    said = table_named("labels").rows(lake).filter(pl.col("media_id").is_in(media))
    named = said.select("source", path="item_path").unique()
    files = table_named("raw_media").rows(lake).join(named, on=["source", "path"], how="semi")
    return set(files.select("media_id").collect()["media_id"])


def mark_snapshots(lake: Lake, learned: Iterable[Learned], *, erasure: str) -> None:
    """State that snapshots are incomplete; what is stated already is not stated again."""
    known = set(INCOMPLETE.statements(lake).select("snapshot_id", "erasure").iter_rows())
    rows = [
        {
            "snapshot_id": one.snapshot_id,
            "model": one.model,
            "versions": json.dumps(one.versions),
            "erasure": erasure,
            "media": one.media,
            "items": one.items,
            "recorded_at": datetime.now(UTC),
        }
        for one in learned
        if (one.snapshot_id, erasure) not in known
    ]
    INCOMPLETE.append(lake, pl.DataFrame(rows, schema=INCOMPLETE.schema))


def flag_models(lake: Lake, learned: Iterable[Learned], *, by: str) -> None:
    """Blank and tag what MLflow has of models that learned from them, and ask for new ones.

    A training is asked for when the champion is among them and none is asked for yet.
    """
    for model, versions in _versions(learned).items():
        registry = model_registry()
        for name, forgotten in versions.items():
            blank_examples(registry, model, int(name.rpartition("/")[2]), forgotten=forgotten)
        known = champions(lake, model)
        in_use = known[-1].name if known else None
        if in_use in versions and not open_requests(lake, model):
            reason = f"{in_use} learned from {versions[in_use]} media that were forgotten"
            ask_for_training(lake, model, cause=CAUSE, reason=reason, by=by)


def _versions(learned: Iterable[Learned]) -> dict[str, dict[str, int]]:
    """Model to its versions and how many forgotten media each learned from."""
    found: dict[str, dict[str, int]] = {}
    for one in learned:
        for name in one.versions:
            found.setdefault(one.model, {})[name] = one.media
    return found


def incomplete_snapshots(lake: Lake | None = None) -> pl.DataFrame:
    """Snapshots that lost items, by what was forgotten since.

    Returns:
        `snapshot_id`, `model`, `models` (the versions that learned from it), `media`, `items`.
    """
    said = INCOMPLETE.statements(lake or current_lake())
    counted = said.group_by("snapshot_id", "model", maintain_order=True).agg(
        models=pl.col("versions").last().str.json_decode(pl.List(pl.String)),
        media=pl.col("media").sum(),
        items=pl.col("items").sum(),
    )
    return counted.sort("snapshot_id")
