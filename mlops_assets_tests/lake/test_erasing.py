"""What is erased is nowhere: not in a version, not in a stray file, not in a log's statistics."""

from __future__ import annotations

import io

import polars as pl
import pytest
from deltalake import DeltaTable

from mlops_assets.errors import PartitionMoved
from mlops_assets.lake import MEDIA, Ledger, commit_partition
from mlops_assets.lake import erasing as module
from mlops_assets.lake.commits import base_of, stage
from mlops_assets.lake.erasing import Doomed, Erased, doomed_rows, erase_rows

HERE, THERE = MEDIA.of("camera-01", "2026-11-20"), MEDIA.of("camera-02", "2026-11-20")
SCHEMA = pl.Schema({"name": pl.String(), "tags": pl.List(pl.String()), "blob": pl.Binary()})
GONE = "f" * 64


def rows(*names: str) -> pl.DataFrame:
    values = [(name, [f"of {name}"], name.encode() * 9) for name in names]
    return pl.DataFrame(values, schema=SCHEMA, orient="row")


def add(lake, *names: str, partition=HERE, remove=()) -> str:
    staged = stage(lake, "things", partition, rows(*names))
    base = base_of(lake.snapshot("things"), partition)
    commit_partition(
        lake, "things", partition, base=base, add=[staged], remove=remove, schema=SCHEMA
    )
    return staged.path


def names(lake, version: int | None = None) -> list[str]:
    return sorted(lake.scan("things", version=version).collect()["name"].to_list())


def table(lake, version: int | None = None) -> DeltaTable:
    """As any other reader opens it."""
    options = lake.store.options or None
    return DeltaTable(lake.uri("things"), version=version, storage_options=options)


def traces(lake, said: str) -> list[str]:
    """Every object that holds a text: as bytes, or in a cell of a Parquet file."""
    found = []
    for entry in lake.store.list(""):
        content = lake.store.get(entry["path"])
        if entry["path"].endswith(".parquet"):
            cells = str(pl.read_parquet(io.BytesIO(content), hive_partitioning=False).to_dicts())
            content += cells.encode()
        if said.encode() in content:
            found.append(entry["path"])
    return found


def test_erased_rows_are_in_no_version_no_stray_file_and_no_log(lake):
    first = add(lake, "a", GONE)
    add(lake, "a", GONE, "b", remove=[first])
    add(lake, GONE, partition=THERE)
    add(lake, "z", partition=THERE)
    stray = stage(lake, "things", HERE, rows(GONE, "never committed"))
    table(lake).create_checkpoint()
    assert len(traces(lake, GONE)) > 5
    assert doomed_rows(lake, "things", Doomed((GONE,))) == 2
    assert erase_rows(lake, "things", Doomed((GONE,))) == Erased(2, 4)
    assert traces(lake, GONE) == []
    assert names(lake) == ["a", "b", "z"]
    assert lake.store.size(f"tables/things/{stray.path}") is None


def test_an_older_version_reads_as_it_was_less_what_was_erased(lake):
    first = add(lake, "a", GONE)
    was = lake.snapshot("things").version
    add(lake, "a", "b", remove=[first])
    table(lake).create_checkpoint()
    erase_rows(lake, "things", Doomed((GONE,)))
    assert names(lake, was) == ["a"]
    assert table(lake, was).to_pyarrow_table().num_rows == 1
    assert names(lake) == ["a", "b"]


def test_a_version_can_be_read_from_a_checkpoint_that_was_written_anew(lake):
    first = add(lake, "a", GONE)
    add(lake, "b")
    table(lake).create_checkpoint()
    was = lake.snapshot("things").version
    add(lake, "c", remove=[first])
    erase_rows(lake, "things", Doomed((GONE,)))
    lake.store.delete([f"tables/things/_delta_log/{number:020}.json" for number in range(was)])
    assert names(lake, was) == ["a", "b"]
    assert traces(lake, GONE) == []


def test_neighbours_are_not_touched(lake):
    add(lake, "a", GONE)
    other = add(lake, "b")
    content = lake.store.get(f"tables/things/{other}")
    before = lake.scan("things", HERE).filter(pl.col("name") != GONE).collect().sort("name")
    erase_rows(lake, "things", Doomed((GONE,)))
    assert lake.store.get(f"tables/things/{other}") == content
    assert lake.scan("things", HERE).collect().sort("name").equals(before)


