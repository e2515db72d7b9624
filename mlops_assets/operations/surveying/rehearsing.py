"""What the full run would take: the real tables over a few files and over more, drawn out.

The rehearsal runs in a process of its own that is killed when its time is over, over copies in a
temporary folder that is removed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mlops_assets.gates.checking.looking import Look
from mlops_assets.gates.checking.one_file import Work
from mlops_assets.gates.checking.walking import reachable
from mlops_assets.operations.surveying.facts import Cost, Costs, Kind
from mlops_assets.operations.surveying.listing import Listing

_FILES = {"image": (2, 16), "document": (2, 8), "video": (1, 3)}
"""How many files of a kind are tried: a few, and more."""
_LARGEST_BYTES = 50_000_000
_LEAST_S = 5.0
_MEASURES = ("rows", "size_bytes", "seconds")


def rehearse(
    listing: Listing, looks: Mapping[str, Look], kinds: Sequence[Kind], *, left_s: float
) -> Costs:
    """Estimate time and disk of every table with the defaults.

    Args:
        listing: the folder.
        looks: what was looked at, by path.
        kinds: all files by kind.
        left_s: seconds there are, for all kinds together.

    Returns:
        Per table, for one process on this machine as busy as it is. A straight line through two
        trials, over images by their number, over clips and documents by their bytes; what each
        further source and day adds is not in it.
    """
    samples = {kind: _middle(listing.works, looks, kind.kind) for kind in kinds if kind.files}
    samples = {kind: sample for kind, sample in samples.items() if sample}
    if not samples:
        return Costs(basis="There is nothing here that the tables take, or only above 50 MB.")
    if left_s < _LEAST_S:
        return Costs(basis="Not estimated: no time was left for it.")
    trials = _run(list(samples.values()), within_s=left_s)
    totals: dict[str, Counter[str]] = {}
    told = []
    for at, (kind, sample) in enumerate(samples.items()):
        pair = trials[2 * at : 2 * at + 2]
        if len(pair) < 2:
            told.append(f"{kind.kind}: not estimated, the trial did not end in time")
            continue
        share_good = _good(listing.works, looks, kind.kind) / max(1, kind.looked)
        _add(totals, pair, _amounts(kind, sample, share_good=share_good))
        told.append(f"{kind.kind}: {len(_few(sample))} and {len(sample)} files")
    return Costs(_rows(totals), _basis(told))


def _is_good(look: Look | None, kind: str) -> bool:
    return (
        look is not None
        and look.judged.kind == kind
        and not any(finding.is_fatal for finding in look.judged.findings)
    )


def _good(works: Iterable[Work], looks: Mapping[str, Look], kind: str) -> int:
    return sum(_is_good(looks.get(work.path), kind) for work in works)


def _middle(works: Iterable[Work], looks: Mapping[str, Look], kind: str) -> list[Work]:
    """Files of middle size and each of another, so that none is the copy of another."""
    by_size = {
        work.size_bytes: work
        for work in works
        if work.size_bytes <= _LARGEST_BYTES and _is_good(looks.get(work.path), kind)
    }
    ordered = [by_size[size] for size in sorted(by_size)]
    _, most = _FILES.get(kind, (0, 0))
    start = max(0, (len(ordered) - most) // 2)
    return ordered[start : start + most]


def _few(sample: Sequence[Work]) -> Sequence[Work]:
    """The middle of the middle: the smaller trial."""
    count = max(1, len(sample) // 3) if len(sample) < 6 else 2
    start = (len(sample) - count) // 2
    return sample[start : start + count]


def _amounts(
    kind: Kind, sample: Sequence[Work], *, share_good: float
) -> tuple[float, float, float]:
    """How much the two trials took in, and how much there is in all."""
    if kind.kind == "image":
        return len(_few(sample)), len(sample), share_good * kind.files
    few, more = (sum(one.size_bytes for one in works) for works in (_few(sample), sample))
    return few, more, share_good * kind.size_bytes


def _run(
    samples: Sequence[Sequence[Work]], *, within_s: float
) -> list[dict[str, dict[str, float]]]:
    """Two trials of each sample, few files and all; those that did not end in time are missing."""
    with tempfile.TemporaryDirectory(prefix="mlops-survey-") as scratch:
        folders = []
        for sample in samples:
            for works in (_few(sample), sample):
                folders.append(Path(scratch) / f"{len(folders)}")
                _copy(works, folders[-1] / "files")
        lines = _call(folders, Path(scratch), within_s).splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def _copy(works: Sequence[Work], folder: Path) -> None:
    folder.mkdir(parents=True)
    for place, work in enumerate(works):
        target = folder / f"{place}{Path(work.path).suffix[:10]}"
        with reachable(work.root, work.path) as path:
            shutil.copyfile(path, target)
        os.utime(target, (0, 0))


def _call(folders: Sequence[Path], scratch: Path, within_s: float) -> str:
    """What the trials print until they end or are killed."""
    module = "mlops_assets.operations.surveying.trial"
    with subprocess.Popen(
        [sys.executable, "-m", module, *map(str, folders)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=scratch,
        env={**os.environ, "TMPDIR": str(scratch)},
        start_new_session=True,
    ) as child:
        try:
            return child.communicate(timeout=within_s)[0]
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            return child.communicate()[0]


def _add(
    totals: dict[str, Counter[str]],
    pair: Sequence[Mapping[str, Mapping[str, float]]],
    amounts: tuple[float, float, float],
) -> None:
    few, more = pair
    for table, measured in more.items():
        counted = {
            name: round(_along(few[table][name], measured[name], amounts) * 1000)
            for name in _MEASURES
        }
        totals.setdefault(table, Counter()).update(counted)


def _along(at_few: float, at_more: float, amounts: tuple[float, float, float]) -> float:
    """The straight line through two trials; through zero where they are too close to tell."""
    few, more, whole = amounts
    if whole <= more or more <= few:
        return at_more * whole / more
    return at_more + max(0.0, at_more - at_few) / (more - few) * (whole - more)


def _rows(totals: Mapping[str, Counter[str]]) -> tuple[Cost, ...]:
    return tuple(
        Cost(
            table,
            rows=round(counted["rows"] / 1000),
            seconds=round(counted["seconds"] / 1000, 3),
            size_bytes=round(counted["size_bytes"] / 1000),
        )
        for table, counted in totals.items()
        if counted["rows"] >= 500
    )


def _basis(told: Sequence[str]) -> str:
    return (
        "An estimate: the real tables, with their defaults, were made just now on this machine, in "
        "one process, from copies of a few files of middle size in a temporary folder, and the "
        f"line through two trials was drawn out to the whole ({'; '.join(told)}). The originals, "
        "kept as they are, come on top of the disk; what each further source and day adds is not "
        "in it."
    )
