"""A folder judged: walked, paired with sidecars, each file read in a worker, equal bytes told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from mlops_assets.gates.checking.isolation import Isolation, Workers, start_workers
from mlops_assets.gates.checking.one_file import (
    Judged,
    Work,
    hash_file,
    judge_file,
    tell_kind,
)
from mlops_assets.gates.checking.walking import Entry, walk_folder
from mlops_assets.gates.limits import Limits
from mlops_assets.gates.pixels import Finding
from mlops_assets.gates.sidecars import pair_sidecars
from mlops_assets.gates.table import GATES

Status = Literal["accepted", "quarantined", "duplicate"]

_ALONE = ("labels", "sidecar")
_DIED = tuple(gate.code for gate in GATES.values() if gate.stage == "process")
_DEFAULT_LIMITS = Limits()
_DEFAULT_ISOLATION = Isolation()


@dataclass(frozen=True)
class FileVerdict:
    """One file of a folder, judged.

    Attributes:
        path: below the folder, with `/`.
        kind: `video`, `image`, `audio`, `document`, `archive`, `labels`, `sidecar` or `unknown`.
        status: `duplicate` for an accepted file whose bytes an accepted file before it has.
        reason: why it is not accepted, a code of `GATES` or `duplicate`; empty if it is.
        message: what a person reads.
        seconds: by the clock on the wall.
        flags: codes of `GATES`: what is odd about it.
        duplicate_of: path of the file with the same bytes; empty if there is none.
        size_bytes: size.
        mime: media type; empty if not known.
        captured_at: aware, UTC; None where it was not asked for.
        captured_at_from: where that was read.
    """

    path: str
    kind: str
    status: Status
    reason: str
    message: str
    seconds: float
    flags: tuple[str, ...] = ()
    duplicate_of: str = ""
    size_bytes: int = 0
    mime: str = ""
    captured_at: datetime | None = None
    captured_at_from: str = ""


def check_folder(
    root: Path,
    *,
    limits: Limits = _DEFAULT_LIMITS,
    isolation: Isolation = _DEFAULT_ISOLATION,
    progress: Callable[[int, int], None] | None = None,
) -> list[FileVerdict]:
    """Judge every file below a folder: the door, then the decode pass, then equal bytes.

    Nothing is followed out of the folder, nothing is written, and no file can hurt another's
    verdict: each is read in a process of its own bounds.

    Args:
        root: the folder.
        limits: thresholds.
        isolation: bounds on the processes.
        progress: told files done and files to do.

    Returns:
        One row per entry that is no folder, and one per folder that cannot be listed; sorted by
        path.
    """
    folders = list(walk_folder(root))
    entries = [entry for folder in folders for entry in folder]
    rows = {entry.path: _unopened(entry) for entry in entries if entry.problem is not None}
    works = [work for folder in folders for work in _works(root, folder, limits)]
    with start_workers(isolation) as workers:
        for work, outcome, waited_s in workers.run(judge_file, works, weigh=_size):
            rows[work.path] = _row(work, outcome, waited_s)
            if progress:
                progress(len(rows), len(entries))
        _name_kinds(workers, works, rows)
        owners = _equal_bytes(workers, works, rows)
    return [_with_owner(rows[path], owners.get(path, "")) for path in sorted(rows)]


def _unopened(entry: Entry) -> FileVerdict:
    problem = entry.problem
    code, message = (problem.code, problem.message) if problem else ("", "")
    return FileVerdict(entry.path, "unknown", "quarantined", code, message, 0.0)


def _works(root: Path, folder: list[Entry], limits: Limits) -> Iterator[Work]:
    """What is to be judged in one folder."""
    regular = {e.path.rpartition("/")[2]: e for e in folder if e.problem is None}
    pairs = pair_sidecars(list(regular))
    sidecars = pairs.sidecars
    for name, entry in regular.items():
        beside = next(iter(pairs.of.get(name, ())), "")
        yield Work(
            root=root,
            path=entry.path,
            modified_at=entry.modified_at,
            size_bytes=entry.size_bytes,
            sidecar=regular[beside].path if beside else "",
            is_sidecar=name in sidecars,
            limits=limits,
        )


def _size(work: Work) -> int:
    return work.size_bytes


def _row(work: Work, outcome: Judged | Finding, waited_s: float) -> FileVerdict:
    if isinstance(outcome, Finding):
        kind = "sidecar" if work.is_sidecar else "unknown"
        outcome = Judged(kind, (outcome,), waited_s)
    fatal = next((one for one in outcome.findings if one.is_fatal), None)
    flags = tuple(dict.fromkeys(one.code for one in outcome.findings if not one.is_fatal))
    told = [fatal] if fatal else outcome.findings
    return FileVerdict(
        path=work.path,
        kind=outcome.kind,
        status="quarantined" if fatal else "accepted",
        reason=fatal.code if fatal else "",
        message=" ".join(dict.fromkeys(one.message for one in told)),
        seconds=round(outcome.seconds, 4),
        flags=flags,
        size_bytes=work.size_bytes,
        mime=outcome.mime,
        captured_at=outcome.captured_at,
        captured_at_from=outcome.captured_at_from,
    )


def _name_kinds(workers: Workers, works: Iterable[Work], rows: dict[str, FileVerdict]) -> None:
    """Put the kind of each file whose process died into its row."""
    lost = [work for work in works if rows[work.path].reason in _DIED]
    for work, told, _ in workers.run(tell_kind, lost, weigh=_size):
        if isinstance(told, Judged) and not work.is_sidecar:
            rows[work.path] = replace(rows[work.path], kind=told.kind, mime=told.mime)


def _equal_bytes(
    workers: Workers, works: Iterable[Work], rows: dict[str, FileVerdict]
) -> dict[str, str]:
    """Path of a duplicate to its owner, the first by path; only files of equal size are read."""
    by_size: dict[int, list[Work]] = defaultdict(list)
    for work in works:
        row = rows[work.path]
        if row.status == "accepted" and row.kind not in _ALONE:
            by_size[row.size_bytes].append(work)
    alike = [work for group in by_size.values() if len(group) > 1 for work in group]
    by_hash: dict[str, list[str]] = defaultdict(list)
    for work, digest, _ in workers.run(hash_file, alike, weigh=_size):
        if isinstance(digest, str):
            by_hash[digest].append(work.path)
    return {path: sorted(group)[0] for group in by_hash.values() for path in sorted(group)[1:]}


def _with_owner(row: FileVerdict, owner: str) -> FileVerdict:
    if not owner:
        return row
    return replace(
        row,
        status="duplicate",
        reason="duplicate",
        message=f"The same bytes as {owner}.",
        duplicate_of=owner,
    )
