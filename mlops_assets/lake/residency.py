"""Residency: under which stores the bytes of a source may lie."""

from __future__ import annotations

import posixpath
from pathlib import Path

from mlops_assets.errors import ConfigurationError
from mlops_assets.settings import settings


def require_residence(source: str, place: str) -> None:
    """Refuse to write bytes of a source where they may not lie.

    Args:
        source: its name; one that is not stated, or that states no `allowed_stores`, may lie
            anywhere.
        place: absolute folder or URL that is about to be written to.

    Raises:
        ConfigurationError: the place is under none of the prefixes the source allows.
    """
    row = settings().source_rows.get(source)
    if row is None or not row.allowed_stores:
        return
    here = _plain(place)
    if not any(_is_under(here, _plain(prefix)) for prefix in row.allowed_stores):
        raise ConfigurationError(
            f"source {source} may not be stored in {place}; "
            f"allowed_stores: {', '.join(row.allowed_stores)}"
        )


def _is_under(place: str, prefix: str) -> bool:
    return place == prefix or place.startswith(prefix.rstrip("/") + "/")


def _plain(place: str) -> str:
    """Without `..`, links and trailing slashes, so that a prefix is a prefix."""
    scheme, found, rest = place.partition("://")
    if not found:
        return str(Path(place).resolve())
    return f"{scheme.lower()}://{posixpath.normpath('/' + rest).lstrip('/')}"
