"""Numbers and names as people read them; the page and the text say them alike."""

from __future__ import annotations

from mlops_assets.operations.surveying.facts import Survey

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
MARKS = {"good": "✓", "partly": "~", "missing": "✗", "unknown": "?"}
"""A sign for each state of the checklist."""


def size_words(size_bytes: float) -> str:
    """Bytes in decimal units, such as `4.2 MB`."""
    size = float(size_bytes)
    for unit in _UNITS[:-1]:
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} {_UNITS[-1]}"


def time_words(seconds: float) -> str:
    """Seconds in the unit that fits, such as `3.4 min`."""
    for bound, unit, unit_s in ((99.5, "s", 1), (5970, "min", 60), (171_000, "h", 3600)):
        if seconds < bound:
            return (
                f"{seconds / unit_s:.2g} {unit}"
                if seconds < 10
                else f"{seconds / unit_s:.3g} {unit}"
            )
    return f"{seconds / 86_400:,.0f} days"


def clean(text: str) -> str:
    """A name without control characters and without bytes that are no UTF-8."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def coverage_words(survey: Survey) -> str:
    """How much was looked at, in a sentence or two."""
    seen = survey.coverage
    if not seen.files:
        return "The folder holds no files."
    took = f"in {time_words(seen.seconds)} by the clock, {time_words(seen.cpu_s)} of processor time"
    if not seen.is_sample:
        return f"Every one of {seen.files:,} files was opened and decoded, {took}."
    stopped = "" if seen.is_listed_whole else " The listing itself was cut short: there is more."
    return (
        f"A sample: {seen.looked_files:,} of {seen.files:,} files ({seen.share_files:.1%}) and "
        f"{seen.share_bytes:.1%} of the bytes were opened and decoded, taken in turn from every "
        f"folder and month, {took}. Kinds of the others are told from their suffixes.{stopped}"
    )


def gap_words(survey: Survey) -> str:
    """Months without media, in a sentence."""
    missing, months = survey.months_missing, survey.months
    if not months:
        return "No medium has a date."
    span = f"{months[0].month} to {months[-1].month}"
    stated = any(witness not in ("", "file") for witness, _ in survey.dated_by)
    basis = "" if stated else " Only the files' own times are known, which a copy changes."
    if len(months) == 1:
        return f"All dated media are of {months[0].month}.{basis}"
    if not missing:
        return f"Media in every month from {span}.{basis}"
    shown = ", ".join(missing[:12]) + (" …" if len(missing) > 12 else "")
    among = " among those looked at" if survey.coverage.is_sample else ""
    return f"{len(missing)} months without media{among}, from {span}: {shown}.{basis}"


def copies_words(survey: Survey) -> str:
    """Files of equal bytes, in a sentence."""
    copies = survey.copies
    left = f" {copies.unread:,} of equal size were not compared." if copies.unread else ""
    if not copies.files:
        return f"No two files have the same bytes.{left}"
    waste = size_words(copies.size_bytes)
    are = (
        "file is a copy of another and takes"
        if copies.files == 1
        else "files are copies of others and take"
    )
    return f"{copies.files:,} {are} {waste}.{left}"


def notes_words(survey: Survey) -> str:
    """Sidecars and labels, in a sentence or two."""
    notes = survey.notes
    bad = f", {notes.bad:,} of those read are damaged" if notes.bad else ""
    said = (
        f"Sidecars: {notes.sidecars:,}, for {notes.described:,} of {notes.media:,} files{bad}; "
        f"{notes.labels_files:,} labels.csv; {notes.label_count:,} labels read."
    )
    return f"{said} Of other tools: {', '.join(notes.foreign)}." if notes.foreign else said
