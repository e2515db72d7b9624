"""Whose sidecar a file is, told from the names that lie together in a folder."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

_SUPPLEMENT = "supplemental-metadata"
_CUT_FROM = 45
"""Google Takeout cuts a sidecar's name to 46 characters before `.json`, some exports to 45."""
_COUNTED = re.compile(r"(.*)(\(\d{1,4}\))")
_EDITED = ("edited", "bearbeitet", "modifié", "editado", "modificato", "bewerkt", "edytowane")
_PICTURES = "jpg jpeg jpe png gif webp tif tiff bmp heic heif avif jp2 dng cr2 nef arw"
_CLIPS = "mp4 m4v mov mkv webm avi ts mts m2ts mpg mpeg 3gp flv wmv ogv mp mjpeg"
_SOUNDS = "mp3 m4a wav flac ogg opus aac"
_MEDIA = frozenset(f".{suffix}" for suffix in f"{_PICTURES} {_CLIPS} {_SOUNDS} pdf".split())
_SIDECARS = (".json", ".xmp")


@dataclass(frozen=True)
class Pairs:
    """Which file of a folder has which sidecars.

    Attributes:
        of: file to its sidecars, the one to be read first. A sidecar may serve several files: a
            photo, its edited copy, and the clip that moves.
    """

    of: Mapping[str, tuple[str, ...]]

    @property
    def sidecars(self) -> frozenset[str]:
        """Every name that is a sidecar."""
        return frozenset(name for names in self.of.values() for name in names)


def pair_sidecars(names: Collection[str]) -> Pairs:
    """Tell which files of one folder are sidecars, and whose.

    Of `clip.mp4` these are, in the order in which they are read: `clip.mp4.json`; what Google
    Takeout makes of it (`clip.mp4.supplemental-metadata.json`, cut off anywhere behind 45
    characters; for `clip(1).mp4`, `clip.mp4(1).json`; for `clip-edited.mp4`, that of `clip.mp4`);
    `clip.json`; `clip.mp4.xmp`; `clip.xmp`. Case counts in the stem and not in the suffix.

    Args:
        names: the names in one folder, without the folder.

    Returns:
        The pairs; a name without a partner is in none. Takes time in proportion to the names.
    """
    may_be = sorted(name for name in names if name.lower().endswith(_SIDECARS))
    if not may_be:
        return Pairs({})
    listed, known = sorted(names), frozenset(names)
    stems = _by_stem(listed)
    found: dict[str, list[tuple[int, str]]] = {}
    for name in may_be:
        for rank, owner in _owners(name, known, listed, stems):
            if owner != name:
                found.setdefault(owner, []).append((rank, name))
    return Pairs(
        {owner: tuple(dict.fromkeys(n for _, n in sorted(told))) for owner, told in found.items()}
    )


def _by_stem(names: Iterable[str]) -> dict[str, list[str]]:
    """Media by their name without its suffix."""
    stems: dict[str, list[str]] = {}
    for name in names:
        stem, suffix = _split(name)
        if suffix.lower() in _MEDIA:
            stems.setdefault(stem, []).append(name)
    return stems


def _owners(
    name: str, names: frozenset[str], listed: list[str], stems: Mapping[str, list[str]]
) -> Iterator[tuple[int, str]]:
    """Rank and owner of each file that a name may be the sidecar of; none if it is no sidecar."""
    stem, suffix = _split(name)
    if suffix.lower() == ".xmp":
        yield from ((3, owner) for owner in [stem] if owner in names)
        yield from ((4, owner) for owner in stems.get(stem, []))
    elif suffix.lower() == ".json":
        direct = _direct(stem, names, listed)
        yield from ((0, owner) for owner in direct)
        yield from ((1, copy) for owner in direct for copy in _copies(owner, stems))
        yield from ((2, owner) for owner in stems.get(stem, []))


def _direct(stem: str, names: frozenset[str], listed: list[str]) -> list[str]:
    """The file a JSON sidecar is named after; none, or one."""
    counted = _COUNTED.fullmatch(stem)
    if counted is not None and (owner := _named(counted[1], names, listed)):
        plain, suffix = _split(owner[0])
        moved = f"{plain}{counted[2]}{suffix}"
        if moved in names:
            return [moved]
    return _named(stem, names, listed)


def _named(stem: str, names: frozenset[str], listed: list[str]) -> list[str]:
    if stem in names:
        return [stem]
    owner, dot, rest = stem.rpartition(".")
    if dot and owner in names and _SUPPLEMENT.startswith(rest.lower()):
        return [owner]
    if len(stem) < _CUT_FROM:
        return []
    first = bisect_left(listed, stem)
    longer = [n for n in listed[first : first + 4] if n.startswith(stem) and _is_media(n)]
    return longer if len({_split(n)[0] for n in longer}) == 1 else []


def _copies(owner: str, stems: Mapping[str, list[str]]) -> Iterator[str]:
    """The edited copy of a photo, and the clip of a photo that moves, share its sidecar."""
    stem = _split(owner)[0]
    for word in _EDITED:
        yield from stems.get(f"{stem}-{word}", [])
    yield from stems.get(stem, []) if _is_media(owner) else []


def _is_media(name: str) -> bool:
    return _split(name)[1].lower() in _MEDIA


def _split(name: str) -> tuple[str, str]:
    """Stem and suffix as those of a path, at a tenth of what a path costs."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if 0 < dot < len(name) - 1 else (name, "")
