"""A survey as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlops_assets.operations.surveying.facts import Group, Survey
from mlops_assets.operations.surveying.wording import (
    MARKS,
    clean,
    copies_words,
    coverage_words,
    gap_words,
    notes_words,
    size_words,
    time_words,
)

_ROWS = 12


def survey_text(survey: Survey) -> str:
    """The survey in lines; names without control characters."""
    return "\n".join(clean(line) for line in _lines(survey)) + "\n"


def _lines(survey: Survey) -> Iterator[str]:
    yield f"Survey of {survey.folder}: {size_words(survey.coverage.size_bytes)}"
    yield coverage_words(survey)
    yield from _headed("What is there", _kinds(survey))
    yield from _headed("Formats", _codecs(survey))
    yield from _headed("Sources", _sources(survey))
    yield from _headed("Ready for AI?", _checks(survey))
    yield from _headed("Would be kept out", _groups(survey.stopped))
    yield from _headed("Taken in, with a remark", _groups(survey.flagged))
    pictures = [one for one in (survey.dark, survey.blurred) if one.files]
    yield from _headed("Dark and blurred", _groups(pictures))
    said = (gap_words(survey), copies_words(survey), notes_words(survey))
    yield from _headed("Months, copies, labels", said)
    yield from _headed("The full run would take", _costs(survey))


def _headed(title: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield from ("", title, *(f"  {line}" for line in listed))


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Cells below each other; those that begin with a digit to the right."""
    widths = (
        [max(len(clean(row[at])) for row in rows) for at in range(len(rows[0]))] if rows else []
    )
    for row in rows:
        cells = (
            text.rjust(width) if text[:1].isdigit() else text.ljust(width)
            for text, width in zip((clean(cell) for cell in row), widths, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _kinds(survey: Survey) -> Iterator[str]:
    rows = []
    for one in survey.kinds:
        share = "" if one.looked == one.files else f"{one.looked:,} looked at"
        lasts = time_words(one.duration_s) if one.duration_s else ""
        rows.append((one.kind, f"{one.files:,}", size_words(one.size_bytes), lasts, share))
    return _columns(rows)


def _codecs(survey: Survey) -> Iterator[str]:
    return _columns(
        [
            (one.codec, one.kind, f"{one.files:,}", size_words(one.size_bytes), one.size)
            for one in survey.codecs[:_ROWS]
        ]
    )


def _sources(survey: Survey) -> Iterator[str]:
    return _columns(
        [
            (
                one.source,
                f"{one.files:,}",
                size_words(one.size_bytes),
                f"{one.first} to {one.last}" if one.first else "",
                f"{one.stopped:,} kept out" if one.stopped else "",
            )
            for one in survey.sources[:_ROWS]
        ]
    )


def _checks(survey: Survey) -> Iterator[str]:
    for one in survey.checks:
        yield f"{MARKS[one.state]} {one.topic}: {one.says} ({one.evidence or 'nothing to see'})"


def _groups(groups: Iterable[Group]) -> Iterator[str]:
    for one in groups:
        more = " …" if one.files > 3 else ""
        yield f"{one.files:,} {one.name}: {one.says} {', '.join(one.examples[:3])}{more}"


def _costs(survey: Survey) -> Iterator[str]:
    costs = survey.costs
    rows = [
        (
            c.table,
            f"{c.rows:,}",
            time_words(c.seconds) if c.seconds else "with the above",
            size_words(c.size_bytes),
        )
        for c in costs.tables
    ]
    if rows:
        all_rows = f"{sum(one.rows for one in costs.tables):,}"
        rows.append(("in all", all_rows, time_words(costs.seconds), size_words(costs.size_bytes)))
    yield from _columns(rows)
    yield costs.basis
