"""Ready for AI? A short checklist, each line with its evidence; no score is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mlops_assets.gates.checking.looking import Look
from mlops_assets.operations.surveying.facts import Check, State, Survey
from mlops_assets.operations.surveying.listing import Listing

_MEDIA = ("image", "video", "audio")
_FOREIGN_FORMATS = ("unknown_kind", "unsupported_format", "archive", "office_document")
_NEARLY_ALL, _SOME = 0.95, 0.1
_MANY_BLURRED = 0.05
_NAMES_SHOWN = 3


def check_readiness(survey: Survey, listing: Listing, looks: Mapping[str, Look]) -> Survey:
    """The survey with its checklist: formats, soundness, metadata, labels, versions, and more.

    Args:
        survey: everything counted.
        listing: what the names say.
        looks: what was seen, by path.
    """
    return replace(survey, checks=tuple(_checks(survey, listing, list(looks.values()))))


def _checks(survey: Survey, listing: Listing, looks: list[Look]) -> Iterator[Check]:
    media = [look for look in looks if look.judged.kind in _MEDIA]
    yield _formats(survey)
    yield _soundness(survey)
    yield _capture_times(media)
    yield _circumstances(media)
    yield _labels(survey)
    yield _copies(survey)
    yield _pictures(survey, media)
    yield _versions(listing)


def _graded(share: float) -> State:
    if share >= _NEARLY_ALL:
        return "good"
    return "partly" if share >= _SOME else "missing"


def _share(count: int, whole: int) -> str:
    return f"{count:,} of {whole:,} looked at"


def _formats(survey: Survey) -> Check:
    looked = survey.coverage.looked_files
    foreign = sum(one.files for one in survey.stopped if one.name in _FOREIGN_FORMATS)
    if not looked:
        return Check("Formats", "unknown", "There are no files.", "")
    known = ", ".join(dict.fromkeys(one.codec for one in survey.codecs[:6]))
    said = "Every format is read." if not foreign else "Some formats are not read here."
    evidence = f"{_share(looked - foreign, looked)} are of formats that are read"
    return Check("Formats", _graded(1 - foreign / looked), said, f"{evidence}: {known or 'none'}")


def _soundness(survey: Survey) -> Check:
    looked = survey.coverage.looked_files
    bad = sum(one.files for one in survey.stopped if one.name not in _FOREIGN_FORMATS)
    if not looked:
        return Check("Sound files", "unknown", "There are no files.", "")
    said = _sound_words(1 - bad / looked) if bad else "Nothing is broken."
    reasons = ", ".join(
        f"{one.files} {one.name}" for one in survey.stopped if one.name not in _FOREIGN_FORMATS
    )
    evidence = f"{_share(bad, looked)} would be kept out" + (f": {reasons}" if reasons else "")
    return Check("Sound files", _graded(1 - bad / looked), said, evidence)


def _sound_words(share: float) -> str:
    few = share >= _NEARLY_ALL
    return "Nearly all open; few do not." if few else "Files are broken, empty or closed."


def _capture_times(media: list[Look]) -> Check:
    if not media:
        return Check("Time of capture", "unknown", "There are no media.", "")
    stated = sum(look.judged.captured_at_from not in ("", "file") for look in media)
    state = _graded(stated / len(media))
    said = {
        "good": "Media say when they were taken.",
        "partly": "Some media say when they were taken; others have the file's time only.",
    }.get(state, "Only the files' own times are known, which a copy changes.")
    return Check(
        "Time of capture",
        state,
        said,
        f"{_share(stated, len(media))} state it in a sidecar, in their header or in their name",
    )


def _circumstances(media: list[Look]) -> Check:
    if not media:
        return Check("Place and device", "unknown", "There are no media.", "")
    devices = {look.device for look in media if look.device}
    from_device = sum(bool(look.device) for look in media)
    places = sum(look.has_gps for look in media)
    state = _graded(max(from_device, places) / len(media))
    said = "Known." if state == "good" else "Known of some." if state == "partly" else "Not stated."
    evidence = f"device of {from_device:,}, place of {places:,}, of {len(media):,} looked at"
    return Check(
        "Place and device", state, said, evidence + (f"; {len(devices)} devices" if devices else "")
    )


def _labels(survey: Survey) -> Check:
    notes = survey.notes
    if notes.label_count:
        share = notes.label_count / max(1, notes.media)
        state: State = "good" if share >= _NEARLY_ALL else "partly"
        said = f"{len(notes.labels)} different labels were read."
        evidence = f"{notes.label_count:,} labels on {notes.media:,} files that could have one"
        return Check("Labels", state, said, evidence)
    if notes.foreign:
        said = "Labels of another tool, by their names; write them as labels.csv."
        return Check("Labels", "partly", said, ", ".join(notes.foreign[:_NAMES_SHOWN]))
    said = "None were found: fit to search and to watch, not to train on."
    return Check("Labels", "missing", said, "no labels.csv, none in sidecars")


def _copies(survey: Survey) -> Check:
    copies, files = survey.copies, survey.coverage.files
    if not files:
        return Check("No copies", "unknown", "There are no files.", "")
    said = "No file is there twice." if not copies.files else "The same bytes are there twice."
    evidence = f"{copies.files:,} of {files:,} could go, {copies.size_bytes / 1e6:,.1f} MB"
    if copies.unread:
        evidence += f"; {copies.unread:,} of equal size were not compared, for want of time"
    state: State = "partly" if copies.files else "unknown" if copies.unread else "good"
    return Check("No copies", state, said, evidence)


def _pictures(survey: Survey, media: list[Look]) -> Check:
    pictures = sum(look.brightness is not None for look in media)
    if not pictures:
        return Check("Clear pictures", "unknown", "There are no pictures.", "")
    dark, blurred = survey.dark.files, survey.blurred.files
    is_good = dark + blurred <= _MANY_BLURRED * pictures
    said = (
        "Nearly all are bright and in focus." if is_good else "Look at the dark and blurred ones."
    )
    evidence = f"{dark:,} dark and {blurred:,} blurred of {pictures:,} looked at"
    return Check("Clear pictures", "good" if is_good else "partly", said, evidence)


def _versions(listing: Listing) -> Check:
    if listing.versioned:
        evidence = ", ".join(sorted(listing.versioned)[:_NAMES_SHOWN])
        return Check("Versions", "good", "A version control keeps this folder.", evidence)
    if listing.checksums:
        evidence = ", ".join(sorted(listing.checksums)[:_NAMES_SHOWN])
        return Check("Versions", "partly", "Checksums or a manifest, and no history.", evidence)
    said = "Nothing tells what was here yesterday."
    evidence = "no version control, no checksums"
    if listing.by_hand:
        names = ", ".join(sorted(listing.by_hand)[:_NAMES_SHOWN])
        evidence += f"; {len(listing.by_hand)} names look like versions by hand: {names}"
    return Check("Versions", "missing", said, evidence)
