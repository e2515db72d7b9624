"""From what was listed and looked at to the facts of a survey: counting, and nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from mlops_assets.gates import GATES, is_labels_file
from mlops_assets.gates.checking.looking import Look
from mlops_assets.gates.checking.one_file import Work
from mlops_assets.gates.pixels import Finding
from mlops_assets.operations.surveying.facts import (
    Codec,
    Copies,
    Costs,
    Coverage,
    Group,
    Kind,
    Month,
    Notes,
    Source,
    Survey,
)
from mlops_assets.operations.surveying.listing import Listing
from mlops_assets.operations.surveying.readiness import check_readiness
from mlops_assets.operations.surveying.sheets import make_sheets

DARK_BELOW = 0.05
"""Median brightness of the sampled pictures, 0 to 1."""
BLURRED_BELOW = 20.0
"""Median sharpness (see `PictureQuality`), of a picture that is not dark and not of one colour."""
_ONE_COLOUR_BELOW = 0.01
_EXAMPLES = 12
_LABELS = 20
_MEDIA = ("image", "video", "audio")
_FIRST_YEAR = 1990


def summarise(
    folder: Path, listing: Listing, looks: Mapping[str, Look], copies: Copies, *, now: datetime
) -> Survey:
    """Count everything there is to count; costs are left open.

    Args:
        folder: that was surveyed.
        listing: what is there, by name.
        looks: what was seen, by path.
        copies: files of equal bytes.
        now: dates behind it are taken for mistakes of a clock.
    """
    dated_by = Counter(
        look.judged.captured_at_from for look in looks.values() if look.judged.kind in _MEDIA
    )
    months = _months(looks.values(), now)
    dark = {path for path, look in looks.items() if is_dark(look)}
    blurred = {path for path, look in looks.items() if is_blurred(look)}
    survey = Survey(
        folder=_name(folder),
        made_at=now,
        coverage=_coverage(listing, looks),
        kinds=_kinds(listing, looks),
        codecs=_codecs(listing.works, looks),
        sources=_sources(listing, looks),
        months=months,
        months_missing=_missing(months),
        dated_by=tuple(dated_by.most_common()),
        stopped=_groups(_findings(listing, looks, is_fatal=True)),
        flagged=_groups(_findings(listing, looks, is_fatal=False)),
        dark=_group("dark", f"Mean brightness below {DARK_BELOW:g} of 1.", dark),
        blurred=_group("blurred", f"Sharpness below {BLURRED_BELOW:g}; in focus, 100s.", blurred),
        copies=copies,
        notes=_notes(listing, looks),
        checks=(),
        costs=Costs(),
        sheets=make_sheets(looks, dark=dark, blurred=blurred),
    )
    return check_readiness(survey, listing, looks)


def is_dark(look: Look) -> bool:
    """Whether its pictures are too dark to show anything."""
    return look.brightness is not None and look.brightness < DARK_BELOW


def is_blurred(look: Look) -> bool:
    """Whether its pictures show no edges, though there is something on them."""
    return (
        look.sharpness is not None
        and look.contrast is not None
        and look.sharpness < BLURRED_BELOW
        and look.contrast >= _ONE_COLOUR_BELOW
        and not is_dark(look)
    )


def _name(folder: Path) -> str:
    return folder.resolve().name or str(folder)


def _coverage(listing: Listing, looks: Mapping[str, Look]) -> Coverage:
    return Coverage(
        files=len(listing.works) + len(listing.problems),
        size_bytes=sum(work.size_bytes for work in listing.works),
        looked_files=len(looks) + len(listing.problems),
        looked_bytes=sum(work.size_bytes for work in listing.works if work.path in looks),
        is_listed_whole=listing.is_whole,
        seconds=0.0,
        cpu_s=round(sum(look.cpu_s for look in looks.values()), 1),
        minutes=0.0,
    )


def _kinds(listing: Listing, looks: Mapping[str, Look]) -> tuple[Kind, ...]:
    by_suffix: dict[str, Counter[str]] = defaultdict(Counter)
    for path, look in looks.items():
        by_suffix[_suffix(path)][look.judged.kind] += 1
    groups: dict[str, list[Work]] = defaultdict(list)
    for work in listing.works:
        groups[_kind(work, looks.get(work.path), by_suffix)].append(work)
    found = [_one_kind(kind, works, looks) for kind, works in groups.items()]
    return tuple(sorted(found, key=lambda one: (-one.files, one.kind)))


def _kind(work: Work, look: Look | None, by_suffix: Mapping[str, Counter[str]]) -> str:
    if look is not None:
        return look.judged.kind
    if work.is_sidecar:
        return "sidecar"
    if is_labels_file(work.path):
        return "labels"
    seen = by_suffix.get(_suffix(work.path))
    return seen.most_common(1)[0][0] if seen else "unknown"


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _one_kind(kind: str, works: list[Work], looks: Mapping[str, Look]) -> Kind:
    largest = max(works, key=lambda work: work.size_bytes)
    seen = [looks[work.path] for work in works if work.path in looks]
    return Kind(
        kind=kind,
        files=len(works),
        size_bytes=sum(work.size_bytes for work in works),
        looked=len(seen),
        duration_s=round(sum(look.duration_s for look in seen), 1),
        largest=largest.path,
        largest_bytes=largest.size_bytes,
    )


def _codecs(works: Iterable[Work], looks: Mapping[str, Look]) -> tuple[Codec, ...]:
    groups: dict[tuple[str, str], list[tuple[Work, Look]]] = defaultdict(list)
    for work in works:
        look = looks.get(work.path)
        if look is not None and look.judged.kind not in ("unknown", "sidecar", "labels"):
            name = look.codec or look.judged.mime.rpartition("/")[2] or "not known"
            groups[look.judged.kind, name].append((work, look))
    found = []
    for (kind, codec), pairs in groups.items():
        sizes = Counter(f"{o.width_px} x {o.height_px}" for _, o in pairs if o.width_px)
        size = sizes.most_common(1)[0][0] if sizes else ""
        found.append(Codec(kind, codec, len(pairs), sum(w.size_bytes for w, _ in pairs), size))
    return tuple(sorted(found, key=lambda one: (-one.files, one.kind, one.codec)))


def _sources(listing: Listing, looks: Mapping[str, Look]) -> tuple[Source, ...]:
    groups: dict[str, list[Work]] = defaultdict(list)
    for work in listing.works:
        head, slash, _ = work.path.partition("/")
        groups[head if slash else "."].append(work)
    found = [_one_source(name, works, looks) for name, works in groups.items()]
    return tuple(sorted(found, key=lambda one: (-one.files, one.source)))


def _one_source(name: str, works: list[Work], looks: Mapping[str, Look]) -> Source:
    seen = [looks[work.path] for work in works if work.path in looks]
    days = sorted(
        f"{o.judged.captured_at:%Y-%m-%d}"
        for o in seen
        if o.judged.kind in _MEDIA and o.judged.captured_at
    )
    return Source(
        source=name,
        files=len(works),
        size_bytes=sum(work.size_bytes for work in works),
        looked=len(seen),
        stopped=sum(any(f.is_fatal for f in look.judged.findings) for look in seen),
        first=days[0] if days else "",
        last=days[-1] if days else "",
    )


def _months(looks: Iterable[Look], now: datetime) -> tuple[Month, ...]:
    """By dates that someone stated; by the files' times only if there are no others."""
    dated = [
        (look.judged.captured_at, look.judged.captured_at_from)
        for look in looks
        if look.judged.kind in _MEDIA
    ]
    stated = [when for when, witness in dated if when and witness != "file"]
    times = stated or [when for when, _ in dated if when]
    latest = now + timedelta(days=1)
    counts = Counter(f"{t:%Y-%m}" for t in times if t.year >= _FIRST_YEAR and t <= latest)
    return tuple(Month(month, files) for month, files in sorted(counts.items()))


