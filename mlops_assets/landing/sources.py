"""Sources: rows of settings, and folders of the landing zone, as connectors with their bounds."""

from __future__ import annotations

import importlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import Field, dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mlops_assets.errors import ConfigurationError
from mlops_assets.landing.connectors import Connector, path_of
from mlops_assets.landing.connectors.folder import FolderConnector, is_left_out, readable
from mlops_assets.settings import SourceRow, settings

UNSORTED = "unsorted"
BUILT_IN = {
    "folder": "mlops_assets.landing.connectors.folder:FolderConnector",
    "bucket": "mlops_assets.landing.connectors.bucket:BucketConnector",
    "manifest": "mlops_assets.landing.connectors.manifest:ManifestConnector",
    "database": "mlops_assets.landing.connectors.database:DatabaseConnector",
    "stream": "mlops_assets.landing.connectors.stream:StreamConnector",
    "synthetic": "mlops_assets.landing.connectors.synthetic:SyntheticConnector",
}
GROUP = "mlops_assets.connectors"
"""The entry point group under which a package announces connectors by name."""

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_CREDENTIALS = re.compile(r"://[^/@\s]*:[^/@\s]+@")


@dataclass(frozen=True)
class Source:
    """A connector under the name of the source that it fills.

    Attributes:
        name: of the source.
        row: its bounds, and how its connector is made.
        ready: the connector of a folder of the landing zone, which is looked at each time.
    """

    name: str
    row: SourceRow = field(default_factory=SourceRow)
    ready: Connector | None = None

    @cached_property
    def connector(self) -> Connector:
        """Where its media come from.

        Raises:
            ConfigurationError: the row is wrong; says what would be right.
        """
        return self.ready or connector_of(self.name, self.row)


def stated_sources() -> tuple[Source, ...]:
    """The sources of the settings that name a connector; each is made when it is first used.

    Raises:
        ConfigurationError: the sources cannot be read.
    """
    rows = settings().source_rows
    if not _STATED or _STATED[0][0] is not rows:
        made = tuple(Source(name, row) for name, row in rows.items() if row.connector)
        _STATED[:] = [(rows, made)]
    return _STATED[0][1]


_STATED: list[tuple[dict[str, SourceRow], tuple[Source, ...]]] = []
"""The sources of the settings of this process."""


def sources_in(folder: Path) -> list[Source]:
    """The sources of a landing zone: each folder at its top, and `unsorted` for files beside them.

    Raises:
        ConfigurationError: there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"the landing zone {folder} is no folder")
    try:
        inside = sorted(one.name for one in os.scandir(folder) if one.is_dir(follow_symlinks=False))
    except PermissionError as err:
        raise ConfigurationError(f"cannot read the landing zone {folder}: {err}") from err
    rows = {n: row for n, row in settings().source_rows.items() if not row.connector}
    plain = SourceRow()
    found = [Source(UNSORTED, rows.get(UNSORTED, plain), FolderConnector(str(folder), deep=False))]
    for name in inside:
        if not is_left_out(name):
            source = path_of(readable(name))
            found.append(
                Source(source, rows.get(source, plain), FolderConnector(str(folder / name)))
            )
    return found


def connector_of(name: str, row: SourceRow) -> Connector:
    """The connector of a row of settings.

    Args:
        name: of the source, for the message.
        row: the connector's name (built in, or an entry point) or `module:Class`, and its options.
            `${NAME}` in an option stands for that environment variable, the only way to give it
            a secret.

    Raises:
        ConfigurationError: no such connector, a wrong option, an unset variable, or a secret that
            is written out.
    """
    kind = _class_of(name, row.connector)
    taken: dict[str, Field[Any]] = getattr(kind, "__dataclass_fields__", {})
    unknown = row.options.keys() - taken.keys()
    if unknown:
        raise ConfigurationError(
            f"source {name}: {', '.join(sorted(unknown))} is no option of {row.connector}; "
            f"those are: {', '.join(taken)}"
        )
    options = {
        key: _expanded(name, key, value, is_secret=taken[key].metadata.get("secret", False))
        for key, value in row.options.items()
    }
    try:
        return TypeAdapter(kind).validate_python(options)
    except ValidationError as err:  # without the input: it may hold a secret
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in err.errors())
        raise ConfigurationError(f"source {name}: {said}") from None


def _class_of(name: str, connector: str) -> type[Connector]:
    announced = {one.name: one.value for one in entry_points(group=GROUP)}
    place = {**announced, **BUILT_IN}.get(connector, connector)
    module, found, attribute = place.partition(":")
    if not found:
        known = ", ".join(sorted({*announced, *BUILT_IN}))
        raise ConfigurationError(
            f"source {name}: no connector {connector!r}; expected module:Class, or one of {known}"
        )
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as err:
        raise ConfigurationError(f"source {name}: cannot import {place}: {err}") from err
    if not (isinstance(kind, type) and issubclass(kind, Connector)):
        raise ConfigurationError(f"source {name}: {place} is no subclass of Connector")
    return kind


def _expanded(name: str, key: str, value: Any, *, is_secret: bool) -> Any:
    """An option with its environment variables filled in, lists and tables too."""
    if isinstance(value, list):
        return [_expanded(name, key, one, is_secret=is_secret) for one in value]
    if isinstance(value, dict):
        return {k: _expanded(name, key, one, is_secret=is_secret) for k, one in value.items()}
    if not isinstance(value, str):
        return value
    if _CREDENTIALS.search(value) or (is_secret and not _VARIABLE.search(value)):
        raise ConfigurationError(
            f"source {name}: {key} holds a secret; expected an environment variable, as ${{NAME}}"
        )
    missing = [one for one in _VARIABLE.findall(value) if one not in os.environ]
    if missing:
        raise ConfigurationError(f"source {name}: {key} needs {missing[0]}, which is not set")
    return _VARIABLE.sub(lambda found: os.environ[found[1]], value)


@dataclass
class Rota:
    """When each source was last looked at in this process: those that waited longest come first."""

    looked: dict[str, float] = field(default_factory=dict)

    def due(self, sources: Sequence[Source]) -> Iterator[Source]:
        """The sources whose turn it is; each is noted before it is looked at."""
        never = float("-inf")
        for source in sorted(sources, key=lambda one: self.looked.get(one.name, never)):
            now, every_s = time.monotonic(), 0.0 if source.ready else source.row.every_s
            if now - self.looked.get(source.name, never) >= every_s:
                self.looked[source.name] = now
                yield source
