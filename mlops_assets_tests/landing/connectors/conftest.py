from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_assets.landing.connectors import bucket, connector, database, synthetic
from mlops_assets_tests.landing.connectors import worlds
from mlops_assets_tests.landing.connectors.servers import (
    Files,
    playing_s3,
    running_postgres,
    serving,
)

CHANGING = ("folder", "bucket", "manifest", "index", "sqlite", "postgres")
EVERY = (*CHANGING, "stream", "synthetic")


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    with playing_s3() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture
def server() -> Iterator[Files]:
    with serving() as told:
        yield told


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connector, bucket, database, synthetic):
        monkeypatch.setattr(module, "PAGE_ITEMS", 2)


@pytest.fixture(params=EVERY)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> worlds.World:
    return make(request, tmp_path)


@pytest.fixture(params=CHANGING)
def changing(request: pytest.FixtureRequest, tmp_path: Path) -> worlds.World:
    return make(request, tmp_path)


def make(request: pytest.FixtureRequest, tmp_path: Path) -> worlds.World:
    """A world of the kind that the test is about."""
    name = f"t{uuid.uuid4().hex[:12]}"
    match request.param:
        case "folder":
            return worlds.FolderWorld(tmp_path / "zone")
        case "bucket":
            return worlds.BucketWorld(request.getfixturevalue("s3"), name)
        case "manifest":
            return worlds.ManifestWorld(request.getfixturevalue("server"))
        case "index":
            return worlds.IndexWorld(request.getfixturevalue("server"))
        case "sqlite":
            return worlds.SqliteWorld(tmp_path / "media.db")
        case "postgres":
            return worlds.PostgresWorld(request.getfixturevalue("postgres"), name)
        case "stream":
            return worlds.StreamWorld(request.getfixturevalue("server"), tmp_path / "spool")
        case _:
            return worlds.SyntheticWorld()
