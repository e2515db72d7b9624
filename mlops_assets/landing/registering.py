"""Register what sources offer: each item once, within bounds, and nothing lost by a crash.

In this order: bytes into the vault, arrivals into their ledger, then the cursors of the listings.
Killed at any instant, the next look lists again what was not stated, and states nothing twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from mlops_assets.errors import ConfigurationError, InputError, MlopsError, TransientError
from mlops_assets.lake import MEDIA, Lake
from mlops_assets.landing.arrivals import ARRIVALS, stamped
from mlops_assets.landing.connectors import Item
from mlops_assets.landing.known import Known
from mlops_assets.landing.pairing import Recent, Work, news
from mlops_assets.landing.placing import Book
from mlops_assets.landing.progress import (
    Cursors,
    Failure,
    known_cursors,
    open_failures,
    state_cursors,
    state_failures,
)
from mlops_assets.landing.sources import Rota, Source, sources_in
from mlops_assets.landing.taking import (
    Taken,
    Taker,
    only_look,
    require_allowed,
    sweep_fetching,
)
from mlops_assets.landing.tombstones import erased_media
from mlops_assets.settings import settings

_STATE_AT = 5_000
_GRACE_S = 5.0
_LISTING, _ZONE = "", "(landing zone)"
"""What failures are about that are of no item: see `FAILURES`."""
_RETRIES_A_LOOK = 100


@dataclass(frozen=True)
class Landed:
    """What one look came to.

    Attributes:
        files: arrivals stated.
        partitions: keys of the partitions they are in.
        unsettled: files that changed too recently.
        left: files that were listed and are for the next look: a bound was reached.
        failed: items, and listings, that could not be taken in; see `open_failures`.
    """

    files: int
    partitions: tuple[str, ...]
    unsettled: int
    left: int
    failed: int


@dataclass
class Budget:
    """How much one look may take in; at least one file. A bound that is None does not hold.

    Args:
        seconds: stop after about so long.
        files: or after so many arrivals.
        size_bytes: or after so many bytes.
        pages: pages listed of one source.
    """

    seconds: float = 20.0
    files: int | None = None
    size_bytes: float | None = None
    pages: int | None = None
    began: float = field(default_factory=time.monotonic)
    spent: Counter[str] = field(default_factory=Counter)

    def spend(self, size_bytes: int) -> None:
        """One file was taken, or failed."""
        self.spent.update(files=1, size_bytes=size_bytes)

    @property
    def is_over(self) -> bool:
        """Whether no other file may be taken."""
        if not self.spent["files"]:
            return False
        over_files = self.files is not None and self.spent["files"] >= self.files
        over_bytes = self.size_bytes is not None and self.spent["size_bytes"] >= self.size_bytes
        return over_files or over_bytes or self.is_late

    @property
    def is_late(self) -> bool:
        """Whether the time is up; an empty-handed look goes on a little longer."""
        grace_s = 0.0 if self.spent["files"] else self.seconds + _GRACE_S
        return time.monotonic() - self.began > self.seconds + grace_s


def register(
    lake: Lake,
    folder: Path,
    *,
    now: datetime | None = None,
    budget_s: float = 20.0,
    settle_s: float | None = None,
) -> Landed:
    """Look at a landing zone once and state what is new or changed there.

    A file has landed when nothing about it changed for `settings().settle_s` seconds. A file that
    vanished changes nothing: the vault has its bytes.

    Args:
        lake: where.
        folder: the landing zone.
        now: the time to judge by.
        budget_s: stop after about so long; at least one file is taken.
        settle_s: a file unchanged this long has landed; the setting for None.

    Raises:
        ConfigurationError: no such folder, no space, no permission.
    """
    return register_all(
        lake, sources_in(folder), now=now, budget=Budget(seconds=budget_s), settle_s=settle_s
    )


def register_all(
    lake: Lake,
    sources: Sequence[Source],
    *,
    budget: Budget,
    rota: Rota | None = None,
    now: datetime | None = None,
    settle_s: float | None = None,
) -> Landed:
    """Look at sources once and state what is new or changed there, within bounds.

    An item that fails is stated with its reason in `landing_failures`, costs the others nothing,
    and is tried again: a bad one when it changes, any other after a while. So is a source that
    cannot be listed. What a source no longer lists stays.

    Args:
        lake: where.
        sources: where media come from.
        budget: how much to take in.
        rota: whose turn it is; everybody's for None.
        now: the time to judge by.
        settle_s: a file unchanged this long has landed; the setting for None.

    Raises:
        ConfigurationError: the lake cannot be written to.
        TransientError: another look at this lake is at work.
    """
    quiet_s = settings().settle_s if settle_s is None else settle_s
    stated = {source.name for source in sources if source.ready is None}
    with only_look(lake):
        look = _Look(lake, now or datetime.now(UTC), budget, quiet_s)
        try:
            for source in (rota or Rota()).due(sources):
                if budget.is_late:
                    break
                if source.ready is not None and source.name in stated:
                    look.refuse_zone(source)
                else:
                    look.at(source)
        finally:  # a fault of one connector must not undo what was taken before it
            look.state()
    return Landed(
        look.files, tuple(dict.fromkeys(look.partitions)), look.unsettled, look.left, look.failed
    )


class _Look:
    """One look at sources: what it has taken and not stated yet, and what it came to."""

    def __init__(self, lake: Lake, now: datetime, budget: Budget, quiet_s: float) -> None:
        self.lake, self.now, self.budget, self.quiet_s = lake, now, budget, quiet_s
        self.taker = Taker(lake, erased_media(lake), now)
        self.failing = {(one["source"], one["path"]): one for one in open_failures(lake).to_dicts()}
        self.due: dict[str, list[Item]] = {}
        for (source, path), one in self.failing.items():
            if one["item_json"] and not self._waits(source, path, one["mark"]):
                self.due.setdefault(source, []).append(Item.from_json(one["item_json"]))
        self.book = Book(lake, now)
        self.listed = known_cursors(lake)
        self.partitions: list[str] = []
        self.files = self.unsettled = self.left = self.failed = 0
        self._begin()
        sweep_fetching(lake, now)

    def _begin(self) -> None:
        self.known = Known.of(self.lake)
        self.recent: dict[str, Recent] = {}
        self.waiting = 0
        self.failures: dict[tuple[str, str], Failure] = {}
        self.resolved: list[tuple[str, str]] = []
        self.cursors: Cursors = {}

    def refuse_zone(self, source: Source) -> None:
        """Leave a folder of the landing zone alone whose name is that of a stated source."""
        said = f"{source.name} is stated with a connector and a folder of the landing zone"
        self._fail(source.name, _ZONE, None, ConfigurationError(said))

    def at(self, source: Source) -> None:
        """Look at one source, as far as the budget goes."""
        if self._waits(source.name, _LISTING, None):
            return
        try:
            require_allowed(self.lake, source)
            self._take_in(source, self.due.get(source.name, [])[:_RETRIES_A_LOOK])
            self._list(source)
        except (TransientError, ConfigurationError) as error:
            self._fail(source.name, _LISTING, None, error)
        else:
            self._resolve(source.name, _LISTING)
            if source.ready is not None:
                self._resolve(source.name, _ZONE)

    def _list(self, source: Source) -> None:
        place = (source.name, source.connector.describe())
        cursor = self.listed.get(place)
        for number, page in enumerate(source.connector.list_since(cursor), 1):
            if not self._take_in(source, page.items):
                return
            self.cursors[place] = page.cursor
            if self.waiting >= _STATE_AT:
                self.state()
            if number == self.budget.pages or self.budget.is_over or self.budget.is_late:
                return

    def _take_in(self, source: Source, items: Sequence[Item]) -> bool:
        """Take in what is new among some items; whether the budget sufficed."""
        recent = self.recent.setdefault(source.name, Recent())
        works = list(news(self.known, recent, source.name, self._by_path(source, items)))
        settled = [work for work in works if work.is_settled(self.now, self.quiet_s)]
        tried = [self._to_be_tried(source.name, work) for work in settled]
        wanted = [work for work in tried if work is not None]
        self.unsettled += len(works) - len(settled)
        results = self.taker.take_all(source, wanted)
        for done in range(len(wanted)):
            if self.budget.is_over:
                results.close()
                self.left += len(wanted) - done
                return False
            self._note(source.name, next(results))
        return True

    def _by_path(self, source: Source, items: Sequence[Item]) -> dict[str, Item]:
        """Items by path; those without one, or with that of another, have failed."""
        found: dict[str, Item] = {}
        for item in items:
            try:
                twin = found.setdefault(item.path, item)
                if twin is not item:
                    raise InputError(
                        f"{item.name!r} and {twin.name!r} have one path, {item.path!r}",
                        reason="same_path",
                    )
            except InputError as error:
                self._fail(source.name, ascii(item.name)[:200], item, error)
        taken = self.recent[source.name].rows
        return {path: item for path, item in found.items() if path not in taken}

    def _to_be_tried(self, source: str, work: Work) -> Work | None:
        """The work without what failed before and is not to be tried yet."""
        if not self.failing:
            return work
        if work.item is not None and self._waits(source, work.item.path, work.item.mark):
            return None
        if work.sidecar and self._waits(source, work.sidecar.path, work.sidecar.mark):
            return work.without_sidecar() if work.item else None
        return work

    def _waits(self, source: str, path: str, mark: str | None) -> bool:
        """Whether it failed as it is now, and is not to be tried yet."""
        failed = self.failing.get((source, path))
        if failed is None or failed["mark"] != mark:
            return False
        return failed["retry_at"] is None or failed["retry_at"] > self.now

    def _note(self, source: str, taken: Taken) -> None:
        self.budget.spend(int(taken.row["size_bytes"]) if taken.row else 0)
        if taken.error is not None and taken.failed is not None:
            self._fail(source, taken.failed.path, taken.failed, taken.error)
        if taken.row is not None:
            self.recent[source].add(self.book.place(taken.row))
            self.waiting += 1
            for item in taken.work.items if self.failing else ():
                if item is not taken.failed:
                    self._resolve(source, item.path)

    def _fail(self, source: str, path: str, item: Item | None, error: MlopsError) -> None:
        """State a failure, unless it is known and the same."""
        mark = item.mark if item else None
        if self._waits(source, path, mark):
            return
        before = self.failing.get((source, path))
        tries = before["tries"] if before is not None and before["mark"] == mark else 0
        self.failed += 1
        self.failures[source, path] = Failure(source, path, item, tries + 1, error)

    def _resolve(self, source: str, path: str) -> None:
        if (source, path) in self.failing:
            self.resolved.append((source, path))

    def state(self) -> None:
        """State what was taken, then what failed, then where the listings go on."""
        taken = [row for recent in self.recent.values() for row in recent.rows.values()]
        if taken:
            rows = pl.DataFrame(taken, schema=_UNSTAMPED)
            ARRIVALS.append(self.lake, stamped(rows))
            self.files += rows.height
            keys = rows.select("source", "day").unique(maintain_order=True).iter_rows()
            self.partitions += [MEDIA.of(source, day).key for source, day in keys]
        state_failures(self.lake, list(self.failures.values()), self.resolved, self.now)
        moved = {p: c for p, c in self.cursors.items() if c != self.listed.get(p)}
        state_cursors(self.lake, moved, self.now)
        self.listed |= moved
        self._begin()


_UNSTAMPED = {name: dtype for name, dtype in ARRIVALS.schema.items() if name != "_fp"}
