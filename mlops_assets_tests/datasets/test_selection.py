"""A selection is what a snapshot stores, reads back as it was, and keeps to policies."""

from __future__ import annotations

import json

import pytest

from mlops_assets.datasets import Selection, labelled_items
from mlops_assets.datasets.assembling import labelled_media
from mlops_assets.lake import Lake
from mlops_assets.tables.frame_embeddings import frame_embeddings
from mlops_assets.tables.labels import labels
from mlops_assets.tables.near_duplicates import near_duplicates
from mlops_assets.tables.raw_media import raw_media
from mlops_assets.tables.screenings import screenings
from mlops_assets_tests.tables.planting import PARTITION, plant, screening


@pytest.mark.parametrize("policies", [None, ("open",), ("open", "private")])
def test_what_is_stored_reads_back(policies: tuple[str, ...] | None):
    selection = Selection({"raw_media": 3, "labels": 0}, policies)
    row = {"table_versions": json.dumps(dict(selection.versions)), "query": selection.query}
    assert Selection.stored(row) == selection


def test_a_snapshot_of_before_policies_asks_for_any():
    row = {"table_versions": '{"labels": 1}', "query": '{"labels": "status = gold"}'}
    assert Selection.stored(row) == Selection({"labels": 1}, None)


def test_near_duplicates_are_on_one_side(lake: Lake):
    """A copy of a copy belongs to the first, so nothing held out was seen in learning."""
    media = ["original", "copy", "copy-of-copy", "other"]
    rows = [{"path": name, "media_id": name, "status": "accepted"} for name in media]
    plant(lake, raw_media, rows, PARTITION)
    said = [
        {"label_id": name, "item_path": name, "label": "cat", "status": "gold"} for name in media
    ]
    plant(lake, labels, said, PARTITION)
    shown = [{"frame_id": f"{name}#0", "media_id": name, "vector": [1.0]} for name in media]
    plant(lake, frame_embeddings, shown, PARTITION)
    pairs = [("copy", "original"), ("copy-of-copy", "copy")]
    alike = [{"media_id": one, "other_media_id": two, "group_id": two} for one, two in pairs]
    plant(lake, near_duplicates, alike, PARTITION)
    items = labelled_items(lake, Selection.at_present(lake, ["open"])).items
    groups = dict(items.select("media_id", "group_id").iter_rows())
    assert groups == {**dict.fromkeys(media[:3], "original"), "other": "other"}


def test_only_media_of_the_policies_are_learned_from(lake: Lake):
    media = {"street": "private", "field": "open", "injected": "withheld", "new": None}
    rows = [{"path": name, "media_id": name, "status": "accepted"} for name in media]
    plant(lake, raw_media, rows, PARTITION)
    said = [
        {"label_id": name, "item_path": name, "label": "cat", "status": "gold"} for name in media
    ]
    plant(lake, labels, said, PARTITION)
    screened = [screening(name, policy=policy) for name, policy in media.items() if policy]
    plant(lake, screenings, screened, PARTITION)
    for policies, wanted in ((["open"], {"field"}), (["open", "private"], {"field", "street"})):
        found = labelled_media(lake, Selection.at_present(lake, policies))
        assert set(found["media_id"]) == wanted
