"""Near duplicates: which earlier medium one repeats, and when that is looked at anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from mlops_assets.lake import MEDIA, Lake, Partition, use_lake
from mlops_assets.media import encode_jpeg
from mlops_assets.rows import Waking, make_plan
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.tables import near_duplicates as module
from mlops_assets.tables.decodings import decodings, frames
from mlops_assets.tables.near_duplicates import (
    duplicate_histories,
    near_duplicates,
    nothing_repeats_itself,
    pairs_side_by_side,
    what_is_repeated,
)
from mlops_assets_tests.duplicates.rendered import jpeg_again, panned, picture, seen
from mlops_assets_tests.tables.planting import plant, run

PRODUCER = near_duplicates.producer


def at(day: int, source: str = "camera-01") -> Partition:
    return MEDIA.of(source, f"2026-11-{day:02}")


def decoding(media_id: str, *pictures) -> dict:
    """The row of a medium that shows these pictures, a quarter of a second apart."""
    looks = seen(*pictures)
    return {
        "media_id": media_id,
        "look_times_s": looks.times_s.tolist(),
        "hashes": looks.hashes[:, 0].astype("int64").tolist(),
        "inner_hashes": looks.hashes[:, 1].astype("int64").tolist(),
        "looks": looks.pictures.tobytes(),
    }


def land(lake: Lake, partition: Partition, *rows: dict) -> None:
    plant(lake, decodings, list(rows), partition)


def rows_of(lake: Lake, partition: Partition) -> pl.DataFrame:
    return near_duplicates.rows(lake, partition).sort("media_id", "other_media_id").collect()


def pairs(lake: Lake, partition: Partition) -> list[tuple[str, str]]:
    return rows_of(lake, partition).select("media_id", "other_media_id").rows()


def due(lake: Lake, partition: Partition) -> dict[str, int]:
    return make_plan(PRODUCER, lake, partition).counts


@pytest.fixture(autouse=True)
def fresh_catalogues(monkeypatch):
    for kept in ("_CATALOGUES", "_DIGESTS", "_HISTORIES"):
        monkeypatch.setattr(module, kept, {})


@pytest.fixture(scope="module")
def brought_up(tmp_path_factory) -> Path:
    """A day of three pictures and a clip; the day after some of it again, and something new."""
    folder = tmp_path_factory.mktemp("lakes") / "lake"
    lake, clip = Lake.at(str(folder)), panned(20, 24)
    land(
        lake,
        at(1),
        decoding("a-gate", picture(1)),
        decoding("b-yard", picture(2)),
        decoding("c-dock", picture(3)),
        decoding("d-clip", *clip),
    )
    land(
        lake,
        at(2),
        decoding("e-gate", jpeg_again(picture(1), 20)),
        decoding("f-cut", *[jpeg_again(one, 40) for one in clip[6:18]]),
        decoding("g-new", picture(4)),
        decoding("h-still", clip[10]),
    )
    for day in (1, 2):
        run(lake, near_duplicates, at(day))
    return folder


@pytest.fixture
def two_days(brought_up: Path, tmp_path: Path) -> Lake:
    """A copy of it, to change."""
    return Lake.at(str(shutil.copytree(brought_up, tmp_path / "lake")))


def test_each_medium_has_the_earlier_ones_it_repeats(two_days):
    assert pairs(two_days, at(1)) == []
    found = rows_of(two_days, at(2))
    told = found.select("media_id", "other_media_id", "kind", "offset_s").rows()
    assert told == [
        ("e-gate", "a-gate", "image-image", 0.0),
        ("f-cut", "d-clip", "clip-clip", 1.5),
        ("h-still", "d-clip", "picture-in-clip", pytest.approx(2.5, abs=0.3)),
        ("h-still", "f-cut", "picture-in-clip", pytest.approx(1.0, abs=0.3)),
    ]
    assert found["other_partition"].to_list() == [at(1).key] * 3 + [at(2).key]
    assert found["group_id"].to_list() == ["a-gate", "d-clip", "d-clip", "d-clip"]
    assert nothing_repeats_itself.offending(found.lazy()).collect().is_empty()


def test_nothing_is_due_until_something_near_it_changes(two_days):
    run(two_days, near_duplicates, at(2))
    assert [due(two_days, at(day)) for day in (1, 2)] == [{}, {}]
    land(two_days, at(1, "camera-00"), decoding("z-other", picture(77)))
    assert due(two_days, at(2)) == {}
    land(two_days, at(1, "camera-00"), decoding("z-gate", jpeg_again(picture(1), 50)))
    assert due(two_days, at(1)) == {"params": 1}  # camera-00 comes first on that day
    assert due(two_days, at(2)) == {"params": 1}
    run(two_days, near_duplicates, at(2))
    others = rows_of(two_days, at(2)).filter(media_id="e-gate")["other_media_id"].to_list()
    assert others == ["a-gate", "z-gate"]


def test_a_partition_wakes_those_whose_media_it_comes_near(two_days):
    """Otherwise every look would have to compare everything with everything."""
    earlier = at(1, "camera-00")
    pin = PRODUCER.pins["history"]
    assert isinstance(pin, Waking)
    wakes = pin.wakes
    land(two_days, earlier, decoding("z-other", picture(77)))
    assert wakes(two_days, earlier) == []
    land(two_days, earlier, decoding("z-gate", jpeg_again(picture(1), 50)))
    assert wakes(two_days, earlier) == [at(1), at(2)]
    assert wakes(two_days, at(2)) == []
    run(two_days, near_duplicates, at(1))
    land(two_days, earlier)
    assert wakes(two_days, earlier) == [at(1)], "it names media that are gone"


def test_a_new_process_compares_nothing_where_nothing_landed(two_days, monkeypatch):
    monkeypatch.setattr(module, "_CATALOGUES", {})
    assert [due(two_days, at(day)) for day in (1, 2, 3)] == [{}, {}, {}]
    assert module._CATALOGUES == {}
    land(two_days, at(1, "camera-02"), decoding("z-other", picture(77)))
    assert due(two_days, at(1)) == {}
    assert module._CATALOGUES == {}
    assert due(two_days, at(2)) == {}
    assert module._CATALOGUES != {}


def test_what_was_compared_is_told(two_days):
    told = duplicate_histories.rows(two_days).sort("partition").collect()
    columns = told.select("partition", "media_count", "candidate_count").rows()
    assert columns == [(at(1).key, 0, 0), (at(2).key, 3, 4)]
    assert told["history"].to_list()[0] == ""
    assert told["files"].n_unique() == 2


def test_what_is_gone_is_repeated_no_more(two_days):
    land(two_days, at(1), decoding("b-yard", picture(2)))
    assert due(two_days, at(2)) == {"params": 1}
    run(two_days, near_duplicates, at(2))
    assert pairs(two_days, at(2)) == [("h-still", "f-cut")]


def test_a_later_partition_changes_no_earlier_one(two_days):
    land(two_days, at(3), decoding("y-gate", picture(1)))
    assert [due(two_days, at(day)) for day in (1, 2)] == [{}, {}]
    run(two_days, near_duplicates, at(3))
    assert pairs(two_days, at(3)) == [("y-gate", "a-gate"), ("y-gate", "e-gate")]


@pytest.mark.parametrize("is_fresh", [True, False], ids=["new process", "same process"])
def test_the_order_of_landing_and_the_process_do_not_matter(lake, is_fresh, monkeypatch):
    rows = [decoding(name, jpeg_again(picture(1), 30 + ord(name) % 50)) for name in "badc"]
    for count in (1, 2, 3, 4):
        land(lake, at(1), *rows[:count])
        run(lake, near_duplicates, at(1))
        if is_fresh:
            monkeypatch.setattr(module, "_CATALOGUES", {})
    assert pairs(lake, at(1)) == [(a, b) for a in "abcd" for b in "abcd" if b < a]
    assert set(rows_of(lake, at(1))["group_id"]) == {"a"}


def test_a_least_share_is_a_parameter(two_days):
    set_parameters(PRODUCER, two_days, {"least_share": 1.0}, by="test")
    land(two_days, at(3), decoding("x-long", *panned(20, 24), *panned(30, 12)))
    run(two_days, near_duplicates, at(3))
    assert pairs(two_days, at(3)) == []


def test_bytes_that_landed_twice_are_not_near_themselves(two_days):
    land(two_days, at(3), decoding("a-gate", picture(1)), decoding("y-gate", picture(1)))
    run(two_days, near_duplicates, at(3))
    assert pairs(two_days, at(3)) == [
        ("a-gate", "e-gate"),
        ("y-gate", "a-gate"),
        ("y-gate", "e-gate"),
    ]


def test_media_decoded_before_there_were_looks_match_nothing(lake):
    for day in (1, 2):
        land(lake, at(day), {"media_id": f"old{day}"})
        run(lake, near_duplicates, at(day))
    assert pairs(lake, at(2)) == []


def test_pairs_are_read_in_bounded_parts(two_days, monkeypatch):
    before = rows_of(two_days, at(2))
    monkeypatch.setattr(module, "_LOOKS_AT_ONCE", 1)
    monkeypatch.setattr(module, "_FILES_AT_ONCE", 1)
    monkeypatch.setattr(module, "_CATALOGUES", {})
    set_parameters(PRODUCER, two_days, {"least_share": 0.001}, by="test")
    run(two_days, near_duplicates, at(2))
    versions = ["_ver", "_fp"]
    assert rows_of(two_days, at(2)).drop(versions).equals(before.drop(versions))


def test_the_history_is_named_in_the_version(two_days):
    (version,) = set(rows_of(two_days, at(2))["_ver"])
    assert len(json.loads(version.partition("|")[2])["history"]) == 16


def test_the_summary_counts_media_by_kind(two_days):
    assert what_is_repeated(rows_of(two_days, at(2)).lazy()) == {
        "near_duplicates": 3,
        "pictures_again": 1,
        "pictures_and_clips": 1,
        "clips_again": 1,
    }


def test_the_picture_shows_pairs_side_by_side(two_days):
    jpeg = encode_jpeg(picture(1))
    for day, names in ((1, ("a-gate", "d-clip")), (2, ("e-gate", "f-cut", "h-still"))):
        shown = [
            {"frame_id": f"{name}#0", "media_id": name, "index": 0, "time_s": 0.0, "jpeg": jpeg}
            for name in names
        ]
        plant(two_days, frames, shown, at(day))
    with use_lake(two_days):
        sheet = pairs_side_by_side(near_duplicates.rows(two_days, at(2)))
        assert sheet is not None
        assert sheet.startswith(b"\xff\xd8")
        assert pairs_side_by_side(near_duplicates.rows(two_days, at(1))) is None
