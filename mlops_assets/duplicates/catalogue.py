"""What is known of all media: their hashes in one index, and which of them come near which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mlops_assets.duplicates.index import Hashes, HashIndex
from mlops_assets.duplicates.matching import CLIP_BITS, PICTURE_BITS

NEAREST_MAX = 128
_VARIED_LOOKS = 4
_HELD_MAX = 2_000_000


@dataclass(frozen=True, slots=True, order=True)
class Medium:
    """One medium of the catalogue; earlier media compare as less.

    Args:
        place: what orders media before their id does, such as day and source.
        media_id: its id.
        fingerprint: changes when its looks do.
        file: where its row lies; a file is added and dropped as a whole.
        looks: how many it has; a picture one, a clip several.
    """

    place: tuple[str, ...]
    media_id: str
    fingerprint: int = field(compare=False)
    file: str = field(compare=False)
    looks: int = field(compare=False)

    @property
    def is_clip(self) -> bool:
        """Whether it has several looks."""
        return self.looks > 1


@dataclass(slots=True)
class _Found:
    """What was found for the media of one place, among the first so many owners."""

    own: tuple[int, ...]
    owners: int
    nearest: dict[int, list[tuple[float, Medium]]]

    @property
    def size(self) -> int:
        """How many candidates it holds."""
        return sum(map(len, self.nearest.values()))


@dataclass(slots=True)
class Catalogue:
    """Media by file, with candidates for near duplicates that are kept up as media are added.

    What it answers depends on the media in it only, not on the order in which they came.
    """

    _index: HashIndex = field(default_factory=HashIndex)
    _media: list[Medium | None] = field(default_factory=list)
    _files: dict[str, list[int]] = field(default_factory=dict)
    _places: dict[tuple[str, ...], set[int]] = field(default_factory=dict)
    _found: dict[tuple[str, ...], _Found] = field(default_factory=dict)

    @property
    def files(self) -> frozenset[str]:
        """The files it holds."""
        return frozenset(self._files)

    def add(self, file: str, media: Iterable[tuple[Medium, Hashes]]) -> None:
        """Add the media of a file, each with its hashes: (n, 2) uint64."""
        mine = self._files.setdefault(file, [])
        for medium, hashes in media:
            owner = self._index.add(hashes)
            self._media.append(medium)
            self._places.setdefault(medium.place, set()).add(owner)
            mine.append(owner)

    def drop(self, files: Iterable[str]) -> None:
        """Forget the media of some files; once they are the most, their hashes as well."""
        gone: set[Medium] = set()
        for owner in [owner for file in files for owner in self._files.pop(file, [])]:
            medium = self._media[owner]
            if medium is not None:
                gone.add(medium)
                self._places[medium.place].discard(owner)
                self._media[owner] = None
        self._forget(gone)
        if 2 * self._media.count(None) > len(self._media):
            self._rebuild()

    def _forget(self, gone: set[Medium]) -> None:
        """Leave what is gone out of what was found; a full list has to be found anew."""
        for place, found in list(self._found.items()):
            hit = [near for near in found.nearest.values() if any(one in gone for _, one in near)]
            if any(len(near) >= NEAREST_MAX for near in hit):
                del self._found[place]
                continue
            for near in hit:
                near[:] = [one for one in near if one[1] not in gone]

    def _rebuild(self) -> None:
        kept = [(self._media[owner], self._index.of(owner)) for owner in range(len(self._media))]
        fresh = Catalogue()
        for medium, hashes in kept:
            if medium is not None:
                fresh.add(medium.file, [(medium, hashes)])
        self._index, self._media = fresh._index, fresh._media
        self._files = {file: fresh._files.get(file, []) for file in self._files}
        self._places = fresh._places
        self._found.clear()

    def candidates(self, place: tuple[str, ...]) -> dict[Medium, list[Medium]]:
        """For each medium of a place the earlier ones whose hashes come near, the earliest first.

        At most 128 each: those nearest by the looks of the shorter of the two, then the earliest.
        """
        own = tuple(sorted(self._places.get(place, ())))
        found = self._found.get(place)
        if found is None or found.own != own:
            found = _Found(own, 0, {owner: [] for owner in own})
        for owner in own if found.owners < self._index.owners else ():
            near = [*found.nearest[owner], *self._near(owner, found.owners)]
            found.nearest[owner] = sorted(near)[:NEAREST_MAX]
        found.owners = self._index.owners
        self._remember(place, found)
        return {
            medium: _earliest(other for _, other in found.nearest[owner])
            for owner in own
            if (medium := self._media[owner]) is not None and found.nearest[owner]
        }

    def later_places(self, place: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The later places with a medium whose hashes come near one of this place, in order."""
        found: set[tuple[str, ...]] = set()
        for owner in self._places.get(place, ()):
            near = self._index.near(self._index.of(owner), most_bits=PICTURE_BITS)
            others = (self._media[number] for number in near.owner.tolist())
            found.update(other.place for other in others if other and other.place > place)
        return sorted(found)

    def _remember(self, place: tuple[str, ...], found: _Found) -> None:
        """Keep what was found; the oldest answers go once there are two million candidates."""
        self._found.pop(place, None)
        self._found[place] = found
        held = sum(one.size for one in self._found.values())
        for oldest in list(self._found)[:-1]:
            if held <= _HELD_MAX:
                return
            held -= self._found.pop(oldest).size

    def _near(self, owner: int, since: int) -> Iterable[tuple[float, Medium]]:
        medium, hashes = self._media[owner], self._index.of(owner)
        near = self._index.near(hashes, most_bits=PICTURE_BITS, since=since)
        columns = (near.owner, near.bits, near.looks, near.closeness)
        for number, bits, looks, closeness in zip(*(c.tolist() for c in columns), strict=True):
            other = self._media[number]
            if other is None or medium is None or not other < medium:
                continue
            if other.media_id == medium.media_id:  # the same bytes, landed twice
                continue
            shorter = min(len(hashes), len(self._index.of(number)))
            if medium.is_clip and other.is_clip:
                is_varied = shorter >= _VARIED_LOOKS
                if bits > CLIP_BITS or (is_varied and looks < 2):
                    continue
            yield -closeness / shorter, other


def _earliest(media: Iterable[Medium]) -> list[Medium]:
    """In order, and of bytes that landed twice the first."""
    by_id = {medium.media_id: medium for medium in sorted(media, reverse=True)}
    return sorted(by_id.values())
