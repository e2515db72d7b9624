"""A list of URLs: a manifest in JSON, CSV or plain text, or a server's own page of links."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urljoin, urlsplit

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.landing.connectors.connector import Connector, Item, Page, Scratch, paged
from mlops_assets.landing.connectors.web import Web, host_of, without_query

Format = Literal["json", "csv", "text", "html"]

MAX_LIST_BYTES = 64_000_000
MAX_PAGES = 10_000
_FORMATS: Mapping[str, Format] = {
    "application/json": "json",
    "application/xhtml+xml": "html",
    "text/csv": "csv",
    "text/html": "html",
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "uri", "href"),
    "name": ("name", "path", "file_name"),
    "size": ("size_bytes", "size", "bytes"),
    "time": ("modified_at", "last_modified", "updated_at"),
    "etag": ("etag", "sha256", "md5", "version"),
}


@dataclass(frozen=True)
class ManifestConnector(Connector):
    """What a list on the web names, fetched from its host and those allowed.

    JSON: a list, or `{"items": [...]}`, of URLs or of objects with `url` and, if known, `name`,
    `size_bytes`, `modified_at`, and `etag` or `sha256`. CSV: the same as columns. Text: a URL a
    line. HTML: the links of a page that lie below it, and the pages below it, as servers list
    folders. An unchanged manifest costs one request.

    Args:
        url: of the list.
        format: of the list; told from its type or its name if empty.
        hosts: further hosts its URLs may be on; redirects too.
        ask: whether each URL is asked for its ETag and time, for lists that say nothing of changes.
        allow_private: whether hosts may have addresses that are not public.
        token: bearer token for the host of the list, `${NAME}`.
    """

    url: str
    format: Format | Literal[""] = ""
    hosts: tuple[str, ...] = ()
    ask: bool = False
    allow_private: bool = False
    token: str = field(default="", repr=False, metadata={"secret": True})

    def describe(self) -> str:
        """The URL of the list."""
        return f"manifest {without_query(self.url)}"

    @cached_property
    def _web(self) -> Web:
        return Web((host_of(self.url), *self.hosts), self.allow_private, self.token)

    def list_since(self, cursor: str | None) -> Iterator[Page]:
        """The items of the list behind the cursor; nothing if it is the same as before."""
        told = json.loads(cursor) if cursor else {}
        try:
            body, kind = self._fetch(self.url)
        except InputError as err:
            raise ConfigurationError(f"the list cannot be had: {err}") from err
        if kind == "html":
            yield from self._pages(self._links(body), "", told.get("done", 0), start_over=True)
            return
        digest = hashlib.sha256(body).hexdigest()[:16]
        start = told.get("done", 0) if told.get("list") == digest else 0
        items = (_item(entry, self.url) for entry in _entries(body, kind))
        yield from self._pages(items, digest, start, start_over=self.ask)

    def open(self, item: Item, scratch: Scratch) -> Path:
        """Fetch an item; see `Web.download`."""
        return self._web.download(item.locator or item.name, scratch)

    def _pages(
        self, items: Iterator[Item], digest: str, done: int, *, start_over: bool
    ) -> Iterator[Page]:
        for page in paged(self._asked(one) for one in islice(items, done, None)):
            done += len(page)
            yield Page(page, json.dumps({"list": digest, "done": done}))
        if start_over:
            yield Page((), None)

    def _asked(self, item: Item) -> Item:
        """The item with what its server says of it now, if that is to be asked."""
        if not self.ask:
            return item
        try:
            with closing(self._web.get(item.locator or item.name, method="HEAD")) as answer:
                return replace(item, etag=answer.mark, size_bytes=answer.size_bytes)
        except (InputError, TransientError) as err:
            return replace(item, etag=f"? {err}"[:200])  # opening it fails, and is stated

    def _links(self, body: bytes) -> Iterator[Item]:
        """The files that a page of links leads to, folder by folder, below the first page."""
        base = self.url if self.url.endswith("/") else urljoin(self.url, ".")
        waiting, seen, pages = [(self.url, body)], {self.url}, 0
        while waiting:
            page, body = waiting.pop()
            if (pages := pages + 1) > MAX_PAGES:
                raise ConfigurationError(f"{base} has over {MAX_PAGES} pages of links")
            folders = []
            for url in _hrefs(body, page):
                if not url.startswith(base) or url in seen or url == base:
                    continue
                seen.add(url)
                if url.endswith("/"):
                    folders.append(url)
                else:
                    yield Item(unquote(url.removeprefix(base)), etag="", locator=url)
            for url in reversed(folders):
                waiting.append((url, self._fetch(url)[0]))

    def _fetch(self, url: str) -> tuple[bytes, Format]:
        with closing(self._web.get(url)) as answer:
            body = b""
            for chunk in answer.chunks():
                body += chunk
                if len(body) > MAX_LIST_BYTES:
                    raise ConfigurationError(
                        f"{without_query(url)}: a list of over {MAX_LIST_BYTES} bytes"
                    )
            return body, self.format or _format(answer.kind, urlsplit(url).path)


def _format(kind: str, path: str) -> Format:
    suffix = path.rpartition(".")[2].lower()
    by_name = {"json": "json", "csv": "csv", "html": "html"}.get(suffix)
    return _FORMATS.get(kind) or by_name or "text"  # pyright: ignore[reportReturnType]


def _entries(body: bytes, kind: Format) -> Sequence[Mapping[str, Any]]:
    """What a manifest names, as mappings with at least a URL.

    Raises:
        ConfigurationError: it cannot be read as what it should be.
    """
    try:
        text = body.decode("utf-8-sig")
        if kind == "json":
            told = json.loads(text)
            found = told["items"] if isinstance(told, dict) else told
            entries = [one if isinstance(one, dict) else {"url": one} for one in found]
        elif kind == "csv":
            entries = list(csv.DictReader(text.splitlines()))
        else:
            lines = (line.strip() for line in text.splitlines())
            entries = [{"url": line} for line in lines if line and not line.startswith("#")]
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error) as err:
        raise ConfigurationError(f"the list is no {kind}: {type(err).__name__} {err}") from err
    return entries


def _item(entry: Mapping[str, Any], base: str) -> Item:
    where = str(_told(entry, "url") or "")
    try:
        where = urljoin(base, where) if where else ""
        ending = unquote(urlsplit(where).path).rpartition("/")[2]
    except ValueError:  # no URL; opening it fails, and is stated
        ending = where
    name = _told(entry, "name") or ending
    size, time, etag = (_told(entry, one) for one in ("size", "time", "etag"))
    return Item(
        str(name),
        int(size) if str(size).isdecimal() else None,
        _time(time),
        etag=None if etag is None and (size or time) else str(etag or ""),
        locator=where,
    )


def _told(entry: Mapping[str, Any], name: str) -> Any:
    found = (entry[key] for key in _NAMES[name] if entry.get(key) not in (None, ""))
    return next(found, None)


def _time(told: Any) -> datetime | None:
    """A time in ISO 8601; UTC where it has no zone, None where it is none."""
    try:
        found = datetime.fromisoformat(str(told))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _hrefs(body: bytes, page: str) -> list[str]:
    from selectolax.lexbor import LexborHTMLParser

    links = LexborHTMLParser(body.decode("utf-8", "replace")).css("a[href]")
    found = [urljoin(page, link.attributes.get("href") or "") for link in links]
    return [url.partition("#")[0] for url in found if "?" not in url]
