"""A selection is what a snapshot stores, and reads back as it was."""

from __future__ import annotations

import json

import pytest

from mlops_assets.datasets import Selection


@pytest.mark.parametrize("policies", [None, ("open",), ("open", "private")])
def test_what_is_stored_reads_back(policies: tuple[str, ...] | None):
    selection = Selection({"raw_media": 3, "labels": 0}, policies)
    row = {"table_versions": json.dumps(dict(selection.versions)), "query": selection.query}
    assert Selection.stored(row) == selection


def test_a_snapshot_of_before_policies_asks_for_any():
    row = {"table_versions": '{"labels": 1}', "query": '{"labels": "status = gold"}'}
    assert Selection.stored(row) == Selection({"labels": 1}, None)
