"""A small table to write: rows, and the shortest ways to add, replace and read them."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from mlops_assets.lake import MEDIA, Lake, Partition
from mlops_assets.lake.commits import StagedFile, base_of, commit_partition, stage

SCHEMA = pl.Schema({"key": pl.String(), "number": pl.Int64(), "share": pl.Float64()})
PARTITION = MEDIA.of("cam 1", "2026-11-20")
OTHER = MEDIA.of("cam-2", "2026-11-20")


def frame(numbers: Iterable[int]) -> pl.DataFrame:
    rows = [(f"k{number}", number, number / 2) for number in numbers]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def add(lake: Lake, partition: Partition, *files: Iterable[int]) -> list[StagedFile]:
    """Commit one file per group of numbers."""
    staged = [stage(lake, "things", partition, frame(numbers)) for numbers in files]
    base = base_of(lake.snapshot("things"), partition)
    commit_partition(lake, "things", partition, base=base, add=staged, schema=SCHEMA)
    return staged


def replace(lake: Lake, partition: Partition, remove: list[str], numbers: Iterable[int]) -> None:
    """Commit one file for others."""
    staged = stage(lake, "things", partition, frame(numbers))
    base = base_of(lake.snapshot("things"), partition)
    change = {"add": [staged], "remove": remove, "schema": SCHEMA}
    commit_partition(lake, "things", partition, base=base, **change)


def numbers(
    lake: Lake, partition: Partition | None = None, version: int | None = None
) -> list[int]:
    """What is stored, sorted."""
    rows = lake.scan("things", partition, version)
    return [] if rows is None else sorted(rows.select("number").collect()["number"])
