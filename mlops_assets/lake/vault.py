"""The vault: original bytes, write-once, addressed by their SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.lake.copying import copy_by_hash
from mlops_assets.lake.store import Store


@dataclass(frozen=True)
class Vault:
    """Keeps the bytes of what landed, once, under `vault/<2 hex>/<sha256>`.

    Args:
        store: where the lake lies.
        mode: `copy` keeps the bytes; `reference` keeps a pointer to where they are and verifies
            the hash on reading.
    """

    store: Store
    mode: Literal["copy", "reference"] = "copy"

    def keep(self, file: Path, *, refuse: Collection[str] = ()) -> str:
        """Keep the bytes of a file; the same bytes are kept once.

        Args:
            file: what to keep.
            refuse: hashes of bytes that are not kept, only told.

        Returns:
            The SHA-256 of the bytes, lower-case hex.

        Raises:
            TransientError: the file vanished or changed while it was read.
            ConfigurationError: no space or no permission to write.
        """
        if self.mode == "reference":
            return self._keep_pointer(file, refuse)
        if self.store.is_local:
            return self._keep_local(file, refuse)
        return self._keep_remote(file, refuse)

    def drop(self, sha256: str) -> int:
        """Forget the bytes with this hash, or the pointer to them; those not held are no error.

        Returns:
            The bytes that were kept.
        """
        paths = [self.path(sha256), self._ref(sha256)]
        size = sum(self.store.size(path) or 0 for path in paths)
        self.store.delete(paths)
        return size

    @contextlib.contextmanager
    def open(self, sha256: str) -> Iterator[Path]:
        """A local file with these bytes, for reading, while the block lasts.

        Raises:
            InputError: the vault does not hold them (`bytes_lost`), or they changed
                (`bytes_changed`).
        """
        path = self.path(sha256)
        if self.store.size(path) is None:
            yield self._referenced(sha256)
        elif self.store.is_local:
            yield Path(self.store.uri(path))
        else:
            with tempfile.TemporaryDirectory(prefix="mlops-vault-") as folder:
                local = Path(folder) / sha256
                local.write_bytes(self.store.get(path))
                yield local

    def read(self, sha256: str) -> bytes:
        """The bytes themselves; for small things such as sidecars."""
        with self.open(sha256) as file:
            return file.read_bytes()

    def holds(self, sha256: str) -> bool:
        """Whether the bytes, or a pointer to them, are kept."""
        return any(self.store.size(p) is not None for p in (self.path(sha256), self._ref(sha256)))

    def verify(self, sha256: str) -> bool:
        """Whether what is kept still has this hash."""
        try:
            with self.open(sha256) as file:
                return hash_file(file) == sha256
        except InputError:
            return False

    @staticmethod
    def path(sha256: str) -> str:
        """Where bytes with this hash lie, relative to the lake."""
        return f"vault/{sha256[:2]}/{sha256}"

    def _ref(self, sha256: str) -> str:
        return self.path(sha256) + ".ref"

    def _keep_local(self, file: Path, refuse: Collection[str]) -> str:
        try:
            return copy_by_hash(str(file), self.store.uri("vault"), refuse=refuse)
        except FileNotFoundError as err:
            raise TransientError(f"{file} vanished while it was read") from err
        except OSError as err:
            raise ConfigurationError(f"cannot keep {file} in the vault: {err}") from err

    def _keep_remote(self, file: Path, refuse: Collection[str]) -> str:
        sha256, before = _hash_stable(file)
        if sha256 not in refuse and self.store.size(self.path(sha256)) is None:
            self.store.put(self.path(sha256), file)
            if _mark(file) != before:
                self.store.delete([self.path(sha256)])
                raise TransientError(f"{file} changed while it was uploaded")
        return sha256

    def _keep_pointer(self, file: Path, refuse: Collection[str]) -> str:
        sha256, _ = _hash_stable(file)
        if sha256 not in refuse:
            self.store.put(self._ref(sha256), str(file.absolute()).encode())
        return sha256

    def _referenced(self, sha256: str) -> Path:
        if self.store.size(self._ref(sha256)) is None:
            raise InputError(f"the vault does not hold {sha256}", reason="bytes_lost")
        original = Path(self.store.get(self._ref(sha256)).decode())
        if not original.is_file():
            raise InputError(f"{original} is gone; the vault refers to it", reason="bytes_lost")
        if hash_file(original) != sha256:
            raise InputError(f"{original} no longer has hash {sha256}", reason="bytes_changed")
        return original


def hash_file(file: Path) -> str:
    """SHA-256 of a file's bytes, lower-case hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash_stable(file: Path) -> tuple[str, tuple[int, int]]:
    try:
        before = _mark(file)
        sha256 = hash_file(file)
        if _mark(file) != before:
            raise TransientError(f"{file} changed while it was read")
    except FileNotFoundError as err:
        raise TransientError(f"{file} vanished while it was read") from err
    return sha256, before


def _mark(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns
