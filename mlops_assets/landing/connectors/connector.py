"""What a connector is: it lists what a source offers, in pages, and opens one item."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from mlops_assets.errors import InputError, TransientError

PAGE_ITEMS = 1000
"""How many items a page holds, as a rule; a page is the unit of restart."""

MAX_NAME_BYTES = 4096

_UNSAFE = re.compile(
    r"^/|(?<=/)/|/$"  # absolute, empty segments
    r"|(?:(?<=/)|^)\.{1,2}(?=/|$)"  # this folder, the one above
    r"|[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True)
class Item:
    r"""One thing a source offers.

    Args:
        name: what the source calls it, with `/` between folders; any text.
        size_bytes: as listed; None when the source does not say.
        modified_at: aware, UTC; None when the source does not say.
        etag: changes when the bytes change, as far as the source knows; None: judge by size and
            time.
        changed_at: for a file that may still grow, when anything about it last changed; None for
            what is whole by nature. Only for sources that list everything anew each time.
        locator: what `open` needs to find it, if that is not the name; must hold no secret.
    """

    name: str
    size_bytes: int | None = None
    modified_at: datetime | None = None
    etag: str | None = None
    changed_at: datetime | None = None
    locator: str | None = None

    @property
    def path(self) -> str:
        """The name within the source as the platform knows it: NFC, relative, never leading out.

        What would lead out, and control and bidirectional characters, are percent-encoded.

        Raises:
            InputError: the name is empty (`no_name`) or over 4,096 bytes (`name_too_long`).
        """
        return path_of(self.name)

    @property
    def mark(self) -> str:
        """Differs when the item has changed since it was last seen; compared and never read."""
        if self.etag is not None:
            return self.etag
        micros = "" if self.modified_at is None else int(self.modified_at.timestamp() * 1e6 + 0.5)
        return f"{'' if self.size_bytes is None else self.size_bytes}:{micros}"

    def to_json(self) -> str:
        """As text, to be opened again after a failure."""
        told = {name: getattr(self, name) for name in Item.__dataclass_fields__}
        return json.dumps({k: v for k, v in told.items() if v is not None}, default=str)

    @classmethod
    def from_json(cls, text: str) -> Item:
        """The item of a text."""
        told = json.loads(text)
        for name in ("modified_at", "changed_at"):
            if name in told:
                told[name] = datetime.fromisoformat(told[name])
        return cls(**told)


@dataclass(frozen=True)
class Page:
    """Some items, and where the listing goes on behind them.

    Args:
        items: in the order of the source; may be empty.
        cursor: what `list_since` takes to go on; text of the connector's own. None: from the start.
    """

    items: tuple[Item, ...]
    cursor: str | None


@dataclass(frozen=True)
class Scratch:
    """Where the bytes of one item may be put, and how many, and until when.

    Args:
        file: a place of this item's own; what an interrupted fetch left there is still there.
        max_bytes: most bytes.
        deadline: of `time.monotonic()`.
    """

    file: Path
    max_bytes: int
    deadline: float

    def write(self, chunks: Iterable[bytes], *, keep_bytes: int = 0) -> Path:
        """Write an item's bytes as they come.

        Args:
            chunks: the bytes.
            keep_bytes: so many are there from an earlier try, and stay in front.

        Raises:
            InputError: more bytes than allowed (`too_large`).
            TransientError: it took too long; what came stays for the next try.
        """
        written = keep_bytes
        with self.file.open("r+b" if keep_bytes else "wb") as target:
            target.truncate(keep_bytes)
            target.seek(keep_bytes)
            for chunk in chunks:
                written += len(chunk)
                self.require_room(written)
                target.write(chunk)
        return self.file

    def require_room(self, size_bytes: int) -> None:
        """Refuse what is too large or too late.

        Raises:
            InputError: `too_large`.
            TransientError: too late.
        """
        if size_bytes > self.max_bytes:
            raise InputError(
                f"{size_bytes} bytes or more; the limit is {self.max_bytes}", reason="too_large"
            )
        if time.monotonic() > self.deadline:
            raise TransientError(f"not complete in time, after {size_bytes} bytes")


class Connector(ABC):
    """Where media come from. A connector is a frozen dataclass whose fields are its options.

    It keeps no state: what it needs to go on is in the cursor, which the platform stores once the
    items before it are stated. Its errors say what is to be done: `InputError` for one bad item,
    `TransientError` for what may work later, `ConfigurationError` for what an operator must change.
    """

    in_place: ClassVar[bool] = False
    """Whether `open` gives the source's own file, which stays, rather than a copy of it."""

    @property
    def writes_to(self) -> tuple[str, ...]:
        """Folders in which it keeps bytes of its own."""
        return ()

    @abstractmethod
    def describe(self) -> str:
        """What is listed, in a few words, with no secret. A cursor of another source is dropped."""

    @abstractmethod
    def list_since(self, cursor: str | None) -> Iterator[Page]:
        """What is there behind a cursor, page by page; from the start for None.

        Items already known may come again: those whose `mark` is as it was cost nothing. The
        cursor of the last page is where the next look begins.

        Raises:
            TransientError: the source cannot be reached now.
            ConfigurationError: it does not exist, or refuses us.
        """

    @abstractmethod
    def open(self, item: Item, scratch: Scratch) -> Path:
        """A local file with the bytes of an item, written by `scratch.write` unless it is there.

        Raises:
            InputError: this item cannot be had: `vanished`, `too_large`, `refused`, ...
            TransientError: it may be had later.
        """


def path_of(name: str) -> str:
    """A name as a path within its source; see `Item.path`."""
    if not name:
        raise InputError("the name is empty", reason="no_name")
    path = name if _is_plain(name) else _made_safe(name)
    if len(path.encode()) > MAX_NAME_BYTES:
        raise InputError(
            f"{path[:80]}... has {len(path.encode())} bytes; at most {MAX_NAME_BYTES}",
            reason="name_too_long",
        )
    return path


def _is_plain(name: str) -> bool:
    """Whether there is nothing to make safe in it, as in most names."""
    parts = name.split("/")
    return name.isascii() and name.isprintable() and not {"", ".", ".."}.intersection(parts)


def _made_safe(name: str) -> str:
    text = unicodedata.normalize("NFC", name)
    return _UNSAFE.sub(lambda found: _escaped(found[0]), text)


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def paged(items: Iterable[Item]) -> Iterator[tuple[Item, ...]]:
    """Items in runs of `PAGE_ITEMS`; the last one is shorter, and none is empty."""
    page: list[Item] = []
    for item in items:
        page.append(item)
        if len(page) == PAGE_ITEMS:
            yield tuple(page)
            page = []
    if page:
        yield tuple(page)
