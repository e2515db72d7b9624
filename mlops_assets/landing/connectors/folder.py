"""A folder of this machine, or one that is mounted."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.landing.connectors.connector import Connector, Item, Page, Scratch, paged

_IN_TRANSIT = (".tmp", ".part", ".partial", ".crdownload", "~")
_UNREADABLE = "unreadable"


@dataclass(frozen=True)
class FolderConnector(Connector):
    """Every regular file below a folder, in the order of the names; links are not followed.

    Hidden files and those in transit (`.tmp`, `.part`, ...) are left out: deliver by rename. Each
    look goes through the whole folder; a look that is cut short goes on where it stopped. The
    files stay where they are.

    Args:
        folder: where.
        deep: whether folders inside are looked into.
    """

    folder: str
    deep: bool = True

    in_place = True

    def describe(self) -> str:
        """The folder."""
        return f"folder {Path(self.folder).absolute()}"

    def list_since(self, cursor: str | None) -> Iterator[Page]:
        """Files behind the one that the cursor names; the last page starts over.

        Raises:
            ConfigurationError: there is no such folder, or it cannot be read.
        """
        folder = Path(self.folder)
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is no folder")
        after = tuple(json.loads(cursor)) if cursor else ()
        found = (_item(path, entry) for path, entry in self._walk(folder, (), after))
        pages = paged(item for item in found if item is not None)
        waiting: tuple[Item, ...] = ()
        for page in pages:
            if waiting:
                yield Page(waiting, json.dumps(_parts(waiting[-1])))
            waiting = page
        yield Page(waiting, None)

    def open(self, item: Item, scratch: Scratch) -> Path:
        """The file itself.

        Raises:
            InputError: it is gone (`vanished`), is no file of this folder any more
                (`leads_outside`) or may not be read (`unreadable`).
        """
        parts = _parts(item)
        file = "/".join((self.folder, *parts))
        try:
            is_file = stat.S_ISREG(os.lstat(file).st_mode) and not self._is_through_link(parts)
        except FileNotFoundError as err:
            raise InputError(f"{file} vanished", reason="vanished") from err
        except OSError as err:
            raise TransientError(f"cannot look at {file}: {err}") from err
        if item.etag == _UNREADABLE or not os.access(file, os.R_OK):
            raise InputError(f"no permission to read {file}", reason=_UNREADABLE)
        if not is_file:
            raise InputError(f"{file} is no plain file in the folder", reason="leads_outside")
        return Path(file)

    def place(self, item: Item) -> Path:
        """Where the file of an item lies."""
        return Path(self.folder, *_parts(item))

    def _is_through_link(self, parts: Sequence[str]) -> bool:
        """Whether a folder on the way to a file has become a link since it was listed."""
        if len(parts) == 1:
            return False
        way = accumulate((self.folder, *parts[:-1]), "{}/{}".format)
        return not all(stat.S_ISDIR(os.lstat(folder).st_mode) for folder in islice(way, 1, None))

    def _walk(
        self, folder: Path, parts: tuple[str, ...], after: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], os.DirEntry[str] | None]]:
        """Files as their parts below the folder; None for a folder that cannot be read."""
        try:
            with os.scandir(folder.joinpath(*parts)) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except PermissionError as err:
            if not parts:
                raise ConfigurationError(f"cannot read {folder}: {err}") from err
            yield parts, None
            return
        for entry in listed:
            path, behind = (*parts, entry.name), after[1:] if after[:1] == (entry.name,) else ()
            if (after and entry.name < after[0]) or is_left_out(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                if self.deep:
                    yield from self._walk(folder, path, behind)
            elif entry.is_file(follow_symlinks=False) and after != (entry.name,):
                yield path, entry


def is_left_out(name: str) -> bool:
    """Whether a file of this name is hidden, or still being delivered."""
    return name.startswith(".") or name.endswith(_IN_TRANSIT)


def readable(name: str) -> str:
    r"""A name of the file system as text; bytes that are no UTF-8 as `\xNN`."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def _item(parts: tuple[str, ...], entry: os.DirEntry[str] | None) -> Item | None:
    whole = "/".join(parts)
    name = readable(whole)
    locator = None if name == whole else json.dumps(parts)
    if entry is None:
        return Item(name, etag=_UNREADABLE, locator=locator)
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    changed = datetime.fromtimestamp(max(found.st_mtime, found.st_ctime), UTC)
    modified = datetime.fromtimestamp(found.st_mtime, UTC)
    return Item(name, found.st_size, modified, changed_at=changed, locator=locator)


def _parts(item: Item) -> Sequence[str]:
    """The folders below the source's, and the name, as the file system has them."""
    return item.name.split("/") if item.locator is None else json.loads(item.locator)
