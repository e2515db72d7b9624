"""Everything that can be told of a folder without opening a file: names, sizes, times, pairs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mlops_assets.gates import Limits, is_labels_file, pair_sidecars
from mlops_assets.gates.checking.one_file import Work
from mlops_assets.gates.checking.walking import Entry, walk_folder

_FOREIGN = re.compile(
    r"(^|/)(instances|annotations?|captions|_annotations|via_|person_keypoints)[^/]*\.(json|csv)$"
    r"|(^|/)(classes|obj)\.(txt|names)$|(^|/)data\.ya?ml$|\.coco\.json$|\.(tfrecord|lbl|eaf|srt|vtt)$"
    r"|(^|/)Annotations/[^/]*\.xml$|(^|/)labels?/[^/]*\.(txt|json|xml)$",
    re.IGNORECASE,
)
_INNARDS = re.compile(r"(^|/)(\.git|\.dvc|\.hg|\.svn|_delta_log|\.lakefs)/")
"""What a version control keeps for itself; it is evidence, and no media."""
_VERSIONED = re.compile(r"\.dvc$|(^|/)(dvc\.lock|\.gitattributes)$")
_CHECKSUMS = re.compile(
    r"(^|/)(sha\d+sums?|md5sums?|checksums?|manifest)[^/]*$|\.(sha256|md5)$", re.IGNORECASE
)
_BY_HAND = re.compile(
    r"(?:[ _\-.(]|\b)(v\d+|final|copy|kopie|old|backup|bak|new)(?=[ _\-.)(\d]|$)", re.IGNORECASE
)


@dataclass
class Listing:
    """A folder by names alone.

    Attributes:
        works: every regular file.
        problems: entries that are not to be opened.
        described: files that have a sidecar.
        foreign: files that look like labels of other tools.
        versioned: signs of version control.
        checksums: files that hold checksums or a manifest.
        by_hand: names that look like versions made by hand.
        is_whole: the listing came to its end.
    """

    works: list[Work] = field(default_factory=list)
    problems: list[Entry] = field(default_factory=list)
    described: int = 0
    foreign: list[str] = field(default_factory=list)
    versioned: list[str] = field(default_factory=list)
    checksums: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    is_whole: bool = True


def list_folder(
    root: Path, *, limits: Limits, decode_cpu_s: float, is_over: Callable[[], bool]
) -> Listing:
    """List a folder tree; no file is opened, no link followed.

    Args:
        root: the folder.
        limits: thresholds for the files.
        decode_cpu_s: bound on the decoding of one file, processor seconds.
        is_over: asked before each folder but the first; ends the listing.
    """
    listing = Listing()
    for count, folder in enumerate(walk_folder(root)):
        if count and is_over():
            listing.is_whole = False
            break
        listing.problems.extend(entry for entry in folder if entry.problem is not None)
        regular = {e.path.rpartition("/")[2]: e for e in folder if e.problem is None}
        pairs = pair_sidecars(list(regular))
        sidecars = pairs.sidecars
        listing.described += len(pairs.of)
        for name, entry in regular.items():
            if _INNARDS.search(entry.path):
                listing.versioned.append(entry.path)
                continue
            _note_name(listing, entry.path)
            beside = next(iter(pairs.of.get(name, ())), "")
            work = Work(
                root=root,
                path=entry.path,
                modified_at=entry.modified_at,
                size_bytes=entry.size_bytes,
                sidecar=regular[beside].path if beside else "",
                is_sidecar=name in sidecars,
                limits=limits,
                decode_cpu_s=decode_cpu_s,
            )
            listing.works.append(work)
    return listing


def _note_name(listing: Listing, path: str) -> None:
    if _VERSIONED.search(path):
        listing.versioned.append(path)
    if _CHECKSUMS.search(path):
        listing.checksums.append(path)
    if _FOREIGN.search(path) and not is_labels_file(path):
        listing.foreign.append(path)
    if _BY_HAND.search(PurePosixPath(path).stem):
        listing.by_hand.append(path)
