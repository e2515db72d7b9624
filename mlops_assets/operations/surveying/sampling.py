"""In which order files are looked at: whatever part of it there is time for is spread evenly.

The order depends on names and dates alone, never on the clock or on chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from zlib import crc32

from mlops_assets.gates.checking.one_file import Work


def sampling_order(works: Iterable[Work]) -> list[Work]:
    """Put files into an order of which every beginning is a sample across folders and months.

    Folders and months of the file's time take turns, one file each; within one, and among them, a
    checksum of the name decides, so that neighbours by name are not neighbours here.

    Args:
        works: in any order.

    Returns:
        The same, each once; empty for none.
    """
    strata: dict[tuple[str, str], list[Work]] = defaultdict(list)
    for work in works:
        strata[work.path.rpartition("/")[0], f"{work.modified_at:%Y-%m}"].append(work)
    turns = [
        (turn, _spread("/".join(stratum)), place, work)
        for place, (stratum, members) in enumerate(sorted(strata.items()))
        for turn, work in enumerate(sorted(members, key=_by_name))
    ]
    turns.sort(key=lambda one: one[:3])
    return [work for *_, work in turns]


def until(
    works: Iterable[Work], *, max_files: int | None, is_over: Callable[[], bool]
) -> Iterable[Work]:
    """Hand files out until there are enough of them or the time is over.

    Args:
        works: in sampling order.
        max_files: how many at most; None for as many as there is time for.
        is_over: asked before each file but the first.
    """
    for count, work in enumerate(works):
        if count and (is_over() or (max_files is not None and count >= max_files)):
            return
        yield work


def _by_name(work: Work) -> tuple[int, str]:
    return _spread(work.path), work.path


def _spread(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogateescape"))
