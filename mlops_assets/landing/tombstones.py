"""Tombstones: media that were forgotten, by hash. They are never taken in again.

A tombstone is a ruling that nothing revokes, so what reads rulings sees it. A copy of each lies
outside the lake (`MLOPS_TOMBSTONES`): a lake restored from an old copy learns of them again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from mlops_assets.lake import Lake, Store
from mlops_assets.landing.rulings import RULINGS
from mlops_assets.settings import settings

ERASED = "erased"
"""The ruling, and the reason in `raw_media` of a file that landed again."""

is_tombstone = pl.col("ruling") == ERASED
"""Of a row of `rulings`: the audit row, which stays."""

_SEEN: dict[str, tuple[int, frozenset[str]]] = {}


def entomb(
    lake: Lake, media: Iterable[str], *, reason: str, by: str, now: datetime | None = None
) -> list[str]:
    """State that media are forgotten; those that have a tombstone keep it.

    Args:
        lake: where.
        media: SHA-256 of their bytes.
        reason: why, for people.
        by: who.
        now: when; the time of the call for None.

    Returns:
        The media that had none.
    """
    known = erased_media(lake)
    fresh = sorted(set(media) - known)
    at = now or datetime.now(UTC)
    rows = [
        {"media_id": one, "ruling": ERASED, "reason": reason, "ruled_by": by, "recorded_at": at}
        for one in fresh
    ]
    for row in rows:
        _copies().put(f"{row['media_id']}.json", json.dumps(row, default=str).encode())
    RULINGS.append(lake, pl.DataFrame(rows, schema=RULINGS.schema))
    return fresh


def erased_media(lake: Lake) -> frozenset[str]:
    """The hashes with a tombstone, those that a restored lake has forgotten among them.

    What only the copies outside the lake know is stated in the lake again.
    """
    stated = _stated(lake)
    missing = [path for path in _copied() if path.removesuffix(".json") not in stated]
    if not missing:
        return stated
    rows = [json.loads(_copies().get(path)) for path in missing]
    told = pl.DataFrame(
        [{**row, "recorded_at": datetime.fromisoformat(row["recorded_at"])} for row in rows],
        schema=RULINGS.schema,
    )
    RULINGS.append(lake, told)
    return _stated(lake)


def tombstones(lake: Lake) -> pl.DataFrame:
    """The audit rows, oldest first: `media_id`, `reason`, `ruled_by`, `recorded_at`."""
    erased_media(lake)
    rows = RULINGS.statements(lake).filter(is_tombstone).drop("ruling")
    return rows.unique("media_id", keep="first", maintain_order=True)


def copies_folder() -> str:
    """Where the copies lie: a folder, or the URL of one."""
    chosen = settings()
    return chosen.tombstones or str(chosen.home.absolute() / "tombstones")


def _stated(lake: Lake) -> frozenset[str]:
    version = RULINGS.version(lake)
    seen = _SEEN.get(lake.store.root)
    if seen is None or seen[0] != version:
        rows = RULINGS.statements(lake).filter(is_tombstone)
        seen = _SEEN[lake.store.root] = version, frozenset(rows["media_id"])
    return seen[1]


def _copies() -> Store:
    return Store(copies_folder(), settings().lake_options if "://" in copies_folder() else {})


def _copied() -> list[str]:
    """Names of the copies, without making a folder where there is none."""
    folder = copies_folder()
    if "://" not in folder and not Path(folder).is_dir():
        return []
    return [entry["path"] for entry in _copies().list("") if entry["path"].endswith(".json")]
