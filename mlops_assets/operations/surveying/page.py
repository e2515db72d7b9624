"""A survey as one HTML page that asks nothing of any other place: styles and pictures are in it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlops_assets.operations.surveying import wording
from mlops_assets.operations.surveying.facts import Month, Survey

_TEMPLATE = "page.html"
_BARS = 72


def survey_page(survey: Survey) -> str:
    """The survey as HTML; every name that comes from the folder is escaped.

    Returns:
        A page without scripts, fonts, styles or pictures from elsewhere; its policy forbids them.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(
        size=wording.size_words, time=wording.time_words, clean=wording.clean, inline=_inline
    )
    return environment.get_template(_TEMPLATE).render(
        survey=survey,
        bars=_bars(survey.months, survey.months_missing),
        marks=wording.MARKS,
        coverage=wording.coverage_words(survey),
        gaps=wording.gap_words(survey),
        copies=wording.copies_words(survey),
        notes=wording.notes_words(survey),
    )


def _shown(value: Any) -> Any:
    return wording.clean(value) if type(value) is str else value


def _inline(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


def _bars(months: Sequence[Month], missing: Sequence[str]) -> list[tuple[str, int, float]]:
    """Name, files and height (0 to 1) of each month, or of each year where months are too many."""
    counted = {one.month: one.files for one in months} | dict.fromkeys(missing, 0)
    if len(counted) > _BARS:
        years: dict[str, int] = {}
        for month, files in counted.items():
            years[month[:4]] = years.get(month[:4], 0) + files
        counted = years
    most = max(counted.values(), default=1)
    return [(name, files, files / most) for name, files in sorted(counted.items())]
