"""A place where bytes live: a local folder or an object store, through one interface."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from mlops_assets.errors import ConfigurationError

_ABOUT_CONNECTIONS = (
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "http1_only",
    "http2_only",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_url",
    "timeout",
    "user_agent",
)
_CLIENT = {f"{prefix}{name}" for prefix in ("", "aws_") for name in _ABOUT_CONNECTIONS}
"""Options of a connection, which delta-rs takes among those of the store, and obstore apart."""

_OF_DELTA = ("aws_s3_allow_unsafe_rename", "aws_s3_locking_provider", "delta_")
"""Options that mean something to delta-rs only."""


@dataclass(frozen=True)
class Store:
    """Bytes under a root: an absolute folder, or a URL such as `s3://bucket/prefix`.

    Writes are atomic: a reader sees the whole object or none. It can be sent to a worker process.

    Args:
        root: absolute folder or URL.
        options: object store options, as delta-rs and Polars take them.
    """

    root: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return "://" not in self.root

    def uri(self, path: str) -> str:
        """Where `path` lies, as Polars and delta-rs take it."""
        return f"{self.root.rstrip('/')}/{path}"

    def put(self, path: str, content: bytes | Path) -> None:
        """Write one object, replacing it.

        Raises:
            ConfigurationError: no permission, no space or no such bucket; says where.
        """
        try:
            obstore.put(self._backend, path, content)
        except (BaseError, OSError) as err:
            raise ConfigurationError(f"cannot write {self.uri(path)}: {_brief(err)}") from err

    def get(self, path: str) -> bytes:
        """The whole object.

        Raises:
            ConfigurationError: there is none, or it cannot be read.
        """
        try:
            return bytes(obstore.get(self._backend, path).bytes())
        except (BaseError, OSError) as err:
            raise ConfigurationError(f"cannot read {self.uri(path)}: {_brief(err)}") from err

    def size(self, path: str) -> int | None:
        """Bytes of the object, None when there is none."""
        try:
            if self.is_local:  # a tenth of what the client takes to say the same
                found = os.stat(self.uri(path))  # noqa: PTH116 - nor is a Path object free
                return found.st_size if stat.S_ISREG(found.st_mode) else None
            return int(obstore.head(self._backend, path)["size"])
        except (NotFoundError, FileNotFoundError, NotADirectoryError):
            return None
        except (BaseError, OSError) as err:
            raise ConfigurationError(f"cannot read {self.uri(path)}: {_brief(err)}") from err

    def list(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Every object under a folder: `path`, `size`, `last_modified` (aware, UTC)."""
        try:
            for page in obstore.list(self._backend, prefix):
                yield from (dict(entry) for entry in page)
        except (BaseError, OSError) as err:
            raise ConfigurationError(f"cannot list {self.uri(prefix)}: {_brief(err)}") from err

    def delete(self, paths: list[str]) -> None:
        """Remove objects; those already gone are no error."""
        for path in paths:
            try:
                obstore.delete(self._backend, path)
            except (NotFoundError, FileNotFoundError):
                continue
            except (BaseError, OSError) as err:
                raise ConfigurationError(f"cannot delete {self.uri(path)}: {_brief(err)}") from err

    @property
    def _backend(self) -> Any:
        return _backend(self.root, tuple(sorted(self.options.items())))


@lru_cache(maxsize=32)
def _backend(root: str, options: tuple[tuple[str, str], ...]) -> Any:
    named = {name.lower(): value for name, value in options}
    client: Any = {name.removeprefix("aws_"): named.pop(name) for name in _CLIENT & set(named)}
    config: Any = {name: value for name, value in named.items() if not name.startswith(_OF_DELTA)}
    try:
        if "://" in root:
            return from_url(root, config=config, client_options=client)
        return LocalStore(root, mkdir=True)
    except (BaseError, OSError) as err:
        raise ConfigurationError(f"cannot use {root}: {_brief(err)}") from err


def _brief(err: BaseException) -> str:
    return str(err).strip().splitlines()[0][:300] if str(err).strip() else type(err).__name__
