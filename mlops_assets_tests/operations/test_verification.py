"""Verify finds what was spoiled on purpose, and nothing in a lake that is right."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mlops_assets import operations as ops
from mlops_assets.lake import commit_partition
from mlops_assets.lake.commits import base_of, stage
from mlops_assets.tables import all_tables
from mlops_assets_tests.operations.conftest import Filled


def rewrite(filled: Filled, name: str, rows: pl.DataFrame, *, keep: bool = False) -> None:
    table, lake = all_tables()[name], filled.lake
    base = base_of(lake.snapshot(name), filled.partition)
    staged = stage(lake, name, filled.partition, rows.select(list(table.schema)))
    commit_partition(
        lake,
        name,
        filled.partition,
        base=base,
        add=[staged],
        remove=[] if keep else sorted(base.paths),
        schema=table.schema,
    )


def found(**options) -> set[tuple[str, str]]:
    return set(ops.verify(**options).select("table", "problem").rows())


def test_a_lake_that_was_brought_is_right(filled: Filled):
    told = []
    assert ops.verify(progress=lambda done, total: told.append((done, total))).is_empty()
    assert told[-1][0] == told[-1][1] == len(told)
    assert ops.verify(quick=True).is_empty()
    assert ops.verify(table="frames", partition=filled.partition.key).is_empty()


def test_a_deleted_row_is_found(copied: Filled):
    rows = all_tables()["predictions"].rows(copied.lake).collect()
    rewrite(copied, "predictions", rows.head(4))
    assert ("predictions", "due") in found()


def test_a_doubled_file_is_found(copied: Filled):
    rows = all_tables()["labels"].rows(copied.lake).collect()
    rewrite(copied, "labels", rows, keep=True)
    assert found(quick=True) == {("labels", "doubled")}


def test_a_row_with_a_wrong_fingerprint_is_found(copied: Filled):
    rows = all_tables()["labels"].rows(copied.lake).collect()
    rewrite(copied, "labels", rows.with_columns(label=pl.lit("cat")))
    assert found(table="labels") == {("labels", "wrong_fingerprint")}
    assert found(table="labels", quick=True) == set()


def test_media_accepted_twice_are_found(copied: Filled):
    rows = all_tables()["raw_media"].rows(copied.lake).collect()
    rewrite(copied, "raw_media", rows.with_columns(status=pl.lit("accepted")))
    assert ("raw_media", "accepted_twice") in found(quick=True)


def vault_file(filled: Filled, path: str) -> Path:
    rows = all_tables()["raw_media"].rows(filled.lake).filter(pl.col("path") == path)
    return filled.home / "lake" / rows.select("vault_path").collect().item()


def test_a_changed_byte_in_the_vault_is_found(copied: Filled):
    file = vault_file(copied, "moving.mp4")
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    problems = ops.verify()
    assert problems.select("table", "problem").rows() == [("vault", "bytes_changed")]
    assert "camera-01/" in problems["message"][0]
    assert found(quick=True) == set()


def test_bytes_gone_from_the_vault_are_found(copied: Filled):
    vault_file(copied, "gate.png").unlink()
    assert found(quick=True) == {("vault", "bytes_lost")}
    assert found(table="raw_media") == set()


def test_a_snapshot_whose_pinned_files_are_gone_is_found(copied: Filled):
    snapshot = copied.lake.snapshot("frame_embeddings")
    assert snapshot is not None
    pinned = Path(snapshot.uri(snapshot.of(copied.partition)["path"][0]))
    rows = all_tables()["frame_embeddings"].rows(copied.lake).collect()
    rewrite(copied, "frame_embeddings", rows)
    assert found() == set()
    pinned.unlink()
    assert found(quick=True) == {("snapshots", "snapshot_lost")}
