"""Every entry of a folder tree, however deep or odd, without following a link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlops_assets.gates.pixels import Finding, find

_LONGEST_PATH = 3_500
"""Bytes of a path that the system opens in one go; a longer one is opened in steps."""
_STEP_NAMES = 12
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Entry:
    """One entry that is no folder, or a folder that cannot be listed.

    Attributes:
        path: below the root, with `/`; bytes that are no UTF-8 as Python has them (surrogates).
        size_bytes: 0 for what is no regular file.
        modified_at: aware, UTC.
        problem: why it is not to be opened; None for a regular file.
    """

    path: str
    size_bytes: int
    modified_at: datetime
    problem: Finding | None = None


def walk_folder(root: Path) -> Iterator[list[Entry]]:
    """List a folder tree, the entries of each folder together, sorted by name.

    Links are entries, and not followed. Memory grows with the largest folder, not with the tree.

    Args:
        root: a folder; it may be reached through links itself.
    """
    pending: list[tuple[str, ...]] = [()]
    while pending:
        parts = pending.pop()
        entries, folders = _list(root, parts)
        yield entries
        pending.extend((*parts, name) for name in reversed(folders))


def _list(root: Path, parts: tuple[str, ...]) -> tuple[list[Entry], list[str]]:
    entries: list[Entry] = []
    folders: list[str] = []
    try:
        with open_folder(root, parts) as folder, os.scandir(folder) as found:
            for one in sorted(found, key=lambda entry: entry.name):
                if one.is_dir(follow_symlinks=False):
                    folders.append(one.name)
                else:
                    entries.append(_entry("/".join((*parts, one.name)), one.name, folder))
    except OSError as err:
        entries.append(Entry("/".join(parts) or ".", 0, _EPOCH, problem_of(err)))
    return entries, folders


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _entry(path: str, name: str, folder: int) -> Entry:
    try:
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as err:
        return Entry(path, 0, _EPOCH, problem_of(err))
    modified_at = _time(about.st_mtime)
    if stat.S_ISLNK(about.st_mode):
        leads = os.readlink(name, dir_fd=folder)
        return Entry(path, 0, modified_at, find("symbolic_link", f"it leads to {leads!r:.200}"))
    if not stat.S_ISREG(about.st_mode):
        return Entry(path, 0, modified_at, find("not_a_file", _sort(about.st_mode)))
    return Entry(path, about.st_size, modified_at)


def _time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return _EPOCH


def _sort(mode: int) -> str:
    tests = {"a pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK, "a device": stat.S_ISBLK}
    return next((name for name, is_one in tests.items() if is_one(mode)), "a device")


def problem_of(err: OSError) -> Finding:
    """What an error of the system says of a file."""
    match err:
        case PermissionError():
            return find("no_permission", err.strerror or "")
        case FileNotFoundError():
            return find("vanished", err.strerror or "")
        case OSError(errno=errno.ENAMETOOLONG):
            return find("path_too_long", err.strerror or "")
        case _:
            return find("cannot_be_read", err.strerror or type(err).__name__)


@contextmanager
def open_folder(root: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """A descriptor of a folder below the root, however long its path; no link is followed."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for start in range(0, len(parts), _STEP_NAMES):
            step = "/".join(parts[start : start + _STEP_NAMES])
            inner = os.open(step, _FOLDER_FLAGS, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


@contextmanager
def reachable(root: Path, path: str) -> Iterator[Path]:
    """A path that can be opened, also where the whole is longer than the system takes.

    Args:
        root: the folder.
        path: below the root, with `/`.

    Raises:
        OSError: it is gone, or too long for a system without `/proc`.
    """
    whole = root / path
    if len(os.fsencode(whole)) <= _LONGEST_PATH:
        yield whole
        return
    *parts, name = path.split("/")
    with open_folder(root, tuple(parts)) as folder:
        yield Path(f"/proc/self/fd/{folder}/{name}")
