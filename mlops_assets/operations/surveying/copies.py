"""Files of the same bytes: only those of equal size are read, the smallest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from mlops_assets.gates import is_labels_file
from mlops_assets.gates.checking.isolation import Workers
from mlops_assets.gates.checking.one_file import Work, hash_file
from mlops_assets.operations.surveying.facts import Copies
from mlops_assets.operations.surveying.sampling import until

_GROUPS, _PATHS = 12, 6


def find_copies(workers: Workers, works: Iterable[Work], *, is_over: Callable[[], bool]) -> Copies:
    """Find files of equal bytes among all that were listed, looked at or not.

    Args:
        workers: that read the files.
        works: every file; sidecars, labels and empty files are left out.
        is_over: ends the reading; the rest is counted as unread.
    """
    by_size: dict[int, list[Work]] = defaultdict(list)
    for work in works:
        if work.size_bytes and not work.is_sidecar and not is_labels_file(work.path):
            by_size[work.size_bytes].append(work)
    alike = [w for _, group in sorted(by_size.items()) if len(group) > 1 for w in group]
    by_hash: dict[str, list[Work]] = defaultdict(list)
    read = 0
    handed = until(alike, max_files=None, is_over=is_over)
    for work, digest, _ in workers.run(hash_file, handed, weigh=lambda one: one.size_bytes):
        read += 1
        if isinstance(digest, str):
            by_hash[digest].append(work)
    equal = [group for group in by_hash.values() if len(group) > 1]
    equal.sort(key=lambda group: (-_waste(group), min(one.path for one in group)))
    return Copies(
        files=sum(len(group) - 1 for group in equal),
        size_bytes=sum(_waste(group) for group in equal),
        groups=tuple(tuple(sorted(w.path for w in g)[:_PATHS]) for g in equal[:_GROUPS]),
        unread=len(alike) - read,
    )


def _waste(group: list[Work]) -> int:
    return group[0].size_bytes * (len(group) - 1)
