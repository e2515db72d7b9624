"""Verify finds every way in which stored rows can differ from what they should be."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from mlops_assets.lake import MEDIA, Lake, commit_partition
from mlops_assets.lake.commits import base_of, stage
from mlops_assets.rows import bring
from mlops_assets.rows.fingerprints import fingerprint
from mlops_assets.rows.verify import verify
from mlops_assets_tests.rows import toys

HERE, THERE = MEDIA.of("cam 1", "2026-11-20"), MEDIA.of("cam 1", "2026-11-21")


@pytest.fixture
def filled(lake: Lake) -> Lake:
    toys.write_notes(lake, HERE, {"a": ("one\ntwo\nthree 3", "x"), "b": ("uno", "y")})
    toys.write_notes(lake, THERE, {"c": ("elsewhere", "")})
    for partition in (HERE, THERE):
        for table in toys.ALL:
            bring(table.producer, lake, partition)
    return lake


def problems(lake: Lake, table, *, quick: bool = False) -> dict[str, list[str]]:
    found = verify(table.producer, lake, HERE, quick=quick)
    grouped = found.group_by("problem", maintain_order=True).agg("key")
    return dict(grouped.iter_rows())


def rewrite(lake: Lake, table, rows: pl.DataFrame, *, keep: bool = False) -> None:
    """Commit other rows of the partition, as a faulty writer of this platform would."""
    base = base_of(lake.snapshot(table.name), HERE)
    staged = stage(lake, table.name, HERE, rows.select(list(table.schema)))
    gone = [] if keep else sorted(base.paths)
    commit_partition(
        lake, table.name, HERE, base=base, add=[staged], remove=gone, schema=table.schema
    )


def stored(lake: Lake, table) -> pl.DataFrame:
    return table.rows(lake, HERE).collect()


def test_what_runs_left_is_right(filled: Lake):
    for table in toys.ALL:
        for partition in (HERE, THERE):
            assert verify(table.producer, filled, partition).is_empty()


def test_a_partition_that_never_was_is_right(lake: Lake):
    assert verify(toys.lines.producer, lake, HERE).is_empty()


def test_a_deleted_row_is_found(filled: Lake):
    rewrite(filled, toys.lengths, stored(filled, toys.lengths).filter(pl.col("line_id") != "a#1"))
    assert problems(filled, toys.lengths) == {"due": ["a#1"]}


def test_rows_deleted_by_another_program_are_found(filled: Lake):
    DeltaTable(filled.uri("lines")).delete("line_id = 'a#1'")
    found = problems(filled, toys.lines)
    assert list(found) == ["foreign_file"]


def test_a_doubled_file_is_found(filled: Lake):
    rewrite(filled, toys.lengths, stored(filled, toys.lengths).head(2), keep=True)
    found = problems(filled, toys.lengths)
    assert sorted(found["doubled"]) == sorted(stored(filled, toys.lengths)["line_id"].head(2))


def test_doubled_parents_are_found_in_their_children_too(filled: Lake):
    rewrite(filled, toys.lines, stored(filled, toys.lines).head(1), keep=True)
    assert "doubled" in problems(filled, toys.lines)
    assert "units" in problems(filled, toys.lengths)


def test_a_wrong_fingerprint_is_found(filled: Lake):
    rows = stored(filled, toys.lengths)
    rewrite(filled, toys.lengths, rows.with_columns(_fp=pl.col("_fp") + 1))
    found = problems(filled, toys.lengths)
    assert sorted(found["wrong_fingerprint"]) == sorted(rows["line_id"])
    assert "wrong_fingerprint" not in problems(filled, toys.lengths, quick=True)


def test_a_changed_value_is_found_by_its_fingerprint(filled: Lake):
    rows = stored(filled, toys.lengths)
    changed = pl.when(pl.col("line_id") == "a#0").then(99).otherwise(pl.col("characters"))
    rewrite(filled, toys.lengths, rows.with_columns(characters=changed))
    assert problems(filled, toys.lengths) == {"wrong_fingerprint": ["a#0"]}


def test_a_wrong_fingerprint_of_a_column_group_is_found(filled: Lake):
    rows = stored(filled, toys.lines)
    one = pl.when(pl.col("line_id") == "a#0").then(7).otherwise(pl.col("_fp_text_only"))
    rewrite(filled, toys.lines, rows.with_columns(_fp_text_only=one))
    assert problems(filled, toys.lines) == {"wrong_fingerprint": ["a#0"]}


def test_a_column_group_that_had_other_columns_is_one_problem_of_a_file(filled: Lake):
    rows = stored(filled, toys.lines)
    rewrite(filled, toys.lines, rows.with_columns(_fp_text_only=pl.col("_fp_text_only") + 1))
    found = verify(toys.lines.producer, filled, HERE)
    assert found["problem"].to_list() == ["other_group"]
    assert "raise the version" in found["message"][0]


def test_a_row_without_a_parent_is_found(filled: Lake):
    extra = stored(filled, toys.lengths).head(1).with_columns(line_id=pl.lit("z#0"))
    extra = extra.with_columns(fingerprint(extra, ["line_id", "characters"]))
    rewrite(filled, toys.lengths, extra, keep=True)
    assert problems(filled, toys.lengths) == {"orphan": ["z#0"]}


def test_a_lost_a_cut_and_an_unreadable_file_are_found(filled: Lake):
    snapshot = filled.snapshot("lengths")
    assert snapshot is not None
    path = snapshot.of(HERE)["path"][0]
    file = Path(snapshot.uri(path))
    whole = file.read_bytes()
    file.write_bytes(b"\0" * len(whole))
    assert "unreadable" in problems(filled, toys.lengths)
    file.write_bytes(whole[:-10])
    assert problems(filled, toys.lengths) == {"file_changed": [path]}
    file.unlink()
    assert problems(filled, toys.lengths, quick=True) == {"file_lost": [path]}


def test_a_landed_note_is_due_until_a_run_has_come(filled: Lake):
    toys.write_notes(filled, HERE, {"a": ("one\ntwo\nthree 3", "x"), "new": ("fresh", "")})
    assert problems(filled, toys.lines) == {"due": ["new"], "orphan": ["b"]}
    bring(toys.lines.producer, filled, HERE)
    assert problems(filled, toys.lines) == {}
