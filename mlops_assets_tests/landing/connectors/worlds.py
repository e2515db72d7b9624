"""Where media come from, in the tests: each world can be filled, changed and looked at anew."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from mlops_assets.landing import Connector
from mlops_assets.landing.connectors.bucket import BucketConnector
from mlops_assets.landing.connectors.database import DatabaseConnector
from mlops_assets.landing.connectors.folder import FolderConnector
from mlops_assets.landing.connectors.manifest import ManifestConnector
from mlops_assets.landing.connectors.recording import record
from mlops_assets.landing.connectors.stream import StreamConnector
from mlops_assets.landing.connectors.synthetic import SyntheticConnector
from mlops_assets.samples import render_clip
from mlops_assets_tests.landing.connectors.servers import Files

START = datetime(2026, 11, 20, 7, tzinfo=UTC)


class World(ABC):
    """One source of each kind.

    Attributes:
        can_change: whether items can be put, replaced and removed one by one.
    """

    can_change = True

    @abstractmethod
    def connector(self) -> Connector:
        """A new connector, as after a restart."""

    @abstractmethod
    def put(self, name: str, content: bytes) -> None:
        """Offer an item, or a new version of it."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Offer it no longer."""

    def fill(self, count: int) -> dict[str, bytes | None]:
        """Offer some items; their contents, where they are known beforehand."""
        offered = {f"{number:03}.txt": f"note {number}".encode() for number in range(count)}
        for name, content in offered.items():
            self.put(name, content)
        return dict(offered)

    def cut_off(self) -> Connector:
        """A connector to where nobody answers."""
        raise NotImplementedError


class FolderWorld(World):
    def __init__(self, folder: Path) -> None:
        self.folder, self.version = folder, 0
        folder.mkdir()

    def connector(self) -> Connector:
        return FolderConnector(str(self.folder))

    def put(self, name: str, content: bytes) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self.version += 1
        os.utime(file, (1_790_000_000 + self.version, 1_790_000_000 + self.version))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def cut_off(self) -> Connector:
        return FolderConnector(str(self.folder / "nowhere"))


class BucketWorld(World):
    def __init__(self, endpoint: str, bucket: str, *, keys_grow: bool = False) -> None:
        self.endpoint, self.bucket, self.keys_grow = endpoint, bucket, keys_grow
        self.client = self.connector()._client
        self.client.create_bucket(Bucket=bucket)

    def connector(self) -> BucketConnector:
        return self._at(self.endpoint)

    def _at(self, endpoint: str) -> BucketConnector:
        return BucketConnector(
            self.bucket,
            "in/",
            endpoint,
            "us-east-1",
            self.keys_grow,
            access_key_id="key",
            secret_access_key="secret",
        )

    def put(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"in/{name}", Body=content)

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=f"in/{name}")

    def cut_off(self) -> Connector:
        return self._at("http://127.0.0.1:9")


class ManifestWorld(World):
    """A JSON manifest that tells sizes and ETags."""

    def __init__(self, server: Files) -> None:
        self.server, self.version = server, 0
        self.names: dict[str, dict[str, str]] = {}

    def connector(self) -> Connector:
        return ManifestConnector(f"{self.server.url}/list.json", allow_private=True)

    def put(self, name: str, content: bytes) -> None:
        self.version += 1
        url = f"/m/{self.version}"
        self.server.files[url] = content
        self.names[name] = {"url": url, "name": name, "etag": str(self.version)}
        self._write()

    def remove(self, name: str) -> None:
        self.server.files.pop(self.names.pop(name)["url"])
        self._write()

    def _write(self) -> None:
        entries = sorted(self.names.values(), key=lambda one: one["name"])
        self.server.files["/list.json"] = json.dumps({"items": entries}).encode()

    def cut_off(self) -> Connector:
        return ManifestConnector("http://127.0.0.1:9/list.json", allow_private=True)


class IndexWorld(World):
    """A server's own pages of links; each file is asked for its ETag."""

    def __init__(self, server: Files) -> None:
        self.server = server

    def connector(self) -> Connector:
        return ManifestConnector(f"{self.server.url}/pub/", ask=True, allow_private=True)

    def put(self, name: str, content: bytes) -> None:
        self.server.files[f"/pub/{name}"] = content

    def remove(self, name: str) -> None:
        del self.server.files[f"/pub/{name}"]

    def cut_off(self) -> Connector:
        return ManifestConnector("http://127.0.0.1:9/pub/", allow_private=True)


