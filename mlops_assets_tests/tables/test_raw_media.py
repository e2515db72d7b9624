from __future__ import annotations

import importlib
from datetime import UTC, datetime

import pytest

from mlops_assets.lake import MEDIA, use_lake
from mlops_assets.tables.raw_media import (
    few_files_are_quarantined,
    no_more_files_are_quarantined_than_usual,
    quarantined,
    raw_media,
)
from mlops_assets.tables.screenings import screenings
from mlops_assets_tests.tables.planting import plant

raw_media_module = importlib.import_module("mlops_assets.tables.raw_media")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
TODAY = MEDIA.of("camera-01", "2026-11-20")


def land(lake, day, *, good, bad, source="camera-01"):
    place = MEDIA.of(source, day)
    states = ["accepted"] * good + ["quarantined"] * bad
    rows = [
        {
            "path": f"{place.key}-{number:03}",
            "media_id": f"{place.key}-{number:03}",
            "status": state,
        }
        for number, state in enumerate(states)
    ]
    plant(lake, raw_media, rows, place)


def offending(lake, check):
    with use_lake(lake):
        return check.offending(raw_media.rows(lake, TODAY)).collect().height


@pytest.mark.parametrize(("good", "bad", "found"), [(3, 1, 0), (2, 1, 1), (0, 5, 5), (5, 0, 0)])
def test_a_partition_with_a_large_share_out_of_use_is_told(lake, good, bad, found):
    land(lake, "2026-11-20", good=good, bad=bad)
    assert offending(lake, few_files_are_quarantined) == found


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ((98, 2), (19, 1), 0),  # 5 % after 2 %
        ((98, 2), (16, 4), 4),  # 20 % after 2 %
        ((80, 20), (10, 10), 0),  # 50 % after 20 %: much, not a jump
        ((10, 0), (10, 10), 0),  # ten files say nothing
        ((100, 0), (19, 1), 0),
        ((100, 0), (18, 2), 2),
    ],
)
def test_a_jump_of_a_sources_share_is_told(lake, before, now, found):
    land(lake, "2026-11-18", good=before[0], bad=before[1])
    land(lake, "2026-11-21", good=0, bad=50)  # a later day is not what was before
    land(lake, "2026-11-18", good=0, bad=50, source="camera-02")
    land(lake, "2026-11-20", good=now[0], bad=now[1])
    assert offending(lake, no_more_files_are_quarantined_than_usual) == found


def test_an_empty_partition_offends_nobody(lake):
    land(lake, "2026-11-18", good=30, bad=0)
    assert offending(lake, no_more_files_are_quarantined_than_usual) == 0
    assert offending(lake, few_files_are_quarantined) == 0


def test_what_is_out_of_use_is_drawn_newest_first(lake, monkeypatch):
    drawn = []
    monkeypatch.setattr(raw_media_module, "draw_stopped", lambda items, _: drawn.extend(items))
    told = {"status": "quarantined", "kind": "image", "size_bytes": 1, "reason": "unreadable"}
    rows = [
        {**told, "path": "old", "media_id": "1", "landed_at": datetime(2026, 11, 19, tzinfo=UTC)},
        {**told, "path": "good", "media_id": "2", "status": "accepted"},
        *(
            {**told, "path": name, "media_id": name, "landed_at": NOW, **more}
            for name, more in {
                "a rejected": {"ruling": "rejected"},
                "b erased": {"reason": "erased"},
                "c private": {"privacy": ["faces"]},
                "d guarded": {"ruling": "quarantined", "privacy": []},
                "e by hand": {"ruling": "quarantined", "privacy": []},
            }.items()
        ),
    ]
    plant(lake, raw_media, rows, TODAY)
    policies = [("d guarded", "private"), ("e by hand", "open")]
    screened = [{"media_id": media_id, "policy": policy} for media_id, policy in policies]
    plant(lake, screenings, screened, TODAY)
    with use_lake(lake):
        quarantined(raw_media.rows(lake, TODAY))
    names = ["a rejected", "b erased", "c private", "d guarded", "e by hand", "old"]
    assert [(one.path, one.is_hidden) for one in drawn] == list(
        zip(names, [True, True, True, True, False, True], strict=True)
    )


def test_nothing_is_drawn_where_nothing_is_out_of_use(lake):
    land(lake, "2026-11-20", good=3, bad=0)
    with use_lake(lake):
        assert quarantined(raw_media.rows(lake, TODAY)) is None
