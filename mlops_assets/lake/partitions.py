"""Partitions: which share of a table a run is about."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from mlops_assets.errors import ConfigurationError

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: its columns and the value of each, in order.

    `key` is what people and Dagster see (`camera-01@2026-11-20`).
    """

    columns: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def key(self) -> str:
        """The values joined by `@`."""
        return "@".join(self.values)

    @property
    def folder(self) -> str:
        """Relative folder of the partition's files.

        The names are for people: Delta readers take the values from the log. They hold only
        characters that URL encoding leaves alone, because delta-rs encodes the path of a remove
        action once more than that of the add action it should undo.
        """
        return _folder(self.columns, self.values)

    @property
    def as_dict(self) -> dict[str, str]:
        """Column name to value."""
        return dict(zip(self.columns, self.values, strict=True))

    def __str__(self) -> str:
        return self.key


@lru_cache(maxsize=4096)
def _folder(columns: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = zip(columns, values, strict=True)
    return "/".join(f"{name}={_plain_name(value)}" for name, value in pairs)


def _plain_name(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", value)[:40].strip("-.")
    return f"{slug}__{hashlib.sha256(value.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class PartitionScheme:
    """The partition columns of a table; the last value of a key never holds an `@`."""

    columns: tuple[str, ...]

    def parse(self, key: str) -> Partition:
        """The partition of a key.

        Raises:
            ConfigurationError: the key has too few parts.
        """
        parts = tuple(key.rsplit("@", len(self.columns) - 1))
        if len(parts) != len(self.columns) or not all(parts):
            expected = "@".join(f"<{name}>" for name in self.columns)
            raise ConfigurationError(f"partition {key!r} is not of the form {expected}")
        return Partition(self.columns, parts)

    def of(self, *values: str) -> Partition:
        """The partition with these values."""
        return Partition(self.columns, values)


MEDIA = PartitionScheme(("source", "day"))
"""One source on one arrival day: the partition of every per-media table."""