def _missing(months: tuple[Month, ...]) -> tuple[str, ...]:
    if not months:
        return ()
    present = {one.month for one in months}
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (months[0].month, months[-1].month))
    every = (f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(first, last + 1))
    return tuple(month for month in every if month not in present)


def _findings(
    listing: Listing, looks: Mapping[str, Look], *, is_fatal: bool
) -> dict[str, list[str]]:
    """Code to paths; of what keeps a file out, only the first counts."""
    seen: list[tuple[str, list[Finding]]] = [
        *((one.path, [one.problem]) for one in listing.problems if one.problem),
        *((path, list(look.judged.findings)) for path, look in looks.items()),
    ]
    found: dict[str, list[str]] = defaultdict(list)
    for path, findings in seen:
        codes = dict.fromkeys(one.code for one in findings if one.is_fatal == is_fatal)
        for code in list(codes)[:1] if is_fatal else codes:
            found[code].append(path)
    return found


def _groups(found: Mapping[str, list[str]]) -> tuple[Group, ...]:
    groups = [_group(code, GATES[code].says, set(paths)) for code, paths in found.items()]
    return tuple(sorted(groups, key=lambda one: (-one.files, one.name)))


def _group(name: str, says: str, paths: set[str]) -> Group:
    return Group(name, says, len(paths), tuple(sorted(paths)[:_EXAMPLES]))


def _notes(listing: Listing, looks: Mapping[str, Look]) -> Notes:
    labels: Counter[str] = Counter()
    for look in looks.values():
        labels.update(dict(look.labels))
    judged = [look.judged for look in looks.values()]
    return Notes(
        sidecars=sum(work.is_sidecar for work in listing.works),
        described=listing.described,
        media=sum(not (w.is_sidecar or is_labels_file(w.path)) for w in listing.works),
        bad=sum(j.kind == "sidecar" and any(f.is_fatal for f in j.findings) for j in judged),
        labels_files=sum(is_labels_file(work.path) for work in listing.works),
        label_count=sum(look.label_count for look in looks.values()),
        labels=tuple(labels.most_common(_LABELS)),
        foreign=tuple(sorted(listing.foreign)[:_EXAMPLES]),
    )
