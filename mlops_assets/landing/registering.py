"""Register what landed: bytes into the vault, paths into partitions, changes into the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from mlops_assets.errors import TransientError
from mlops_assets.lake import MEDIA, Lake
from mlops_assets.landing.arrivals import ARRIVALS, stamped
from mlops_assets.landing.folder import Found, is_sidecar, list_landing, sidecar_of
from mlops_assets.settings import settings

Known = dict[tuple[str, str], dict[str, object]]


@dataclass(frozen=True)
class Landed:
    """What one look at the landing zone came to.

    Attributes:
        files: arrivals stated.
        partitions: keys of the partitions they are in.
        unsettled: files that changed too recently.
        left: files for the next look (over the time budget, or changing while read).
    """

    files: int
    partitions: tuple[str, ...]
    unsettled: int
    left: int


def register(
    lake: Lake,
    folder: Path,
    *,
    now: datetime | None = None,
    budget_s: float = 20.0,
    settle_s: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Landed:
    """Look at the landing zone once and state what is new or changed there.

    A file has landed when nothing about it changed for `settings().settle_s` seconds. A file that
    vanished changes nothing: the vault has its bytes. Nothing is stated whose bytes are not in the
    vault, so a crash at any instant loses nothing; the next look goes on.

    Args:
        lake: where.
        folder: the landing zone.
        now: the time to judge by.
        budget_s: stop after about so long; at least one file is taken.
        settle_s: a file unchanged this long has landed; the setting for None.
        progress: told files done and files to do.

    Raises:
        ConfigurationError: no such folder, no space, no permission.
    """
    now = now or datetime.now(UTC)
    files = list_landing(folder)
    known = _known(lake)
    changed = [one for one in files.values() if _has_news(one, files, known)]
    quiet_s = settings().settle_s if settle_s is None else settle_s
    settled = [one for one in changed if _is_settled(one, files, now, quiet_s)]
    taken = list(_take(lake, settled, files, known, budget_s, progress))
    rows = _assign(taken, known, now)
    ARRIVALS.append(lake, stamped(rows))
    keys = rows.select("source", "day").unique(maintain_order=True).iter_rows()
    return Landed(
        rows.height,
        tuple(MEDIA.of(source, day).key for source, day in keys),
        len(changed) - len(settled),
        len(settled) - len(taken),
    )


def _known(lake: Lake) -> Known:
    rows = ARRIVALS.latest(lake)
    return {(row["source"], row["path"]): row for row in rows.iter_rows(named=True)}


def _has_news(one: Found, files: dict[tuple[str, str], Found], known: Known) -> bool:
    if is_sidecar(one, files, set()) or is_sidecar(one, {}, known.keys()):  # pyright: ignore
        return False
    before = known.get((one.source, one.path))
    if before is None:
        return True
    sidecar = sidecar_of(one, files)
    same = (before["size_bytes"], before["modified_at"]) == (one.size_bytes, one.modified_at)
    return not same or (
        sidecar is not None and before["sidecar_modified_at"] != sidecar.modified_at
    )


def _is_settled(
    one: Found, files: dict[tuple[str, str], Found], now: datetime, quiet_s: float
) -> bool:
    together = [one, sidecar_of(one, files)]
    latest = max(file.changed_at for file in together if file is not None)
    return (now - latest).total_seconds() >= quiet_s


def _take(
    lake: Lake,
    settled: list[Found],
    files: dict[tuple[str, str], Found],
    known: Known,
    budget_s: float,
    progress: Callable[[int, int], None] | None,
) -> Iterator[dict[str, object]]:
    started = time.monotonic()
    for done, one in enumerate(settled):
        if done and time.monotonic() - started > budget_s:
            return
        try:
            yield _arrival(lake, one, sidecar_of(one, files), known)
        except TransientError:
            continue
        if progress:
            progress(done + 1, len(settled))


def _arrival(lake: Lake, one: Found, sidecar: Found | None, known: Known) -> dict[str, object]:
    before = known.get((one.source, one.path), {})
    return {
        "source": one.source,
        "path": one.path,
        "size_bytes": one.size_bytes,
        "modified_at": one.modified_at,
        "sha256": lake.vault.keep(one.file),
        "sidecar_sha256": lake.vault.keep(sidecar.file)
        if sidecar
        else before.get("sidecar_sha256"),
        "sidecar_modified_at": (
            sidecar.modified_at if sidecar else before.get("sidecar_modified_at")
        ),
    }


def _assign(taken: list[dict[str, object]], known: Known, now: datetime) -> pl.DataFrame:
    """Known paths keep their partition; new ones go to the day's, which rolls over when full."""
    book = _Book(known, now)
    rows = []
    for one in taken:
        before = known.get((str(one["source"]), str(one["path"])))
        day = before["day"] if before else book.place(str(one["source"]), int(one["size_bytes"]))  # type: ignore[arg-type]
        landed_at = before["landed_at"] if before else now
        rows.append({**one, "day": day, "landed_at": landed_at, "recorded_at": now})
    schema = {name: dtype for name, dtype in ARRIVALS.schema.items() if name != "_fp"}
    return pl.DataFrame(rows, schema=schema)


class _Book:
    """How full the day's partitions are."""

    def __init__(self, known: Known, now: datetime) -> None:
        self.today = now.date().isoformat()
        self.filled: dict[tuple[str, int], tuple[int, int]] = {}
        for row in known.values():
            day, _, turn = str(row["day"]).partition(".")
            if day == self.today:
                self._add(str(row["source"]), int(turn or 1), int(row["size_bytes"]))  # type: ignore[call-overload]

    def place(self, source: str, size_bytes: int) -> str:
        """The partition of today with room for one more file."""
        turn = max((t for s, t in self.filled if s == source), default=1)
        files, filled = self.filled.get((source, turn), (0, 0))
        limits = settings()
        full = files >= limits.partition_max_files
        heavy = files and filled + size_bytes > limits.partition_max_gb * 1e9
        turn += 1 if full or heavy else 0
        self._add(source, turn, size_bytes)
        return self.today if turn == 1 else f"{self.today}.{turn}"

    def _add(self, source: str, turn: int, size_bytes: int) -> None:
        files, filled = self.filled.get((source, turn), (0, 0))
        self.filled[source, turn] = (files + 1, filled + size_bytes)
