"""The landing zone as a folder: what lies there, from which source, what is a sidecar."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlops_assets.errors import ConfigurationError

UNSORTED = "unsorted"
SIDECAR = ".json"
_IN_TRANSIT = (".tmp", ".part", ".partial", ".crdownload", "~")


@dataclass(frozen=True, slots=True)
class Found:
    r"""A file in the landing zone.

    Attributes:
        source: its first folder; `unsorted` when it lies at the top.
        path: within the source, NFC, with `/`; bytes that are no UTF-8 as `\xNN`.
        file: where it is.
        changed_at: the latest time at which its content or its directory entry changed.
    """

    source: str
    path: str
    file: Path
    size_bytes: int
    modified_at: datetime
    changed_at: datetime


def list_landing(folder: Path) -> dict[tuple[str, str], Found]:
    """Every regular file under a landing zone by source and path; symbolic links are not followed.

    Hidden files and those still in transit (`.tmp`, `.part`, ...) are left out: deliver by rename.

    Raises:
        ConfigurationError: there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"the landing zone {folder} is no folder")
    found = (_found(folder, entry) for entry in _walk(folder))
    return {(one.source, one.path): one for one in found}


def sidecar_of(one: Found, files: dict[tuple[str, str], Found]) -> Found | None:
    """The sidecar that lies beside a file, if one does."""
    return files.get((one.source, one.path + SIDECAR))


def is_sidecar(
    one: Found, files: dict[tuple[str, str], Found], known: set[tuple[str, str]]
) -> bool:
    """Whether a file belongs to another, which lies beside it or landed earlier."""
    if not one.path.endswith(SIDECAR):
        return False
    owner = (one.source, one.path.removesuffix(SIDECAR))
    return owner in files or owner in known


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except PermissionError as err:
        raise ConfigurationError(f"cannot read the landing zone {folder}: {err}") from err
    for entry in listed:
        if entry.name.startswith(".") or entry.name.endswith(_IN_TRANSIT):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield entry


def _found(folder: Path, entry: os.DirEntry[str]) -> Found:
    parts = Path(entry.path).relative_to(folder).parts
    source, inside = (parts[0], parts[1:]) if len(parts) > 1 else (UNSORTED, parts)
    stat = entry.stat(follow_symlinks=False)
    return Found(
        _readable(source),
        _readable("/".join(inside)),
        Path(entry.path),
        stat.st_size,
        datetime.fromtimestamp(stat.st_mtime, UTC),
        datetime.fromtimestamp(max(stat.st_mtime, stat.st_ctime), UTC),
    )


def _readable(name: str) -> str:
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text)
