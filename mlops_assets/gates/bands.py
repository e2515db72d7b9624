"""What a source usually sends: the band of each measure, from its earlier media."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlops_assets.gates.measures import MEASURES, Measure, Values

LEAST_HISTORY = 50
"""Media a history needs: with fewer, median and spread say little."""

TAIL = 0.02
"""Share of a history at either end that may be odd; at least one medium is."""

MARGIN = 3.5
"""Spreads by which a band reaches beyond what its history holds without its tails."""

_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, of a normal distribution


@dataclass(frozen=True)
class Band:
    """Where a measure of a source's media is expected.

    Attributes:
        low: below it a value is unusual.
        high: above it a value is unusual.
        median: of the history.
        count: media of the history in which the measure is known.
    """

    low: float
    high: float
    median: float
    count: int


def expected_bands(history: Mapping[str, Values]) -> dict[str, Band]:
    """The bands of a source, from the measures of its earlier media of one kind.

    Values are compared by their logarithms. A band holds all of the history but its tails, so that
    a source of days and nights has one band over both, and reaches 3.5 spreads beyond. The
    spread is the median absolute deviation, but never less than the least that matters.

    Args:
        history: (N,) by name of `MEASURES`, >= 0; NaN is unknown and left out. The order of media
            does not matter.

    Returns:
        Band by name, of each measure known of at least 50 media.

    Reference: Iglewicz and Hoaglin 1993, "How to detect and handle outliers", section 3, for the
    deviation.
    """
    known = {
        one: history[one.name][np.isfinite(history[one.name])]
        for one in MEASURES
        if one.name in history
    }
    return {
        one.name: _band(one, values)
        for one, values in known.items()
        if values.size >= LEAST_HISTORY
    }


def _band(measure: Measure, values: Values) -> Band:
    squeezed = np.sort(measure.squeezed(values))
    median = float(np.median(squeezed))
    deviation = _TO_SIGMA * float(np.median(np.abs(squeezed - median)))
    reach = MARGIN * max(deviation, measure.least_spread)
    tail = max(1, int(TAIL * squeezed.size))
    ends = np.array([squeezed[tail] - reach, squeezed[-1 - tail] + reach, median])
    low, high, middle = measure.stretched(ends)
    return Band(float(low), float(high), float(middle), values.size)
