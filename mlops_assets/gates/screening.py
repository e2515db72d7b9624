"""Measures held against limits and against what a source usually sends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mlops_assets.errors import ConfigurationError
from mlops_assets.gates.bands import LEAST_HISTORY, Band
from mlops_assets.gates.findings import Finding
from mlops_assets.gates.limits import Limits
from mlops_assets.gates.measures import MEASURES, Measure, Values
from mlops_assets.gates.table import GATES

RARE_LANGUAGE = 0.02
"""Share of a history's documents from which on a language is one of its source."""

_SURE = 0.9  # probability from which a language counts as told


@dataclass(frozen=True)
class Expectation:
    """What media are held against.

    Attributes:
        limits: the static limits.
        stated: fields of `limits` a person set: those hold whatever the history says. The others
            are a fallback: where the history of the source has a band, a limit gives way to it, as
            far as the measure's `hardest`.
        bands: what is usual, by measure; empty to judge by the limits alone.
        languages: share of the history's documents by language; empty if it has too few.
    """

    limits: Limits
    stated: frozenset[str] = frozenset()
    bands: Mapping[str, Band] = field(default_factory=dict)
    languages: Mapping[str, float] = field(default_factory=dict)


def judge_measures(
    columns: Mapping[str, Values], expected: Expectation
) -> dict[int, list[Finding]]:
    """Every gate on a measure that media do not pass.

    Args:
        columns: (N,) by name of `MEASURES`, >= 0, one value a medium; NaN is unknown and passes.
        expected: what they are held against.

    Returns:
        Findings by place of the medium, in the order of `MEASURES`; a medium without is left out.
    """
    found: dict[int, list[Finding]] = {}
    for measure in MEASURES:
        if measure.name in columns:
            for place, finding in _judge(measure, columns[measure.name], expected):
                found.setdefault(place, []).append(finding)
    return found


def _judge(
    measure: Measure, values: Values, expected: Expectation
) -> Iterator[tuple[int, Finding]]:
    low, high = _bounds(measure, expected)
    is_low, is_high = values < low, values > high
    for is_beyond, code, limit in ((is_low, measure.low, low), (is_high, measure.high, high)):
        for place in np.flatnonzero(is_beyond):
            said = f"{measure.said(values[place])}; limit {measure.said(limit)}"
            yield int(place), Finding(code, f"{_spoken(code)}: {measure.words} {said}")
    band = expected.bands.get(measure.name)
    if band is None:
        return
    is_unusual = values > band.high
    if measure.is_judged_both_ways:
        is_unusual |= values < band.low
    for place in np.flatnonzero(is_unusual & ~is_low & ~is_high):
        usual = f"usually {measure.said(max(band.low, 0.0))} to {measure.said(band.high)}"
        said = f"{measure.words} {measure.said(values[place])}; {usual}"
        yield int(place), Finding("unusual", f"unusual: {said}")


def _bounds(measure: Measure, expected: Expectation) -> tuple[float, float]:
    """Where the gates of a measure stand; at infinity where there is none."""
    band = expected.bands.get(measure.name)
    least, most = measure.hardest
    low, high = -np.inf, np.inf
    if measure.low:
        low, may_give_way = _limit(measure.low, expected)
        low = min(low, max(band.low, least)) if band and may_give_way else low
    if measure.high:
        high, may_give_way = _limit(measure.high, expected)
        high = max(high, min(band.high, most)) if band and may_give_way else high
    return low, high


def _limit(code: str, expected: Expectation) -> tuple[float, bool]:
    name = GATES[code].limit
    return float(getattr(expected.limits, name)), name not in expected.stated


def _spoken(code: str) -> str:
    return code.replace("_", " ")


def judge_languages(
    languages: Sequence[str], confidences: Values, expected: Expectation
) -> dict[int, Finding]:
    """Texts in a language that is none of their source.

    Args:
        languages: ISO 639-1 of each text; empty if it is not known, which passes.
        confidences: (N,), 0 to 1; a text whose language is not told with 0.9 passes.
        expected: the languages a person stated; where there are none, those of the history.

    Returns:
        Finding by place of the text; a text without is left out.
    """
    stated = _words(expected.limits.languages)
    usual = sorted(one for one, share in expected.languages.items() if share >= RARE_LANGUAGE)
    allowed = stated or usual
    if not allowed:
        return {}
    said = f"{'expected' if stated else 'usually'} {' or '.join(allowed)}"
    return {
        place: Finding("unexpected_language", f"unexpected language: {language}; {said}")
        for place, (language, sure) in enumerate(zip(languages, confidences, strict=True))
        if language and language not in allowed and sure >= _SURE
    }


def usual_languages(languages: Collection[str]) -> dict[str, float]:
    """Share of each language among earlier texts; empty for fewer than 50 whose one is known."""
    known = [one for one in languages if one]
    if len(known) < LEAST_HISTORY:
        return {}
    return {one: known.count(one) / len(known) for one in sorted(set(known))}


def stated_limits(given: Mapping[str, float | str | None]) -> tuple[Limits, frozenset[str]]:
    """The limits with those a person set, and which those are.

    Args:
        given: values by field of `Limits`; None where nobody set one.
    """
    stated = {name: value for name, value in given.items() if value is not None and value != ""}
    return Limits(**stated), frozenset(stated)  # type: ignore[arg-type]


def codes_to_stop_on(told: str) -> list[str]:
    """The codes of a list with commas between.

    Args:
        told: such as `too_dark, damaged_encoding`; empty for none.

    Returns:
        Each code once, in that order.

    Raises:
        ConfigurationError: there is no such gate.
    """
    codes = _words(told)
    if unknown := [code for code in codes if code not in GATES]:
        known = ", ".join(gate.code for gate in GATES.values() if gate.severity == "flag")
        raise ConfigurationError(f"stop_on names {unknown[0]!r}; there are: {known}")
    return codes


def _words(told: str) -> list[str]:
    return list(dict.fromkeys(word for word in told.replace(",", " ").split() if word))
