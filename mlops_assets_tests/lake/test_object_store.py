"""The same promises on an object store: S3, as moto plays it."""

from __future__ import annotations

import multiprocessing
import urllib.request
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from mlops_assets.errors import ConfigurationError, PartitionMoved
from mlops_assets.lake import MEDIA, Lake, Ledger, Store, Vault
from mlops_assets.lake.maintenance import compact_partition, vacuum_table
from mlops_assets.rows import bring, make_plan
from mlops_assets.rows.parameters import PARAMETERS, set_parameters
from mlops_assets_tests.rows import toys
from mlops_assets_tests.rows.crashes import crash_at

moto_server = pytest.importorskip("moto.server", reason="moto plays S3")

PARTITION = MEDIA.of("cam 1/é", "2026-11-20")
OTHER = MEDIA.of("cam-2", "2026-11-20")
_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(["mlops_assets_tests.rows.toys"])


def serve(told: Connection) -> None:
    """Play S3 until told to stop; in a process of its own, since native code may hold the GIL."""
    server = moto_server.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    told.send(server.get_host_and_port())
    told.recv()
    server.stop()


@pytest.fixture(scope="module")
def options() -> Iterator[dict[str, str]]:
    """Where moto listens, as object store options; with one bucket."""
    ours, theirs = _SPAWN.Pipe()
    server = _SPAWN.Process(target=serve, args=(theirs,))
    server.start()
    host, port = ours.recv()
    made = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    _make_bucket(made, "lakes")
    yield made
    ours.send("stop")
    server.join()


def _make_bucket(options: dict[str, str], name: str) -> None:
    url = f"{options['AWS_ENDPOINT_URL']}/{name}"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT")).close()


@pytest.fixture
def lake(options, request) -> Lake:
    return Lake.at(f"s3://lakes/{request.node.name}", options)


@pytest.fixture(autouse=True)
def notes():
    """The notes of a partition, to be changed by the test."""
    toys.NOTES.clear()
    toys.CALLS.clear()
    made = toys.NOTES[PARTITION.key] = {f"n{i}": (f"line {i}\nnext", "") for i in range(6)}
    yield made
    toys.NOTES.clear()


def test_a_graph_lives_on_an_object_store(lake, notes):
    notes["b"] = ("bad", "")
    graph = (toys.lines, toys.lengths, toys.summaries)
    for one in graph:
        bring(one.producer, lake, PARTITION)
    notes["n1"] = ("changed", "")
    del notes["n2"]
    for one in graph:
        bring(one.producer, lake, PARTITION)
        assert make_plan(one.producer, lake, PARTITION).is_empty
    lines = toys.lines.rows(lake, PARTITION).collect()
    assert sorted(lines["path"]) == ["n0", "n0", "n1", "n3", "n3", "n4", "n4", "n5", "n5"]
    assert toys.lines.rows(lake).collect()["source"].unique().to_list() == ["cam 1/é"]
    assert toys.summaries.rows(lake, PARTITION).collect()["count"].to_list() == [9]
    assert lake.scan("lines__skipped", PARTITION).collect()["path"].to_list() == ["b"]


def test_maintenance_works_on_an_object_store(lake, notes):
    bring(toys.lines.producer, lake, PARTITION)
    notes["n1"] = ("changed", "")
    bring(toys.lines.producer, lake, PARTITION)
    assert compact_partition(lake, "lines", PARTITION, at_least=2) is not None
    assert vacuum_table(lake, "lines", retention_hours=0)
    assert toys.lines.rows(lake, PARTITION).collect().height == 11
    assert make_plan(toys.lines.producer, lake, PARTITION).is_empty


def test_markers_are_objects_that_save_work(lake):
    with crash_at("marker", 2):
        bring(toys.words.producer, lake, PARTITION)
    assert len(list(lake.store.list("staging"))) == 2
    bring(toys.words.producer, lake, PARTITION)
    assert set(toys.CALLS.values()) == {1}
    assert list(lake.store.list("staging")) == []


def test_parameters_live_on_an_object_store(lake):
    set_parameters(toys.lines.producer, lake, {"repeat": 2}, by="test")
    assert isinstance(PARAMETERS, Ledger)
    assert PARAMETERS.latest(lake)["value"].to_list() == ["2"]


def test_the_vault_lives_on_an_object_store(lake, tmp_path: Path):
    for content in (b"", b"some bytes" * 100_000):
        (tmp_path / "landed").write_bytes(content)
        sha256 = lake.vault.keep(tmp_path / "landed")
        assert lake.vault.keep(tmp_path / "landed") == sha256
        assert lake.vault.read(sha256) == content
        assert lake.vault.verify(sha256)
        lake.store.put(Vault.path(sha256), b"bit rot")
        assert not lake.vault.verify(sha256)


def test_a_bucket_that_is_not_there_is_for_an_operator(options):
    lake = Lake.at("s3://no-such-bucket/lake", options)
    with pytest.raises(ConfigurationError, match="no-such-bucket"):
        bring(toys.lines.producer, lake, PARTITION)
    store = Store("s3://no-such-bucket/lake", options)
    for access in (
        lambda: store.put("a", b""),
        lambda: store.get("a"),
        lambda: list(store.list("a")),
    ):
        with pytest.raises(ConfigurationError, match="no-such-bucket"):
            access()


def test_options_may_be_those_of_any_library_that_reads_the_lake(options):
    of_delta = {"AWS_S3_ALLOW_UNSAFE_RENAME": "true", "AWS_CONDITIONAL_PUT": "etag"}
    store = Store("s3://lakes/options", {**options, **of_delta, "TIMEOUT": "30s"})
    store.put("a b/é", b"content")
    assert store.get("a b/é") == b"content"
    assert store.size("a b/é") == 7
    assert store.size("missing") is None
    store.delete(["a b/é", "missing"])
    assert list(store.list("")) == []


def test_an_option_nobody_knows_is_for_an_operator(options):
    store = Store("s3://lakes/options", {**options, "AWS_NONSENSE": "1"})
    with pytest.raises(ConfigurationError, match="aws_nonsense"):
        store.put("a", b"")


def run(lake: Lake, partition) -> None:
    for _ in range(20):
        try:
            bring(toys.drops.producer, lake, partition)
        except PartitionMoved:
            continue
        return
    raise SystemExit("moved each time")


def test_two_processes_write_one_table_on_an_object_store(lake):
    for partition in (PARTITION, OTHER):
        toys.write_notes(lake, partition, {f"n{i}": ("text", "") for i in range(8)})
    work = [PARTITION, PARTITION, OTHER]
    processes = [_SPAWN.Process(target=run, args=(lake, partition)) for partition in work]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 3
    for partition in (PARTITION, OTHER):
        stored = toys.drops.rows(lake, partition).collect()
        assert sorted(stored["path"]) == [f"n{i}" for i in range(8)]
