from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from PIL import Image

from mlops_assets import operations as ops
from mlops_assets.errors import InputError
from mlops_assets.lake import commit_partition
from mlops_assets.lake.commits import base_of, stage
from mlops_assets.landing import register
from mlops_assets.operations.behind import behind_partitions, settle
from mlops_assets.rows.bring import skipped_schema
from mlops_assets.tables import all_tables, table_named
from mlops_assets_tests.operations import filling
from mlops_assets_tests.operations.conftest import Filled


def media_id(filled: Filled, name: str) -> str:
    rows = table_named("raw_media").rows(filled.lake).filter(pl.col("path") == name)
    return rows.select("media_id").collect().item()


def skip(filled: Filled, table: str, unit: str, reason: str) -> None:
    """As if the function had failed for this unit: no rows, one skip."""
    made = all_tables()[table]
    by = made.producer.lineage.by
    stored = made.rows(filled.lake, filled.partition).filter(pl.col(by[0]) == unit)
    wanted = [*by, "_src", "_ver"]
    rows = stored.select(wanted).unique(by).collect().with_columns(
        reason=pl.lit(reason), message=pl.lit("a decoder stopped"), seconds=pl.lit(1.0)
    )  # fmt: skip
    assert rows.height == 1
    for one in made.producer.tables:
        rest = one.rows(filled.lake, filled.partition).filter(pl.col(by[0]) != unit).collect()
        _rewrite(filled, one.name, rest.select(list(one.schema)))
        schema = list(skipped_schema(one))
        others = filled.lake.scan(one.skipped_name, filled.partition)
        kept = [] if others is None else [others.select(schema).collect()]
        _rewrite(filled, one.skipped_name, pl.concat([*kept, rows.select(schema)]))


def _rewrite(filled: Filled, name: str, rows: pl.DataFrame) -> None:
    if filled.lake.snapshot(name) is None:
        filled.lake.create(name, rows.schema, filled.partition.columns)
    base = base_of(filled.lake.snapshot(name), filled.partition)
    commit_partition(
        filled.lake, name, filled.partition, base=base, remove=sorted(base.paths),
        add=[stage(filled.lake, name, filled.partition, rows)], schema=rows.schema,
    )  # fmt: skip


def test_the_list_says_what_why_and_how_long(filled: Filled):
    later = datetime.now(UTC) + timedelta(days=3)
    rows = ops.quarantined(now=later)
    (junk,) = rows.rows(named=True)
    assert (junk["source"], junk["path"], junk["table"]) == ("camera-01", "junk.mp4", "raw_media")
    assert junk["reason"] == "unknown_kind"
    assert junk["message"]
    assert junk["ruling"] is None
    assert junk["age_days"] == pytest.approx(3, abs=0.5)
    assert ops.quarantined(older_than=timedelta(days=4), now=later).is_empty()
    assert ops.quarantined(older_than=timedelta(days=2), now=later).height == 1
    assert ops.quarantined(reason="too_dark").is_empty()
    assert ops.quarantined(source="camera-02").is_empty()


def test_what_was_rejected_leaves_the_list_and_stays_out_of_use(copied: Filled):
    ops.rule_on("camera-01/junk.mp4", "rejected", reason="noise", by="me")
    ops.rule_on("camera-01/gate.png", "rejected", reason="a face", by="me")
    filling.run(copied.lake, "raw_media")
    assert ops.quarantined().is_empty()
    every = ops.quarantined(every=True)
    assert dict(every.select("path", "reason").iter_rows()) == {
        "junk.mp4": "unknown_kind",
        "gate.png": "by_hand",
    }
    assert every["ruled_by"].to_list() == ["me", "me"]


def test_a_case_tells_every_ruling_and_where_the_bytes_are(copied: Filled):
    ops.rule_on("camera-01/junk.mp4", "released", reason="let me see", by="ada")
    ops.rule_on("camera-01/junk.mp4", "quarantined", reason="noise indeed", by="bob")
    case = ops.quarantine_case("camera-01/junk.mp4")
    assert case.items["reason"].to_list() == ["unknown_kind"]
    assert case.rulings.select("ruling", "reason", "ruled_by").rows() == [
        ("released", "let me see", "ada"),
        ("quarantined", "noise indeed", "bob"),
    ]
    assert media_id(copied, "junk.mp4") in case.vault_uri
    assert ops.quarantine_case("camera-01/gate.png").items.is_empty()


def test_a_skipped_clip_is_in_the_list_and_is_tried_again(copied: Filled):
    moving = media_id(copied, "moving.mp4")
    before = table_named("frames").rows(copied.lake, copied.partition).sort("frame_id").collect()
    skip(copied, "decodings", moving, "timed_out")
    assert ops.plan("decodings")["summary"].to_list() == ["nothing due"]
    row = ops.quarantined(reason="timed_out").row(0, named=True)
    assert (row["path"], row["table"], row["key"]) == ("moving.mp4", "decodings", moving)
    settle(copied.lake, copied.partition, run_id="test")
    again = ops.retry("camera-01/moving.mp4")
    assert again.select("table", "reason").rows() == [("decodings", "timed_out")]
    assert behind_partitions(copied.lake)["why"].to_list() == ["touched"]
    assert ops.plan("decodings")["new"].to_list() == [1]
    filling.run(copied.lake, "decodings")
    after = table_named("frames").rows(copied.lake, copied.partition).sort("frame_id").collect()
    assert after["_fp"].to_list() == before["_fp"].to_list()
    assert ops.quarantined(reason="timed_out").is_empty()


def test_there_is_nothing_to_retry_where_nothing_failed(filled: Filled):
    with pytest.raises(InputError, match=r"nothing of camera-01/junk\.mp4 was skipped"):
        ops.retry("camera-01/junk.mp4")
    with pytest.raises(InputError, match="no landed file"):
        ops.retry("camera-01/none.mp4")


def test_an_empty_lake_has_an_empty_list(empty):
    assert ops.quarantined().is_empty()


def test_ruling_twice_and_registering_again_change_nothing(copied: Filled):
    for _ in range(2):
        ops.rule_on("camera-01/gate.png", "released", reason="fine", by="me")
    register(copied.lake, copied.home / "landing")
    filling.run(copied.lake, "raw_media")
    assert ops.plan("raw_media")["summary"].to_list() == ["nothing due"]


def size_of(png: bytes | None) -> tuple[int, int]:
    assert png is not None
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return picture.size


def test_what_waits_is_one_picture(copied: Filled):
    width, height = size_of(ops.quarantine_sheet())
    ops.rule_on("camera-01/gate.png", "quarantined", reason="blurred")
    filling.run(copied.lake, "raw_media")
    assert size_of(ops.quarantine_sheet()) == (2 * width, height)
    assert size_of(ops.quarantine_sheet(reason="by_hand")) == (width, height)
    assert ops.quarantine_sheet(source="nobody") is None


def test_an_empty_lake_has_no_picture(empty):
    assert ops.quarantine_sheet() is None
