"""Folders as data sets need them: names without regard to case, hidden files unseen, links once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mlops_assets.errors import ConfigurationError

_PICTURES = (".png", ".ppm", ".pgm", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


class Folder:
    """One folder within the folder that is looked through.

    Args:
        path: where it lies.
        top: the folder that is looked through.

    Attributes:
        files: its files by lower-case name.
    """

    def __init__(self, path: Path, top: Path) -> None:
        self.path = path
        self.top = top
        self.files = files_in(path)

    @property
    def name(self) -> str:
        """Its path within the top; the top's own name for the top itself."""
        return self.path.name if self.path == self.top else self.named("").rstrip("/")

    def picture(self, stem: str) -> Path | None:
        """The picture of a name without extension; None when there is none."""
        found = (self.files.get(stem.lower() + suffix) for suffix in _PICTURES)
        return next((path for path in found if path is not None), None)

    def pictures(self, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], Path]]:
        """Pictures whose name without extension fits a pattern, in order."""
        for path in sorted(self.files.values()):
            found = pattern.fullmatch(path.stem)
            if found and path.suffix.lower() in _PICTURES:
                yield found, path

    def named(self, name: str, *, above: Path | None = None) -> str:
        """What a pair is called: the path of its folder, or one above it, within the top, and name.

        Args:
            name: of the pair in its folder.
            above: stands for the folder; left out of the name when it is not below the top.
        """
        folder = above or self.path
        inside = folder.relative_to(self.top).as_posix() if folder.is_relative_to(self.top) else "."
        return name if inside == "." else f"{inside}/{name}"


def folders_below(top: Path) -> Iterator[Path]:
    """The folder and all below, each once, in order; links are followed.

    Raises:
        ConfigurationError: a folder may not be read.
    """
    seen: set[tuple[int, int]] = set()

    def refuse(err: OSError) -> None:
        raise _unreadable(err) from err

    for path, below, _ in os.walk(top, followlinks=True, onerror=refuse):
        status = Path(path).stat()
        is_new = (status.st_dev, status.st_ino) not in seen
        seen.add((status.st_dev, status.st_ino))
        below[:] = sorted(name for name in below if not name.startswith(".")) if is_new else []
        if is_new:
            yield Path(path)


def files_in(path: Path | None) -> dict[str, Path]:
    """Files of a folder by lower-case name; empty when there is no such folder."""
    return {one.name.lower(): one for one in _shown(path) if one.is_file()}


def folders_in(path: Path | None) -> dict[str, Path]:
    """Folders of a folder by lower-case name; empty when there is no such folder."""
    return {one.name.lower(): one for one in _shown(path) if one.is_dir()}


def folder_at(path: Path, *parts: str) -> Path | None:
    """A folder further down, whatever the case of its names; None when there is none."""
    found: Path | None = path
    for part in parts:
        found = folders_in(found).get(part.lower())
    return found


def _shown(path: Path | None) -> list[Path]:
    if path is None or not path.is_dir():
        return []
    try:
        return sorted(one for one in path.iterdir() if not one.name.startswith("."))
    except OSError as err:
        raise _unreadable(err) from err


def _unreadable(err: OSError) -> ConfigurationError:
    return ConfigurationError(f"{err.filename} cannot be read: {err.strerror}")