class SqliteWorld(World):
    def __init__(self, file: Path) -> None:
        self.file, self.version = file, 0
        self._do(
            "CREATE TABLE media (id INTEGER PRIMARY KEY, file TEXT UNIQUE, content BLOB,"
            " said TEXT, changed TIMESTAMP)"
        )

    def connector(self) -> Connector:
        return self._on(f"sqlite:///{self.file}")

    def _on(self, url: str) -> Connector:
        return DatabaseConnector(
            table="media", key="id", url=url, blob="content", name="file", changed="changed"
        )

    def put(self, name: str, content: bytes) -> None:
        self.version += 1
        when = (START + timedelta(seconds=self.version)).strftime("%Y-%m-%d %H:%M:%S")
        self._do(
            "INSERT INTO media (file, content, changed) VALUES (?, ?, ?) ON CONFLICT (file)"
            " DO UPDATE SET content = excluded.content, changed = excluded.changed",
            name,
            content,
            when,
        )

    def remove(self, name: str) -> None:
        self._do("DELETE FROM media WHERE file = ?", name)

    def cut_off(self) -> Connector:
        return self._on(f"sqlite:///{self.file}.gone")

    def _do(self, query: str, *values: Any) -> None:
        connection = sqlite3.connect(self.file)
        with connection:
            connection.execute(query, values)
        connection.close()


class PostgresWorld(World):
    def __init__(self, url: str, table: str) -> None:
        self.url, self.table = url, table
        self._do(
            f"CREATE TABLE {table} (id serial PRIMARY KEY, file text UNIQUE, content bytea,"
            " said jsonb, changed timestamptz)"
        )

    def connector(self) -> Connector:
        return self._on(self.url)

    def _on(self, url: str) -> Connector:
        return DatabaseConnector(
            table=self.table, key="id", url=url, blob="content", name="file", changed="changed"
        )

    def put(self, name: str, content: bytes) -> None:
        self._do(
            f"INSERT INTO {self.table} (file, content, changed) VALUES (%s, %s, clock_timestamp())"
            " ON CONFLICT (file) DO UPDATE SET content = excluded.content,"
            " changed = excluded.changed",
            name,
            content,
        )

    def remove(self, name: str) -> None:
        self._do(f"DELETE FROM {self.table} WHERE file = %s", name)

    def cut_off(self) -> Connector:
        return self._on("postgresql://tester@/postgres?host=/nowhere")

    def _do(self, query: str, *values: Any) -> None:
        import psycopg2

        connection = psycopg2.connect(self.url)
        with connection, connection.cursor() as cursor:
            cursor.execute(query, values)
        connection.close()


class StreamWorld(World):
    """Segments that were recorded from a clip which a web server sends as a stream."""

    can_change = False

    def __init__(self, server: Files, folder: Path) -> None:
        self.server, self.folder = server, folder

    def connector(self) -> StreamConnector:
        return StreamConnector(
            f"{self.server.url}/live.ts", segment_s=1, spool=str(self.folder), listen=False
        )

    def fill(self, count: int) -> dict[str, bytes | None]:
        clip = self.folder.with_suffix(".ts")
        render_clip(clip, frames=12 * count, rate=Fraction(12))
        self.server.files["/live.ts"] = clip.read_bytes()
        recording = self.connector().recording
        seconds = itertools.count()
        record(recording, clock=lambda: START + timedelta(seconds=next(seconds)))
        return dict.fromkeys(one.name for one in recording.segments())

    def put(self, name: str, content: bytes) -> None:
        raise NotImplementedError

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()


class SyntheticWorld(World):
    can_change = False

    def __init__(self) -> None:
        self.count = 0

    def connector(self) -> Connector:
        return SyntheticConnector(self.count)

    def fill(self, count: int) -> dict[str, bytes | None]:
        self.count += count
        return {f"still-{number:06}.jpg": None for number in range(self.count)}

    def put(self, name: str, content: bytes) -> None:
        raise NotImplementedError

    def remove(self, name: str) -> None:
        raise NotImplementedError
