"""Rows of settings become connectors; what is wrong in one is said, and no secret is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import MEDIA, Lake
from mlops_assets.lake.commits import stage
from mlops_assets.lake.residency import require_residence
from mlops_assets.landing import (
    ARRIVALS,
    FAILURES,
    Budget,
    Rota,
    Source,
    open_failures,
    register_all,
    stated_sources,
)
from mlops_assets.landing.arrivals import known_arrivals
from mlops_assets.landing.connectors.bucket import BucketConnector
from mlops_assets.landing.connectors.folder import FolderConnector
from mlops_assets.landing.connectors.synthetic import SyntheticConnector
from mlops_assets.operations.landing import all_sources, land_sources, waiting_arrivals
from mlops_assets.settings import SourceRow, settings

State = Callable[[str], None]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """State sources, as an operator does, in a home of its own."""
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLOPS_SETTLE_S", "0")

    def said(text: str) -> None:
        monkeypatch.setenv("MLOPS_SOURCES", text)
        settings.cache_clear()

    settings.cache_clear()
    yield said
    settings.cache_clear()


def paths(lake: Lake) -> set[str]:
    rows = known_arrivals(lake).select("source", "path").iter_rows()
    return {"/".join(row) for row in rows}


def test_a_row_is_a_source(state: State):
    state('[demo]\nconnector = "synthetic"\ncount = 3\nevery_s = 5\n[zone]\nmax_item_gb = 1\n')
    (demo,) = stated_sources()
    assert demo.connector == SyntheticConnector(3)
    assert demo.row.every_s == 5
    assert settings().source_rows["zone"].max_item_gb == 1


def test_rows_are_read_from_a_file(state: State, tmp_path: Path):
    file = tmp_path / "sources.toml"
    file.write_text('["north gate"]\nconnector = "folder"\nfolder = "/media"\n')
    state(str(file))
    (source,) = stated_sources()
    assert (source.name, source.connector) == ("north gate", FolderConnector("/media"))


def test_the_file_in_the_home_needs_no_setting(state: State):
    settings().home.mkdir()
    (settings().home / "sources.toml").write_text('[demo]\nconnector = "synthetic"\n')
    settings.cache_clear()
    assert [source.name for source in stated_sources()] == ["demo"]


def test_nothing_is_stated_by_default(state: State):
    assert stated_sources() == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[demo\nx = 1", "expected TOML"),
        ("demo = 1", "demo"),
        ('[demo]\nconnector = "synthetic"\nevery_s = -1', "every_s"),
    ],
)
def test_sources_that_cannot_be_read_stop_the_look(state: State, text: str, said: str):
    state(text)
    with pytest.raises(ConfigurationError, match=said):
        stated_sources()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('connector = "synthetik"', "expected module:Class, or one of .*synthetic"),
        ('connector = "no.such:Thing"', "cannot import"),
        ('connector = "mlops_assets.settings:Settings"', "no subclass of Connector"),
        ('connector = "synthetic"\ncont = 3', "cont is no option of synthetic; .*count"),
        ('connector = "synthetic"\ncount = "many"', "count: .*integer"),
        ('connector = "bucket"', "bucket: Field required"),
        ('connector = "bucket"\nbucket = "b"\naccess_key_id = "AKIA"', "holds a secret"),
        ('connector = "stream"\nurl = "rtsp://me:pw@cam/1"', "holds a secret"),
        ('connector = "database"\ntable = "t"\nkey = "k"\nurl = "${NOT_SET}"', "NOT_SET.* not set"),
    ],
)
def test_a_row_that_is_wrong_is_told_and_costs_the_others_nothing(
    state: State, lake: Lake, row: str, said: str
):
    state(f'[bad]\n{row}\n[good]\nconnector = "synthetic"\ncount = 1\n')
    bad, good = stated_sources()
    with pytest.raises(ConfigurationError, match=said) as caught:
        _ = bad.connector
    assert "AKIA" not in str(caught.value)
    assert "me:pw" not in str(caught.value)
    assert register_all(lake, [bad, good], budget=Budget()).files == 1
    failed = open_failures(lake).row(0, named=True)
    assert (failed["source"], failed["path"], failed["reason"]) == ("bad", "", "misconfigured")


def test_secrets_come_from_the_environment(state: State, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GATE_KEY", "k3y")
    state('[gate]\nconnector = "bucket"\nbucket = "b"\nsecret_access_key = "${GATE_KEY}"')
    (gate,) = stated_sources()
    assert isinstance(gate.connector, BucketConnector)
    assert gate.connector.secret_access_key == "k3y"
    assert "k3y" not in repr(gate.connector) + gate.connector.describe()


def test_an_announced_connector_is_known_by_its_name(state: State, monkeypatch: pytest.MonkeyPatch):
    from importlib.metadata import EntryPoint

    mine = EntryPoint("mine", f"{SyntheticConnector.__module__}:SyntheticConnector", "")
    monkeypatch.setattr("mlops_assets.landing.sources.entry_points", lambda group: [mine])
    state('[demo]\nconnector = "mine"\ncount = 1')
    (demo,) = stated_sources()
    assert isinstance(demo.connector, SyntheticConnector)


def test_the_landing_zone_and_the_stated_sources_land_together(state: State, lake: Lake):
    state('[demo]\nconnector = "synthetic"\ncount = 2\n')
    zone = settings().landing_folder / "camera"
    zone.mkdir(parents=True)
    (zone / "a.txt").write_text("a")
    assert land_sources(lake).files == 3
    assert paths(lake) == {"camera/a.txt", "demo/still-000000.jpg", "demo/still-000001.jpg"}


def test_a_landing_zone_is_not_needed_beside_stated_sources(state: State, lake: Lake):
    with pytest.raises(ConfigurationError, match="is no folder"):
        all_sources()
    state('[demo]\nconnector = "synthetic"\n')
    assert [one.name for one in all_sources()] == ["demo"]


def test_a_source_is_a_connector_or_a_folder_and_not_both(state: State, lake: Lake):
    state('[demo]\nconnector = "synthetic"\ncount = 1\n')
    folder = settings().landing_folder / "demo"
    folder.mkdir(parents=True)
    assert land_sources(lake).files == 1
    assert "a folder of the landing zone" in open_failures(lake)["message"].item()
    version = FAILURES.version(lake)
    state('[demo]\nconnector = "synthetic"\ncount = 2\n')
    register_all(lake, all_sources(), budget=Budget())
    assert known_arrivals(lake).height == 2
    assert FAILURES.version(lake) == version
    state("")
    land_sources(lake)
    assert open_failures(lake).is_empty()


def test_a_source_waits_for_its_turn(state: State, lake: Lake):
    state('[demo]\nconnector = "synthetic"\nevery_s = 3600\n')
    rota = Rota()
    assert list(rota.due(stated_sources())) == list(stated_sources())
    assert list(rota.due(stated_sources())) == []


def test_who_waited_longest_comes_first():
    rota = Rota({"a": 3.0, "b": 1.0})
    sources = [Source(name, SourceRow(), SyntheticConnector()) for name in "abc"]
    assert [one.name for one in rota.due(sources)] == ["c", "b", "a"]


def test_nothing_is_listed_while_too_much_waits(
    state: State, lake: Lake, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLOPS_BACKLOG_FILES", "3")
    state('[demo]\nconnector = "synthetic"\ncount = 10\nevery_s = 0\n')
    assert land_sources(lake).files == 3
    assert waiting_arrivals(lake) == 3
    landed = land_sources(lake)
    assert (landed.files, landed.left) == (0, 3)
    reach(lake)
    assert land_sources(lake).files == 3
    assert ARRIVALS.statements(lake).height == 6


def reach(lake: Lake) -> None:
    """State that every partition has been brought up."""
    from mlops_assets.operations.behind import note

    for source, day in known_arrivals(lake).select("source", "day").unique().iter_rows():
        note(lake, MEDIA.of(source, day), "reached", digest="", run_id="")


def test_bytes_stay_where_they_may_lie(state: State, lake: Lake, tmp_path: Path):
    state(
        '[here]\nconnector = "synthetic"\ncount = 1\n'
        f'allowed_stores = ["s3://eu/", "{tmp_path}"]\n'
        '[there]\nconnector = "synthetic"\ncount = 1\nseed = 7\nallowed_stores = ["s3://eu/"]\n'
    )
    assert land_sources(lake).files == 1
    failed = open_failures(lake).row(0, named=True)
    assert (failed["source"], failed["reason"]) == ("there", "misconfigured")
    assert f"may not be stored in {lake.store.root}" in failed["message"]
    kept = [one for one in (tmp_path / "lake" / "vault").rglob("*") if one.is_file()]
    assert len(kept) == 1


def test_rows_of_a_source_are_not_staged_where_they_may_not_lie(state: State, lake: Lake):
    import polars as pl

    state('[there]\nallowed_stores = ["s3://eu/"]')
    rows = pl.DataFrame({"key": ["a"]})
    stage(lake, "notes", MEDIA.of("here", "2026-11-20"), rows)
    with pytest.raises(ConfigurationError, match="source there may not be stored"):
        stage(lake, "notes", MEDIA.of("there", "2026-11-20"), rows)
    assert len(list(Path(lake.store.root).rglob("*.parquet"))) == 1


@pytest.mark.parametrize(
    ("place", "is_allowed"),
    [
        ("s3://eu/lake", True),
        ("s3://eu", True),
        ("S3://eu/lake/", True),
        ("s3://eu-evil/lake", False),
        ("s3://eu/../us/lake", False),
        ("s3://us/s3://eu/", False),
        ("gs://eu/lake", False),
        ("/srv/eu/lake", True),
        ("/srv/eu/../us", False),
        ("/srv/europe", False),
    ],
)
def test_a_prefix_is_a_prefix_of_folders(state: State, place: str, is_allowed: bool):
    state('[a]\nallowed_stores = ["s3://eu/", "/srv/eu"]')
    if is_allowed:
        require_residence("a", place)
    else:
        with pytest.raises(ConfigurationError, match="may not be stored"):
            require_residence("a", place)
    require_residence("another", place)


def test_a_link_does_not_lead_out_of_what_is_allowed(state: State, tmp_path: Path):
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    allowed.mkdir()
    other.mkdir()
    (allowed / "link").symlink_to(other)
    state(f'[a]\nallowed_stores = ["{allowed}"]')
    require_residence("a", str(allowed / "lake"))
    with pytest.raises(ConfigurationError):
        require_residence("a", str(allowed / "link" / "lake"))
