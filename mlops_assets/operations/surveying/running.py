"""The survey of a folder: list, look, compare, rehearse, each within its share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mlops_assets.errors import ConfigurationError
from mlops_assets.gates import Limits
from mlops_assets.gates.checking import Isolation
from mlops_assets.gates.checking.isolation import Workers, start_workers
from mlops_assets.gates.checking.looking import Look, look_at
from mlops_assets.gates.checking.one_file import Judged, Work, tell_kind
from mlops_assets.gates.pixels import Finding
from mlops_assets.operations.surveying.copies import find_copies
from mlops_assets.operations.surveying.facts import Costs, Coverage, Survey
from mlops_assets.operations.surveying.listing import Listing, list_folder
from mlops_assets.operations.surveying.rehearsing import rehearse
from mlops_assets.operations.surveying.sampling import sampling_order, until
from mlops_assets.operations.surveying.summary import summarise

_LIST_UNTIL, _LOOK_UNTIL, _COMPARE_UNTIL, _END = 0.2, 0.55, 0.7, 0.95
"""Shares of the time by which each part is over."""
_READ_BYTES = 200_000_000
_DECODE_CPU_S = 5.0


def survey(
    folder: Path,
    *,
    minutes: float = 10.0,
    max_files: int | None = None,
    with_costs: bool = True,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Look a folder over: what is there, how fit it is, and what the full run would take.

    Nothing is written into it and no link is followed. Files are opened in processes that can be
    killed. Of a folder too large for the time a sample across folders and months is looked at; its
    order is always the same, the clock only says how far it goes.

    Args:
        folder: any folder.
        minutes: time by the clock on the wall, for everything; > 0.
        max_files: look at so many at most; the same ones every time.
        with_costs: also run the tables over a few files, in a temporary folder, to estimate the
            full run.
        workers: processes; 0 for one per core.
        progress: told files looked at and files to look at.

    Returns:
        The survey; an empty folder has one too.

    Raises:
        ConfigurationError: it is no folder, or there is no time.
    """
    if not folder.is_dir() or minutes <= 0:
        raise ConfigurationError(f"cannot survey {folder} in {minutes} minutes; expected a folder")
    clock = _Clock(minutes * 60)
    listing = list_folder(
        folder,
        limits=Limits(max_read_bytes=_READ_BYTES),
        decode_cpu_s=min(_DECODE_CPU_S, max(0.5, minutes)),
        is_over=clock.after(_LIST_UNTIL),
    )
    cpu_s = min(30.0, max(5.0, minutes * 3))
    with start_workers(Isolation(workers=workers, cpu_s=cpu_s)) as pool:
        order = sampling_order(listing.works)
        handed = until(order, max_files=max_files, is_over=clock.after(_LOOK_UNTIL))
        total = min(len(order), max_files or len(order))
        looks: dict[str, Look] = {}
        for work, seen, waited_s in pool.run(look_at, handed, weigh=_size):
            looks[work.path] = _died(seen, work, waited_s) if isinstance(seen, Finding) else seen
            if progress:
                progress(len(looks), total)
        _name_kinds(pool, listing, looks)
        copies = find_copies(pool, listing.works, is_over=clock.after(_COMPARE_UNTIL))
    found = summarise(folder, listing, looks, copies, now=datetime.now(UTC))
    costs = Costs(basis="Not asked for.")
    if with_costs:
        costs = rehearse(listing, looks, found.kinds, left_s=clock.left_s(_END))
    return replace(found, costs=costs, coverage=_timed(found.coverage, clock, minutes))


class _Clock:
    """The time that was given, from now on."""

    def __init__(self, given_s: float) -> None:
        self._began, self._given_s = time.monotonic(), given_s

    def passed_s(self) -> float:
        return time.monotonic() - self._began

    def left_s(self, share: float) -> float:
        return max(0.0, self._given_s * share - self.passed_s())

    def after(self, share: float) -> Callable[[], bool]:
        return lambda: self.left_s(share) == 0.0


def _timed(coverage: Coverage, clock: _Clock, minutes: float) -> Coverage:
    return replace(coverage, seconds=round(clock.passed_s(), 1), minutes=minutes)


def _size(work: Work) -> int:
    return work.size_bytes


def _died(finding: Finding, work: Work, waited_s: float) -> Look:
    kind = "sidecar" if work.is_sidecar else "unknown"
    return Look(Judged(kind, (finding,), waited_s), 0.0)


def _name_kinds(pool: Workers, listing: Listing, looks: dict[str, Look]) -> None:
    """Put the kind of each file whose process died into what is known of it."""
    lost = [w for w in listing.works if w.path in looks and looks[w.path].judged.kind == "unknown"]
    lost = [w for w in lost if not looks[w.path].judged.mime]
    for work, told, _ in pool.run(tell_kind, lost, weigh=_size):
        if isinstance(told, Judged):
            judged = replace(looks[work.path].judged, kind=told.kind, mime=told.mime)
            looks[work.path] = replace(looks[work.path], judged=judged)
