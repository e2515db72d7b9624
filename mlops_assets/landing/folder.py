"""What lies in a landing zone now, for those who look without taking anything in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlops_assets.landing.connectors.folder import FolderConnector
from mlops_assets.landing.sources import sources_in

_SIDECAR = ".json"


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the landing zone.

    Attributes:
        source: its first folder; `unsorted` when it lies at the top.
        path: within the source, see `Item.path`.
        file: where it is.
    """

    source: str
    path: str
    file: Path
    size_bytes: int


def list_landing(folder: Path) -> dict[tuple[str, str], Found]:
    """Every regular file under a landing zone by source and path; symbolic links are not followed.

    Hidden files and those still in transit (`.tmp`, `.part`, ...) are left out.

    Raises:
        ConfigurationError: there is no such folder, or it cannot be read.
    """
    found = {}
    for source in sources_in(folder):
        connector = source.connector
        if not isinstance(connector, FolderConnector):
            continue
        for item in (item for page in connector.list_since(None) for item in page.items):
            if item.size_bytes is not None:  # else a folder that cannot be read
                one = Found(source.name, item.path, connector.place(item), item.size_bytes)
                found[one.source, one.path] = one
    return found


def is_sidecar(
    one: Found, files: dict[tuple[str, str], Found], known: set[tuple[str, str]]
) -> bool:
    """Whether a file belongs to another, which lies beside it or landed earlier."""
    if not one.path.endswith(_SIDECAR):
        return False
    owner = (one.source, one.path.removesuffix(_SIDECAR))
    return owner in files or owner in known
