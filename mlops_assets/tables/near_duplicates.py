"""Near duplicates: media that show what an earlier one does, though their bytes differ."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
import polars as pl
from annotated_types import Ge, Le

from mlops_assets.duplicates import Catalogue, Match, Medium, Seen, find_match
from mlops_assets.lake import MEDIA, Lake, Partition, current_lake
from mlops_assets.media.looks import LOOK_SIDE_PX
from mlops_assets.rows import Grouped, How, Row, group, tables
from mlops_assets.rows.parents import Read
from mlops_assets.tables.decodings import decodings, frames
from mlops_assets.tables.raw_media import shown

_LOOKS_AT_ONCE = 100_000
_FILES_AT_ONCE = 256
_PAIRS_SHOWN = 9

Pair = tuple[Medium, Medium]
"""A medium and an earlier one."""

Place = tuple[str, str]
"""Day and source of a partition: earlier ones are less."""


class NearDuplicate(Row, key=("media_id", "other_media_id")):
    """Which earlier media each medium nearly repeats: resized, re-encoded, cropped, relit, cut out.

    Grain: one row per medium and earlier medium that match. Key: `media_id`, `other_media_id`.
    Partition: source and arrival day, of the later one. Earlier are the media of earlier days of
    any source, of sources before it in the alphabet on the same day, and those of its own
    partition with a smaller `media_id`: the order of landing does not matter. All rows of a
    partition are replaced together when its media change, or the earlier media that come near
    them. Limits: of each medium the nearest 128 earlier ones are looked at closely; crops to 6 % at
    a border; turned, mirrored or framed pictures are not found; an object of less than some 2 % of
    the picture makes no difference; pictures with hardly any detail match nothing.
    """

    partition: str
    media_id: str
    other_media_id: Annotated[str, "the earlier one"]
    other_partition: Annotated[str, "source and day of the earlier one"]
    group_id: Annotated[str, "the earliest one of which the medium is a near duplicate"]
    kind: Annotated[str, "image-image, picture-in-clip or clip-clip"]
    share: Annotated[float, "of the medium's looks that say something, those that match"]
    offset_s: Annotated[float, "what is at t here is at t + offset there"]
    length_s: Annotated[float, "of the stretch that matches; 0 where one is a picture"]
    distance_bits: Annotated[float, "median difference of the matching hashes, of 64"]


class DuplicateHistory(Row, key="partition"):
    """What the media of a partition were held against.

    Grain: one row per partition with decoded media. Key: `partition`. Partition: source and arrival
    day. Replaced with the partition's rows of `near_duplicates`. While `files` stays as it is,
    nothing has to be compared anew to know that the history is the same.
    """

    partition: str
    media_count: Annotated[int, "its media that have earlier ones near them"]
    candidate_count: Annotated[int, "pairs that were looked at closely"]
    files: Annotated[str, "digest of the files of decodings up to this partition"]
    history: Annotated[str, "digest of the earlier media that come near; empty for none"]


class _History:
    """Digest of the earlier media whose hashes are near; empty when there are none."""

    def __call__(self, lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str:
        """From what is stored, as long as no decoded file up to this partition changed."""
        files = _digests(lake).get(_place(partition))
        if files is None:
            return ""
        known = _histories(lake).get(_place(partition))
        if known is not None and known[0] == files:
            return known[1]
        return _told(_candidates(lake, partition))

    def wakes(self, lake: Lake, partition: Partition) -> list[Partition]:
        """Later partitions with a medium near one of this, or said to repeat one of this."""
        with _catalogue(lake) as catalogue:
            places = catalogue.later_places(_place(partition))
        near = [MEDIA.of(source, day) for day, source in places]
        named = near_duplicates.rows(lake).filter(other_partition=partition.key)
        said = named.select("partition").unique().collect()["partition"].to_list()
        return sorted({*near, *map(MEDIA.parse, said)} - {partition}, key=lambda one: one.values)


def _told(candidates: Mapping[Medium, list[Medium]]) -> str:
    earlier = [
        f"{medium.media_id} {other.media_id} {other.fingerprint}"
        for medium, others in candidates.items()
        for other in others
        if other.place != medium.place
    ]
    if not earlier:
        return ""
    return hashlib.blake2b("\n".join(sorted(earlier)).encode(), digest_size=8).hexdigest()


@tables(
    group(decodings.hashes),
    names=("near_duplicates", "duplicate_histories"),
    version="1",
    how=How(commit="partition"),
    pins={"history": _History()},
)
def find_near_duplicates(
    part: Grouped,
    *,
    least_share: Annotated[float, Ge(0), Le(1), "of a medium's looks, to be worth a row"] = 0.0,
    history: str = "",
) -> Iterator[NearDuplicate | DuplicateHistory]:
    """Hold each medium against the earlier ones whose hashes come near its own."""
    lake, partition = current_lake(), MEDIA.parse(part.key["partition"])
    files = _digests(lake)[_place(partition)]
    candidates = _candidates(lake, partition)
    pairs = [(medium, other) for medium in sorted(candidates) for other in candidates[medium]]
    first: dict[str, str] = {}
    for medium, other, match in _matches(lake, pairs):
        if match.share >= least_share:
            group_id = first.setdefault(medium.media_id, other.media_id)
            yield _row(medium, other, match, group_id)
    yield DuplicateHistory(partition.key, len(candidates), len(pairs), files, _told(candidates))


near_duplicates, duplicate_histories = find_near_duplicates


def _row(medium: Medium, other: Medium, match: Match, group_id: str) -> NearDuplicate:
    return NearDuplicate(
        partition=_partition(medium).key,
        media_id=medium.media_id,
        other_media_id=other.media_id,
        other_partition=_partition(other).key,
        group_id=group_id,
        kind=match.kind,
        share=match.share,
        offset_s=match.offset_s,
        length_s=match.length_s,
        distance_bits=match.distance,
    )


def _matches(lake: Lake, pairs: Iterable[Pair]) -> Iterator[tuple[Medium, Medium, Match]]:
    for some in _bounded(pairs):
        seen = _seen(lake, {medium for pair in some for medium in pair})
        for medium, other in some:
            match = find_match(seen[medium], seen[other])
            if match is not None:
                yield medium, other, match


def _bounded(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """The pairs in parts whose looks fit into some 100 MB; a part has at least one pair."""
    some: list[Pair] = []
    held: set[Medium] = set()
    looks = 0
    for pair in pairs:
        more = sum(medium.looks for medium in {*pair} - held)
        if some and looks + more > _LOOKS_AT_ONCE:
            yield some
            some, held, looks, more = [], set(), 0, sum(medium.looks for medium in pair)
        some.append(pair)
        held |= {*pair}
        looks += more
    if some:
        yield some


def _seen(lake: Lake, media: set[Medium]) -> dict[Medium, Seen]:
    """What the decode pass saw of some media."""
    columns = ("media_id", "look_times_s", "hashes", "inner_hashes", "looks")
    ids = {medium.media_id for medium in media}
    rows = _read(lake, sorted({medium.file for medium in media}), columns)
    wanted = rows.filter(pl.col("media_id").is_in(sorted(ids))).collect()
    looks = {row["media_id"]: _looks(row) for row in wanted.iter_rows(named=True)}
    return {medium: looks[medium.media_id] for medium in media}


def _looks(row: dict[str, Any]) -> Seen:
    pictures = np.frombuffer(row["looks"], np.uint8).reshape(-1, LOOK_SIDE_PX, LOOK_SIDE_PX)
    return Seen(np.array(row["look_times_s"], np.float64), _hashes(row), pictures)


def _hashes(row: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    both = np.array([row["hashes"] or [], row["inner_hashes"] or []], np.int64)
    return both.T.view(np.uint64)


_CATALOGUES: dict[str, tuple[int, Catalogue]] = {}
"""By root of a lake: what is known of its media, up to a version of `decodings`."""

_CATALOGUES_LOCK = threading.Lock()


def _candidates(lake: Lake, partition: Partition) -> dict[Medium, list[Medium]]:
    """Earlier media that may match those of a partition; see `Catalogue.candidates`."""
    with _catalogue(lake) as catalogue:
        return catalogue.candidates(_place(partition))


@contextmanager
def _catalogue(lake: Lake) -> Iterator[Catalogue]:
    """What is known of all media of a lake now, for one thread at a time."""
    with _CATALOGUES_LOCK:
        snapshot = lake.snapshot("decodings")
        version, catalogue = _CATALOGUES.get(lake.store.root, (-1, Catalogue()))
        if snapshot is not None and version != snapshot.version:
            _bring_up(catalogue, lake, _places(snapshot.files))
            _CATALOGUES[lake.store.root] = snapshot.version, catalogue
        yield catalogue


def _bring_up(catalogue: Catalogue, lake: Lake, files: Mapping[str, Place]) -> None:
    """Read the files of `decodings` the catalogue has not read, and forget those that are gone."""
    catalogue.drop(catalogue.files - files.keys())
    columns = ("media_id", "hashes", "inner_hashes")
    new = sorted(files.keys() - catalogue.files)
    for start in range(0, len(new), _FILES_AT_ONCE):
        some = new[start : start + _FILES_AT_ONCE]
        rows = _read(lake, some, columns).collect().partition_by("file", as_dict=True)
        for file in some:
            found = rows.get((file,), pl.DataFrame()).iter_rows(named=True)
            catalogue.add(file, [(_medium(row, files[file]), _hashes(row)) for row in found])


_DIGESTS: dict[str, tuple[int, dict[Place, str]]] = {}
_HISTORIES: dict[str, tuple[int, dict[Place, tuple[str, str]]]] = {}
"""By root of a lake, what the logs of `decodings` and of `duplicate_histories` say at a version."""


def _digests(lake: Lake) -> dict[Place, str]:
    """Of each partition with decodings: a digest of their files and of those before them."""
    snapshot = lake.snapshot("decodings")
    if snapshot is None or snapshot.files.is_empty():
        return {}
    known = _DIGESTS.get(lake.store.root)
    if known is None or known[0] != snapshot.version:
        so_far, found = hashlib.blake2b(digest_size=8), dict[Place, str]()
        for file, place in sorted(_places(snapshot.files).items(), key=lambda one: one[::-1]):
            so_far.update(f"{place} {file}\n".encode())
            found[place] = so_far.hexdigest()
        known = _DIGESTS[lake.store.root] = snapshot.version, found
    return known[1]


def _histories(lake: Lake) -> dict[Place, tuple[str, str]]:
    """Digests of files and of history as they were when each partition was brought up.

    Read from the log and not from rows: a partition has one row, so its least value is its value.
    """
    snapshot = lake.snapshot("duplicate_histories")
    if snapshot is None or snapshot.files.is_empty():
        return {}
    known = _HISTORIES.get(lake.store.root)
    if known is None or known[0] != snapshot.version:
        columns = ("partition.day", "partition.source", "min.files", "min.history")
        rows = snapshot.files.select(columns).iter_rows()
        found = {(day, source): (files, history) for day, source, files, history in rows}
        known = _HISTORIES[lake.store.root] = snapshot.version, found
    return known[1]


def _places(files: pl.DataFrame) -> dict[str, Place]:
    """Day and source by file."""
    columns = files.select("path", "partition.day", "partition.source")
    return {file: (day, source) for file, day, source in columns.iter_rows()}


def _medium(row: dict[str, Any], place: Place) -> Medium:
    looks = len(row["hashes"] or [])
    return Medium(place, row["media_id"], row["_fp"] or 0, row["file"], looks)


def _read(lake: Lake, files: Iterable[str], columns: tuple[str, ...]) -> pl.LazyFrame:
    """Columns of `decodings`, `_fp` of their hashes and `file`, of some of its files."""
    snapshot = lake.snapshot("decodings")
    read, anywhere = Read(columns, "hashes"), MEDIA.of("", "")
    parts = [
        decodings.scan(lake, anywhere, read, [snapshot.uri(file)]).with_columns(file=pl.lit(file))
        for file in files
        if snapshot is not None
    ]
    empty = decodings.scan(lake, anywhere, read, []).with_columns(file=pl.lit(""))
    return pl.concat([empty, *parts])


def _place(partition: Partition) -> Place:
    source, day = partition.values
    return day, source


def _partition(medium: Medium) -> Partition:
    day, source = medium.place
    return MEDIA.of(source, day)


@near_duplicates.check(blocking=True)
def nothing_repeats_itself(rows: pl.LazyFrame) -> pl.LazyFrame:
    """A medium is a near duplicate of another one, by a share of its looks."""
    is_other = pl.col("media_id") != pl.col("other_media_id")
    return rows.filter(~(is_other & pl.col("share").is_between(0, 1, closed="right")))


@near_duplicates.summary
def what_is_repeated(rows: pl.LazyFrame) -> dict[str, int | float | str | None]:
    """How many media nearly repeat an earlier one, and in what way."""
    kinds = {
        name: pl.col("media_id").filter(kind=kind).n_unique()
        for name, kind in (
            ("pictures_again", "image-image"),
            ("pictures_and_clips", "picture-in-clip"),
            ("clips_again", "clip-clip"),
        )
    }
    counts = rows.select(near_duplicates=pl.col("media_id").n_unique(), **kinds)
    return counts.collect().row(0, named=True)


@near_duplicates.picture
def pairs_side_by_side(rows: pl.LazyFrame) -> bytes | None:
    """Media and the earliest each one repeats, side by side, at most nine pairs."""
    from mlops_assets.media import contact_sheet

    firsts = rows.filter(pl.col("group_id") == pl.col("other_media_id"))
    top = firsts.sort("media_id").head(_PAIRS_SHOWN).collect()
    jpegs: list[bytes] = []
    captions: list[str] = []
    for row in top.iter_rows(named=True):
        # a picture out of a clip is held beside the moment it is from
        times = (max(0.0, -row["offset_s"]), max(0.0, row["offset_s"]))
        places = [(row[f"{of}media_id"], row[f"{of}partition"]) for of in ("", "other_")]
        pair = [_frame_at(*one, time_s) for one, time_s in zip(places, times, strict=True)]
        if all(pair):
            jpegs += [jpeg for jpeg in pair if jpeg]
            captions += [f"{row['kind']} {row['share']:.0%}", row["other_partition"]]
    return contact_sheet(jpegs, captions=captions) if jpegs else None


def _frame_at(media_id: str, partition: str, time_s: float) -> bytes | None:
    """The sample of a medium nearest to a time, as everybody may see it."""
    of = frames.rows(current_lake(), MEDIA.parse(partition)).filter(media_id=media_id)
    nearest = of.sort((pl.col("time_s") - time_s).abs(), "index").head(1)
    pictures = shown(nearest.select("source", "day", "media_id", "jpeg").collect())
    return pictures[0] if pictures else None