def test_a_file_of_nothing_else_is_left_empty_and_its_version_readable(lake):
    first = add(lake, GONE)
    add(lake, "a", remove=[first])
    erase_rows(lake, "things", Doomed((GONE,)))
    assert names(lake, 1) == []
    assert table(lake, 1).to_pyarrow_table().num_rows == 0


def test_rows_go_by_key_in_their_partition_only(lake):
    add(lake, "a", "b")
    add(lake, "a", partition=THERE)
    keys = {HERE.folder: pl.DataFrame({"name": ["a"]})}
    assert erase_rows(lake, "things", Doomed((), keys)) == Erased(1, 1)
    assert sorted(lake.scan("things").select("source", "name").collect().rows()) == [
        ("camera-01", "b"),
        ("camera-02", "a"),
    ]


def test_names_are_found_in_lists_and_rows_may_be_spared(lake):
    add(lake, "a", "b")
    assert doomed_rows(lake, "things", Doomed(("of a",))) == 1
    spare = pl.col("name") == "a"
    assert erase_rows(lake, "things", Doomed(("of ",), spare=spare)) == Erased(1, 1)
    assert names(lake) == ["a"]


def test_doing_it_again_changes_nothing(lake):
    add(lake, "a", GONE)
    erase_rows(lake, "things", Doomed((GONE,)))
    before = {entry["path"]: lake.store.get(entry["path"]) for entry in lake.store.list("")}
    assert erase_rows(lake, "things", Doomed((GONE,))) == Erased(0, 0)
    assert before == {e["path"]: lake.store.get(e["path"]) for e in lake.store.list("")}
    assert erase_rows(lake, "no such table", Doomed((GONE,))) == Erased(0, 0)


def test_who_planned_before_plans_again(lake):
    add(lake, "a")
    planned = base_of(lake.snapshot("things"), HERE)
    erase_rows(lake, "things", Doomed((GONE,)), disturb=[HERE, THERE])
    staged = stage(lake, "things", HERE, rows(GONE))
    with pytest.raises(PartitionMoved):
        commit_partition(lake, "things", HERE, base=planned, add=[staged], schema=SCHEMA)
    assert names(lake) == ["a"]


def test_another_writer_in_between_costs_a_second_look(lake, monkeypatch):
    add(lake, GONE, "a")
    plain, meddled = module.commit_partition, []

    def meddling(*args, **more):
        if not meddled:
            meddled.append(add(lake, "b", GONE))
        return plain(*args, **more)

    monkeypatch.setattr(module, "commit_partition", meddling)
    assert erase_rows(lake, "things", Doomed((GONE,))).rows == 2
    assert names(lake) == ["a", "b"]


@pytest.mark.parametrize("dies_at", ["_erase_older", "restate_files", "_erase_file"])
def test_killed_at_any_step_the_next_call_completes_it(lake, monkeypatch, dies_at):
    first = add(lake, "a", GONE)
    add(lake, "a", GONE, remove=[first])
    with monkeypatch.context() as patch:
        patch.setattr(module, dies_at, lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase_rows(lake, "things", Doomed((GONE,)))
    assert names(lake) == ["a"]
    erase_rows(lake, "things", Doomed((GONE,)))
    assert traces(lake, GONE) == []
    assert names(lake, 1) == ["a"]


def test_statements_of_a_ledger_go_while_others_are_added(lake):
    from datetime import UTC, datetime

    time = pl.Datetime("us", "UTC")
    ledger = Ledger("said", pl.Schema({"of": pl.String(), "recorded_at": time}), ("of",))
    for name in ("a", GONE, "b"):
        now = [datetime.now(UTC)]
        ledger.append(lake, pl.DataFrame({"of": [name], "recorded_at": now}, schema=ledger.schema))
    assert erase_rows(lake, "said", Doomed((GONE,))).rows == 1
    assert ledger.statements(lake)["of"].to_list() == ["a", "b"]
    ledger.append(lake, ledger.statements(lake))
    assert traces(lake, GONE) == []
    assert ledger.statements(lake).height == 4


def test_what_a_vacuum_removed_leaves_no_statistics(lake):
    first = add(lake, "a", GONE)
    add(lake, "a", remove=[first])
    lake.store.delete([f"tables/things/{first}"])
    assert traces(lake, GONE)
    erase_rows(lake, "things", Doomed((GONE,)))
    assert traces(lake, GONE) == []
