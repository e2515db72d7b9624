"""Deliver files into the landing zone: beside their sidecars, by rename, never outside of it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.operations.naming import not_found
from mlops_assets.settings import settings

SIDECAR = ".json"
_FICLONE = 0x40049409  # linux/fs.h
_IN_TRANSIT = (".tmp", ".part", ".partial", ".crdownload", "~")

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes to do."""


@dataclass(frozen=True)
class _Delivery:
    """A file, and where it goes within its source."""

    file: Path
    path: str
    size_bytes: int


def land(
    paths: Sequence[str | Path],
    *,
    source: str,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Copy files into the landing zone; the landing sensor takes them in from there.

    A file lands under its name, a folder's files under their paths within the folder, their times
    kept. A sidecar (`clip.mp4.json`) beside a named file comes along, and is delivered first, so
    that no file lands without its own. Each file appears at once, by rename. Hidden files, symbolic
    links in folders and files in transit stay behind. What is there already, with equal size and
    time, is left.

    Args:
        paths: files and folders.
        source: where the media come from, such as `camera-01`: first folder in the landing zone.
        folder: the landing zone; that of the settings for None.
        progress: told after each file.

    Returns:
        `file`, `path` (within the source), `size_bytes`, `done` (`landed`, `replaced` or `there`).

    Raises:
        InputError: no such file (`not_found`); two files would have one path (`same_path`).
        ConfigurationError: the source is no folder name, or the landing zone cannot be written to.
    """
    home = _home(folder or settings().landing_folder, source)
    deliveries = _in_order([one for path in paths for one in _found(Path(path))])
    _require_own_paths(deliveries)
    targets = [_target(home, one) for one in deliveries]
    total, sent, done = sum(one.size_bytes for one in deliveries), 0, []
    for one, target in zip(deliveries, targets, strict=True):
        done.append((str(one.file), one.path, one.size_bytes, _deliver(one, target)))
        sent += one.size_bytes
        if progress:
            progress(sent, total)
    columns = {"file": pl.String, "path": pl.String, "size_bytes": pl.Int64, "done": pl.String}
    return pl.DataFrame(done, schema=columns, orient="row")


def _home(landing: Path, source: str) -> Path:
    plain = source.strip() == source and source not in ("", ".", "..")
    if not plain or "/" in source or "\\" in source or "\0" in source or source.startswith("."):
        raise ConfigurationError(
            f"source {source!r} is no folder name; expected one such as camera-01"
        )
    home = landing.resolve() / source
    if home.is_symlink():
        raise ConfigurationError(f"{home} is a symbolic link; it may lead out of the landing zone")
    return home


def _found(path: Path) -> Iterator[_Delivery]:
    if path.is_dir():
        for folder, names, files in os.walk(path):
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in sorted(files):
                file = Path(folder) / name
                if _is_wanted(file):
                    yield _Delivery(file, file.relative_to(path).as_posix(), file.stat().st_size)
        return
    if not path.is_file():
        raise not_found(f"{path} is no file and no folder")
    yield _Delivery(path, path.name, path.stat().st_size)
    beside = path.with_name(path.name + SIDECAR)
    if beside.is_file():
        yield _Delivery(beside, beside.name, beside.stat().st_size)


def _is_wanted(file: Path) -> bool:
    hidden = file.name.startswith(".") or file.name.endswith(_IN_TRANSIT)
    return not hidden and not file.is_symlink() and file.is_file()


def _in_order(deliveries: list[_Delivery]) -> list[_Delivery]:
    """Each file once, sidecars before the files they belong to."""
    unique = list({(one.file.resolve(), one.path): one for one in deliveries}.values())
    paths = {one.path for one in unique}

    def is_sidecar(one: _Delivery) -> bool:
        return one.path.endswith(SIDECAR) and one.path.removesuffix(SIDECAR) in paths

    return sorted(unique, key=lambda one: not is_sidecar(one))


def _require_own_paths(deliveries: list[_Delivery]) -> None:
    places: dict[str, Path] = {}
    for one in deliveries:
        other = places.setdefault(one.path, one.file)
        if other is not one.file:
            raise InputError(
                f"{other} and {one.file} would both land as {one.path!r}", reason="same_path"
            )


def _target(home: Path, one: _Delivery) -> Path:
    target = home / one.path
    inside = target.parent.resolve()
    if not inside.is_relative_to(home):
        raise ConfigurationError(f"{target} would lie outside of {home}: a link leads there")
    return target


def _deliver(one: _Delivery, target: Path) -> str:
    before = _mark(target)
    if before == _mark(one.file):
        return "there"
    incoming = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(one.file, incoming)
        incoming.replace(target)
    except OSError as err:
        raise ConfigurationError(f"cannot land {one.file} as {target}: {err}") from err
    finally:
        incoming.unlink(missing_ok=True)
    return "landed" if before is None else "replaced"


def _mark(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _copy(file: Path, to: Path) -> None:
    """Clone by reflink where the file system can, else copy; the time of change is kept."""
    with file.open("rb") as source, to.open("wb") as target:
        if not _is_cloned(source.fileno(), target.fileno()):
            shutil.copyfileobj(source, target, 1 << 20)
    stat = file.stat()
    os.utime(to, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _is_cloned(source: int, target: int) -> bool:
    try:
        import fcntl
    except ImportError:  # not on this platform
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True
