"""What only a database does: rows of one second, rows that come late, URIs that lead elsewhere."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest

from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.landing import Item, Scratch
from mlops_assets.landing.connectors.database import DatabaseConnector
from mlops_assets_tests.landing.connectors.servers import Files


class Media:
    """A table of media in SQLite."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.do("CREATE TABLE media (id INTEGER PRIMARY KEY, name, content, uri, said, changed)")

    def do(self, query: str, *values: object) -> None:
        connection = sqlite3.connect(self.file)
        with connection:
            connection.execute(query, values)
        connection.close()

    def add(self, key: int, **values: object) -> None:
        told = {"name": f"{key}.txt", "content": b"x", "changed": "2026-11-20 07:00:00", **values}
        marks = ", ".join("?" for _ in told)
        self.do(
            f"INSERT INTO media (id, {', '.join(told)}) VALUES (?, {marks})", key, *told.values()
        )

    def connector(self, **options) -> DatabaseConnector:
        given = {"blob": "content", "name": "name", "changed": "changed", **options}
        return DatabaseConnector("media", "id", f"sqlite:///{self.file}", **given)


@pytest.fixture
def media(tmp_path: Path) -> Media:
    return Media(tmp_path / "media.db")


def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "bytes", 10**9, time.monotonic() + 60)


def look(connector: DatabaseConnector, cursor: str | None = None) -> tuple[list[Item], str | None]:
    items: list[Item] = []
    for page in connector.list_since(cursor):
        items += page.items
        cursor = page.cursor
    return items, cursor


def names(found: tuple[list[Item], str | None]) -> list[str]:
    return [item.name for item in found[0]]


@pytest.mark.usefixtures("pages_of_two")
@pytest.mark.parametrize("same", ["2026-11-20 07:00:00", "2026-11-20T07:00:00.5+01:00", 17, 1.5])
def test_many_rows_of_one_change_are_all_listed(media: Media, same: object):
    for key in range(5):
        media.add(key, changed=same)
    assert names(look(media.connector())) == [f"{key}.txt" for key in range(5)]


def test_rows_that_come_late_are_seen(media: Media):
    media.add(1, changed="2026-11-20 07:00:00")
    _, cursor = look(media.connector())
    media.add(2, changed="2026-11-20 06:56:00")
    assert "2.txt" in names(look(media.connector(), cursor))
    media.add(3, changed="2026-11-20 06:54:00")
    assert "3.txt" not in names(look(media.connector(), cursor))
    assert "3.txt" in names(look(media.connector(overlap=3600), cursor))


@pytest.mark.usefixtures("pages_of_two")
def test_a_listing_that_stopped_goes_on_behind_its_page(media: Media):
    for key in range(6):
        media.add(key)
    pages = media.connector().list_since(None)
    next(pages)
    cursor = next(pages).cursor
    assert names(look(media.connector(), cursor)) == ["4.txt", "5.txt"]


def test_what_is_known_of_an_item_is_its_sidecar(media: Media, tmp_path: Path):
    media.add(1, said='{"caption": "é"}')
    connector = media.connector(sidecar="said")
    items, _ = look(connector)
    assert [item.path for item in items] == ["1.txt", "1.txt.json"]
    told = connector.open(items[1], scratch(tmp_path)).read_bytes()
    assert json.loads(told) == {"caption": "é"}


def test_a_large_blob_is_read_in_pieces(
    media: Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mlops_assets.landing.connectors.database._CHUNK", 7)
    content = bytes(range(256))
    media.add(1, content=content)
    (item,), _ = look(media.connector())
    assert item.size_bytes == 256
    assert media.connector().open(item, scratch(tmp_path)).read_bytes() == content


def opened(media: Media, tmp_path: Path, uri: str, **options) -> bytes:
    media.add(1, uri=uri)
    connector = media.connector(blob="", uri="uri", **options)
    (item,), _ = look(connector)
    return connector.open(item, scratch(tmp_path)).read_bytes()


def test_a_uri_below_a_folder_is_read(media: Media, tmp_path: Path):
    base = tmp_path / "base"
    (base / "d").mkdir(parents=True)
    (base / "d" / "a.txt").write_text("here")
    assert opened(media, tmp_path, "d/a.txt", base=str(base)) == b"here"


@pytest.mark.parametrize(
    "uri", ["../secret", "/etc/passwd", "file:///etc/passwd", "link", "d/../../secret", "a\0b", ""]
)
def test_a_uri_that_leads_out_of_its_folder_is_one_bad_item(media: Media, tmp_path: Path, uri: str):
    base = tmp_path / "base"
    base.mkdir()
    (tmp_path / "secret").write_text("secret")
    (base / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError) as caught:
        opened(media, tmp_path, uri, base=str(base))
    assert caught.value.reason in ("leads_outside", "vanished")


def test_a_uri_below_a_url_is_fetched(media: Media, tmp_path: Path, server: Files):
    server.files["/m/a.txt"] = b"there"
    base = f"{server.url}/m/"
    assert opened(media, tmp_path, "a.txt", base=base, allow_private=True) == b"there"


@pytest.mark.parametrize("uri", ["../a", "http://169.254.169.254/x", "/a", "http://[", "//h/m/a"])
def test_a_uri_that_leads_off_its_url_is_one_bad_item(
    media: Media, tmp_path: Path, server: Files, uri: str
):
    server.files["/a"] = b"not for us"
    with pytest.raises(InputError) as caught:
        opened(media, tmp_path, uri, base=f"{server.url}/m/", allow_private=True)
    assert caught.value.reason == "leads_outside"
    assert server.asked == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "nam"}, "no column nam"),
        ({"blob": "content", "uri": "uri"}, "blob or uri"),
        ({"blob": "", "uri": ""}, "blob or uri"),
    ],
)
def test_a_column_that_is_not_there_is_for_the_operator(media: Media, options: dict, said: str):
    with pytest.raises(ConfigurationError, match=said):
        look(media.connector(**options))


def test_a_table_that_is_not_there_is_for_the_operator(media: Media):
    connector = DatabaseConnector("other", "id", f"sqlite:///{media.file}", blob="content")
    with pytest.raises(ConfigurationError, match="no such table"):
        look(connector)


def test_a_hostile_name_of_a_table_is_a_name(media: Media):
    table = 'media"; DROP TABLE media; --'
    with pytest.raises(ConfigurationError, match="no such table"):
        look(DatabaseConnector(table, "id", f"sqlite:///{media.file}", blob="content"))
    media.add(1)
    assert names(look(media.connector())) == ["1.txt"]


def test_the_database_is_only_read(media: Media):
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    with (
        media.connector()._engine.connect() as connection,
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.execute(text("DELETE FROM media"))
