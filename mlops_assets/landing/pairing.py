"""What of a page is new or changed, and which sidecar belongs to which file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from mlops_assets.gates import pair_sidecars
from mlops_assets.landing.connectors import Item
from mlops_assets.landing.known import Known, Stated


@dataclass(frozen=True)
class Work:
    """One arrival to be stated.

    Attributes:
        path: of the file.
        item: the file, if its bytes are to be read.
        before: what was stated of it, if anything.
        sidecar: its sidecar, if that is to be read.
        adopted: its sidecar, if that landed earlier as a file of its own.
    """

    path: str
    item: Item | None
    before: Stated | None
    sidecar: Item | None = None
    adopted: Stated | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """What is to be read."""
        return tuple(one for one in (self.item, self.sidecar) if one is not None)

    def without_sidecar(self) -> Work:
        """The file alone."""
        return replace(self, sidecar=None)

    def is_settled(self, now: datetime, quiet_s: float) -> bool:
        """Whether nothing of it changed for a while."""
        changed = [one.changed_at for one in self.items if one.changed_at is not None]
        return not changed or (now - max(changed)).total_seconds() >= quiet_s


class Recent:
    """What was taken of a source and is not stated yet: found by path, and by how names begin."""

    def __init__(self) -> None:
        self.rows: dict[str, Stated] = {}
        self._named: dict[str, list[str]] = {}

    def add(self, row: Stated) -> None:
        """Remember an arrival."""
        path = row["path"]
        if path not in self.rows:
            for name in (path, _stem(path)):
                self._named.setdefault(name, []).append(path)
        self.rows[path] = row

    def beside(self, paths: Iterable[str]) -> set[str]:
        """Paths that may be the file, or the sidecar, of one of these."""
        names = (name for path in paths for name in (path, _stem(path)))
        return {found for name in names for found in self._named.get(name, ())}


def news(known: Known, recent: Recent, source: str, items: Mapping[str, Item]) -> Iterator[Work]:
    """What is to be stated because of some items: changed files, and files with changed sidecars.

    A sidecar is found beside its file by name (`gates.pair_sidecars`), whichever of them comes
    first, and in whichever page: one without a file lands as a file, until the file takes it.

    Args:
        known: what was stated.
        recent: what will be stated of this source.
        source: of which source.
        items: by path.
    """
    marks = known.marks_of(source, list(items))
    fresh = {p: i for (p, i), mark in zip(items.items(), marks, strict=True) if mark != i.mark}
    if not fresh:
        return
    stems = {_stem(path) for path in fresh}
    near = known.beginning_with(source, sorted(stems | {f"{stem}." for stem in stems}))
    context = {*items, *near, *recent.beside(fresh)}
    owned = _pairs(context)
    taken = set(owned.values())
    wanted = {p for p in context if p not in taken and (p in fresh or owned.get(p) in fresh)}
    stated = known.stated(source, sorted(wanted | taken)) | recent.rows
    for path in [p for p in items if p in wanted] + sorted(wanted - items.keys()):
        beside = owned.get(path, "")
        yield _work(path, fresh, stated, items.get(beside), stated.get(beside))


def _work(
    path: str,
    fresh: Mapping[str, Item],
    stated: Mapping[str, Stated],
    sidecar: Item | None,
    adopted: Stated | None,
) -> Work:
    before = stated.get(path)
    if before and sidecar and before.get("sidecar_mark") == sidecar.mark:
        sidecar, adopted = None, None
    return Work(path, fresh.get(path), before, sidecar, None if sidecar else adopted)


def _pairs(paths: Iterable[str]) -> dict[str, str]:
    """File to the sidecar that is read first, folder by folder."""
    found: dict[str, str] = {}
    for _, inside in groupby(sorted(paths, key=posixpath.split), key=posixpath.dirname):
        names = {posixpath.basename(path): path for path in inside}
        pairs = pair_sidecars(frozenset(names)).of
        found |= {names[owner]: names[sidecars[0]] for owner, sidecars in pairs.items()}
    return found


def _stem(path: str) -> str:
    return posixpath.splitext(path)[0]
