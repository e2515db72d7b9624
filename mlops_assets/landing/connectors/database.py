"""A table of a database: the media in it, or where they are."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.landing.connectors.connector import PAGE_ITEMS, Connector, Item, Page, Scratch
from mlops_assets.landing.connectors.folder import FolderConnector
from mlops_assets.landing.connectors.web import Web, host_of

_CHUNK = 8_000_000
_SIDECAR = ".json"
_TAGGED: Mapping[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "Decimal": Decimal,
    "UUID": UUID,
    "bytes": bytes.fromhex,
}


@dataclass(frozen=True)
class DatabaseConnector(Connector):
    """The rows of a table, oldest change first; SQLite and PostgreSQL by SQLAlchemy.

    A row holds the bytes (`blob`) or says where they are (`uri`, below `base`: a folder, or
    `https://host/path/`). With `changed` a look asks only for rows changed since the last one, and
    a little before: a transaction may commit after one that began later.

    Args:
        url: as SQLAlchemy takes it, `${NAME}`: `postgresql://...`, `sqlite:////srv/media.db`.
        table: its name, or that of a view.
        key: column that names a row and never changes; unique.
        blob: column of the bytes.
        uri: column of where they are, instead.
        base: below which each `uri` lies; relative ones are joined to it.
        name: column of the file name; the key if empty.
        changed: column that grows with each change of a row: a time or a number; a row without one
            is not listed. Without this column every row is listed each time, and changes are told
            by size alone.
        sidecar: column of what is known of it, as the text of a sidecar.
        schema: of the table.
        overlap: seconds, or steps of a number, by which a look goes back.
        allow_private: whether the host of `base` may have an address that is not public.
    """

    table: str
    key: str
    url: str = field(repr=False, metadata={"secret": True})
    blob: str = ""
    uri: str = ""
    base: str = ""
    name: str = ""
    changed: str = ""
    sidecar: str = ""
    schema: str = ""
    overlap: float = 300.0
    allow_private: bool = False

    def describe(self) -> str:
        """Database and table, without user and password."""
        from sqlalchemy.engine import make_url

        url = make_url(self.url)
        where = "/".join(filter(None, (url.host, str(url.port or ""), url.database, self.schema)))
        return f"database {url.get_backend_name()}:{where} {self.table}"

    def list_since(self, cursor: str | None) -> Iterator[Page]:
        """Rows behind the cursor, by change and key.

        Raises:
            TransientError: the database cannot be reached now.
            ConfigurationError: no such table or column.
        """
        told = _decoded(json.loads(cursor)) if cursor else {}
        after = told.get("after")
        if after is not None and told.get("done"):
            after = [self._earlier(after[0]), None] if self.changed else None
        while True:
            rows = self._rows(after)
            done = len(rows) < PAGE_ITEMS
            if rows:
                after = [rows[-1]["changed"], rows[-1]["key"]]
            items = tuple(item for row in rows for item in self._items(row))
            last = after if after is None or after[1] is not None else told["after"]
            yield Page(items, json.dumps({"after": _encoded(last), "done": done}))
            if done:
                return

    def open(self, item: Item, scratch: Scratch) -> Path:
        """The blob, read in pieces; the column of the sidecar; or what the URI leads to.

        Raises:
            InputError: the row is gone (`vanished`), its URI leads out of `base`
                (`leads_outside`), `too_large`, or as the fetching says.
            TransientError: the database cannot be reached now.
        """
        told = _decoded(json.loads(item.locator or "{}"))
        if told["column"] != self.uri:
            with closing(self._pieces(told["key"], told["column"])) as pieces:
                return scratch.write(pieces)
        with self._connected() as connection:
            (uri,) = self._one(connection, told["key"], self._column(self.uri))
        return self._fetch(str(uri), scratch)

    def _rows(self, after: list[Any] | None) -> list[Any]:
        from sqlalchemy import and_, func, null, or_, select

        key, changed = self._column(self.key), self._column(self.changed or self.key)
        query = select(
            key.label("key"),
            (changed if self.changed else null()).label("changed"),
            self._column(self.name or self.key).label("name"),
            (func.length(self._column(self.blob)) if self.blob else null()).label("size"),
            (func.length(self._column(self.sidecar)) if self.sidecar else null()).label("said"),
        ).where(changed.is_not(None))
        if after is not None and not self.changed:
            query = query.where(key > after[1])
        elif after is not None and after[1] is None:
            query = query.where(changed >= after[0])
        elif after is not None:
            query = query.where(or_(changed > after[0], and_(changed == after[0], key > after[1])))
        with self._connected() as connection:
            rows = connection.execute(query.order_by(changed, key).limit(PAGE_ITEMS))
            return list(rows.mappings())

    def _items(self, row: Any) -> Iterator[Item]:
        changed, key = row["changed"], _encoded(row["key"])
        etag = f"{json.dumps(_encoded(changed))}|{row['size']}"
        when = _time(changed)
        if when is not None:
            when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)

        def item(name: str, size: int | None, etag: str, column: str) -> Item:
            locator = json.dumps({"key": key, "column": column})
            return Item(name, size, when, etag=etag, locator=locator)

        yield item(str(row["name"]), row["size"], etag, self.blob or self.uri)
        if row["said"]:
            mark = f"{etag}|{row['said']}"
            yield item(f"{row['name']}{_SIDECAR}", None, mark, self.sidecar)

    def _pieces(self, key: Any, column: str) -> Generator[bytes]:
        """A value of a row, a few megabytes at a time, as of one moment."""
        from sqlalchemy import func

        value, start = self._column(column), 1
        with self._connected(is_one_moment=True) as connection:
            while True:
                (piece,) = self._one(connection, key, func.substr(value, start, _CHUNK))
                raw = piece.encode() if isinstance(piece, str) else bytes(piece or b"")
                yield raw
                if len(piece or b"") < _CHUNK:
                    return
                start += _CHUNK

    def _one(self, connection: Any, key: Any, *columns: Any) -> Any:
        from sqlalchemy import select

        row = connection.execute(select(*columns).where(self._column(self.key) == key)).first()
        if row is None or row[0] is None:
            raise InputError(f"no row {self.key}={key!r} any more", reason="vanished")
        return row

    def _fetch(self, uri: str, scratch: Scratch) -> Path:
        if not self.base:
            raise ConfigurationError("uri needs base: a folder, or https://host/path/")
        if "://" not in self.base:
            return self._copy(uri.removeprefix("file://"), scratch)
        try:
            url = urljoin(self.base, uri)
        except ValueError as err:
            raise InputError(f"{uri!r} is no URL: {err}", reason="leads_outside") from err
        if not url.startswith(self.base.rstrip("/") + "/"):
            raise InputError(f"{uri!r} is not below {self.base}", reason="leads_outside")
        return Web((host_of(self.base),), self.allow_private).download(url, scratch)

    def _copy(self, path: str, scratch: Scratch) -> Path:
        folder = Path(self.base).resolve()
        file = Path(os.path.realpath(folder / path.replace("\0", "")))
        if "\0" in path or not file.is_relative_to(folder):
            raise InputError(f"{path!r} is not below {self.base}", reason="leads_outside")
        locator = json.dumps(file.relative_to(folder).parts)
        found = FolderConnector(str(folder)).open(Item(path, locator=locator), scratch)
        with found.open("rb") as stream:
            return scratch.write(iter(lambda: stream.read(_CHUNK), b""))

    def _earlier(self, value: Any) -> Any:
        """Where a look begins, given where the last one ended."""
        if isinstance(value, Decimal):
            return value - Decimal(self.overlap)
        if isinstance(value, (int, float)):
            return value - type(value)(self.overlap)
        if isinstance(value, str) and (when := _time(value)) is not None:
            return (when - timedelta(seconds=self.overlap)).isoformat(value[10:11] or " ")
        return value - timedelta(seconds=self.overlap) if isinstance(value, date) else value

    @contextmanager
    def _connected(self, *, is_one_moment: bool = False) -> Generator[Any]:
        """A connection that reads, whose errors say what can be done about them."""
        from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

        try:
            with self._engine.connect() as connection:
                if is_one_moment and connection.dialect.name == "postgresql":
                    connection = connection.execution_options(isolation_level="REPEATABLE READ")
                yield connection
        except (OperationalError, InterfaceError) as err:
            raise TransientError(self._said(err)) from None
        except SQLAlchemyError as err:
            raise ConfigurationError(self._said(err)) from None

    def _said(self, err: Exception) -> str:
        cause = getattr(err, "orig", None) or err
        return f"{self.describe()}: {type(cause).__name__} {str(cause).strip()[:300]}"

    @cached_property
    def _engine(self) -> Any:
        from sqlalchemy import create_engine, event
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool

        url = make_url(self.url)
        is_file = url.get_backend_name() == "sqlite"
        if is_file and not Path(url.database or "").is_file():
            raise ConfigurationError(f"there is no database {url.database}")
        options: dict[str, Any] = {} if is_file else {"connect_timeout": 10}
        if url.drivername == "postgresql" and importlib.util.find_spec("psycopg") is None:
            url = url.set(drivername="postgresql+psycopg2")
        try:
            engine = create_engine(url, poolclass=NullPool, connect_args=options)
        except (SQLAlchemyError, ImportError) as err:
            raise ConfigurationError(f"{url.get_backend_name()}: {err}") from err
        if is_file:
            event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only=ON"))
        return engine

    def _column(self, name: str) -> Any:
        """A column to select and to compare.

        SQLite's are taken as they are stored: a time that is stored without microseconds is text,
        and not equal to the same time with them. What is known of an item is text.
        """
        from sqlalchemy import Text, cast, type_coerce
        from sqlalchemy.types import NullType

        column = self._columns[name]
        if name == self.sidecar:
            return cast(column, Text)
        is_file = self._engine.dialect.name == "sqlite"
        return type_coerce(column, NullType()) if is_file else column

    @cached_property
    def _columns(self) -> Any:
        """The columns of the table, with their types.

        Raises:
            ConfigurationError: there is no such table, or it lacks a column that is named.
        """
        from sqlalchemy import MetaData, Table
        from sqlalchemy.exc import NoSuchTableError

        with self._connected() as connection:
            try:
                found = Table(
                    self.table,
                    MetaData(),
                    schema=self.schema or None,
                    autoload_with=connection,
                    resolve_fks=False,
                )
            except NoSuchTableError as err:
                raise ConfigurationError(f"{self.describe()}: no such table") from err
        named = (self.key, self.blob, self.uri, self.name, self.changed, self.sidecar)
        missing = [one for one in named if one and one not in found.columns]
        if missing or bool(self.blob) == bool(self.uri):
            raise ConfigurationError(
                f"{self.describe()}: {f'no column {missing[0]}' if missing else 'blob or uri?'}; "
                f"there are {', '.join(found.columns.keys())}"
            )
        return found.columns


def _time(value: Any) -> datetime | None:
    """A time of the database, which may be text in ISO 8601; None for anything else."""
    try:
        return value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _encoded(value: Any) -> Any:
    """A value of the database as JSON that keeps its type."""
    if isinstance(value, (list, tuple)):
        return [_encoded(one) for one in value]
    if isinstance(value, (datetime, date)):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (Decimal, UUID)):
        return {type(value).__name__: str(value)}
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if isinstance(value, dict):
        ((name, told), *rest) = value.items()
        if name in _TAGGED and not rest:
            return _TAGGED[name](told)
        return {key: _decoded(one) for key, one in value.items()}
    return value
