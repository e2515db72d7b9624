"""A local file into a local vault, with as few calls of the system as safety allows.

Paths are texts here: a `Path` object costs as much as the call that it is for.
"""
# ruff: noqa: PTH103, PTH105, PTH108, PTH110, PTH120

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Collection
from io import FileIO

_SMALL_BYTES = 1 << 20
"""A file up to here is read as a whole, and hashed before anything of it is written."""

_CHUNK = 1 << 20
_FICLONE = 0x40049409  # linux/fs.h


def copy_by_hash(file: str, folder: str, *, refuse: Collection[str] = ()) -> str:
    """Copy a file to `folder/<2 hex>/<sha256>`, unless its bytes are there.

    Readers see the whole copy or none, and the hash is that of the bytes in the copy, whatever
    happens to the file meanwhile. What a killed process leaves lies in `folder/incoming`.

    Args:
        file: what to copy.
        folder: made when it is missing.
        refuse: hashes of bytes that are not kept, only told.

    Returns:
        The SHA-256 of the bytes, lower-case hex.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: no space or no permission; nothing is left behind.
    """
    with FileIO(file) as source:
        if os.fstat(source.fileno()).st_size > _SMALL_BYTES:
            return _copy_large(source, folder, refuse)
        content = source.readall()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 not in refuse and not os.path.exists(_place(folder, sha256)):
        with _create(folder) as target:
            try:
                _write(target, content)
                _move(target, folder, sha256)
            except BaseException:
                os.unlink(str(target.name))
                raise
    return sha256


def _copy_large(source: FileIO, folder: str, refuse: Collection[str]) -> str:
    """Clone by reflink where the file system can, and hash that; else copy and hash at once."""
    with _create(folder) as target:
        try:
            sha256 = _hash(target) if _is_cloned(source, target) else _copy_and_hash(source, target)
            if sha256 in refuse or os.path.exists(_place(folder, sha256)):
                os.unlink(str(target.name))
            else:
                _move(target, folder, sha256)
        except BaseException:
            os.unlink(str(target.name))
            raise
    return sha256


def _place(folder: str, sha256: str) -> str:
    return f"{folder}/{sha256[:2]}/{sha256}"


def _create(folder: str) -> FileIO:
    name = f"{folder}/incoming/{os.urandom(16).hex()}"
    try:
        return FileIO(name, "x+")
    except FileNotFoundError:
        os.makedirs(f"{folder}/incoming", exist_ok=True)
        return FileIO(name, "x+")


def _move(target: FileIO, folder: str, sha256: str) -> None:
    place = _place(folder, sha256)
    try:
        os.replace(str(target.name), place)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.replace(str(target.name), place)


def _write(target: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[target.write(left) :]


def _copy_and_hash(source: FileIO, target: FileIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        _write(target, chunk)
    return digest.hexdigest()


def _hash(target: FileIO) -> str:
    target.seek(0)
    return hashlib.file_digest(target, "sha256").hexdigest()


def _is_cloned(source: FileIO, target: FileIO) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source.fileno())
    except OSError:
        return False
    return os.fstat(target.fileno()).st_size == os.fstat(source.fileno()).st_size
