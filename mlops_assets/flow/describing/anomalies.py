"""Motion that is unusual for where it was seen, held against earlier motion of the same place.

Each measure of a pair is squeezed (its tails are heavy), compared with the median of a history in
units of that history's spread, and the strangest one speaks for the pair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LEAST_HISTORY = 20
"""Pairs a history needs: with fewer, median and spread say little."""

LEAST_SPREAD = 0.25
"""Of squeezed values: less than a quarter more or less is never strange, however even a history."""

_CLEAR_INLIERS = 0.5
_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, of a normal distribution


@dataclass(frozen=True)
class Measure:
    """One way in which motion can be unusual.

    Attributes:
        name: of the column.
        words: for people.
        grain: of the measure's unit: differences far below it do not matter.
    """

    name: str
    words: str
    grain: float


MEASURES = (
    Measure("p95_diag_per_s", "motion {} this source's usual p95", 0.01),
    Measure("mean_diag_per_s", "mean motion {} this source's usual", 0.01),
    Measure("residual_diag_per_s", "motion other than the camera's {} the usual", 0.01),
    Measure("camera_diag_per_s", "camera shift {} the usual", 0.01),
    Measure("camera_turn_deg_per_s", "camera turn {} the usual", 1.0),
    Measure("camera_zoom_per_s", "camera zoom {} the usual", 0.02),
)
"""In the order in which they are preferred when equally strange."""

_CAMERA = {
    "camera_diag_per_s": "shifts",
    "camera_turn_deg_per_s": "turns",
    "camera_zoom_per_s": "zooms",
}


@dataclass(frozen=True)
class Usual:
    """What a measure is like in a history.

    Attributes:
        median: of the measure.
        centre: median of the squeezed values.
        spread: of the squeezed values, a standard deviation if they were normal.
    """

    median: float
    centre: float
    spread: float


@dataclass(frozen=True)
class Judgement:
    """How strange one pair is.

    Attributes:
        score: standard deviations from the median of the history, >= 0, of the strangest measure.
        measure: its name.
        value: of it.
        usual: its median in the history.
        reason: for people, such as `motion 4.2x this source's usual p95; camera still`.
    """

    score: float
    measure: str
    value: float
    usual: float
    reason: str


def measures_of(columns: Mapping[str, Values]) -> dict[str, Values]:
    """The measures of pairs from their normalised statistics.

    Args:
        columns: (N,) each of `p95_diag_per_s`, `mean_diag_per_s`, `camera_residual_diag_per_s`,
            `camera_dx_diag_per_s`, `camera_dy_diag_per_s`, `camera_rotation_deg_per_s`,
            `camera_zoom_per_s` and `camera_inliers`; NaN is unknown.

    Returns:
        (N,) per name of `MEASURES`, >= 0 or NaN. What the camera does is unknown where less than
        half of the picture follows it.
    """
    is_clear = columns["camera_inliers"] >= _CLEAR_INLIERS
    camera = {
        "camera_diag_per_s": np.hypot(
            columns["camera_dx_diag_per_s"], columns["camera_dy_diag_per_s"]
        ),
        "camera_turn_deg_per_s": np.abs(columns["camera_rotation_deg_per_s"]),
        "camera_zoom_per_s": np.abs(columns["camera_zoom_per_s"]),
    }
    return {
        "p95_diag_per_s": columns["p95_diag_per_s"],
        "mean_diag_per_s": columns["mean_diag_per_s"],
        "residual_diag_per_s": columns["camera_residual_diag_per_s"],
        **{name: np.where(is_clear, values, np.nan) for name, values in camera.items()},
    }


def usual_motion(history: Mapping[str, Values]) -> dict[str, Usual]:
    """What is usual, from the measures of earlier pairs.

    Args:
        history: as `measures_of`; NaN is left out. The order of pairs does not matter.

    Returns:
        Per measure with at least 20 known values.

    Reference: Iglewicz and Hoaglin 1993, "How to detect and handle outliers", section 3.
    """
    known = {one: history[one.name][np.isfinite(history[one.name])] for one in MEASURES}
    return {
        measure.name: _usual(values, measure)
        for measure, values in known.items()
        if values.size >= LEAST_HISTORY
    }


def judge_motion(pairs: Mapping[str, Values], usual: Mapping[str, Usual]) -> list[Judgement | None]:
    """Hold pairs against what is usual.

    Args:
        pairs: as `measures_of`, (N,) each.
        usual: as `usual_motion`.

    Returns:
        One a pair; None where no measure is known on both sides.
    """
    judged = [one for one in MEASURES if one.name in usual]
    if not judged:
        return [None] * len(pairs[MEASURES[0].name])
    scores = np.stack([_scores(pairs[one.name], one, usual[one.name]) for one in judged])
    strangest = scores.argmax(axis=0)
    return [
        _judgement(judged[which], float(scores[which, place]), place, pairs, usual)
        for place, which in enumerate(strangest)
    ]


def _usual(values: Values, measure: Measure) -> Usual:
    squeezed = _squeezed(values, measure)
    centre = float(np.median(squeezed))
    deviation = _TO_SIGMA * float(np.median(np.abs(squeezed - centre)))
    return Usual(float(np.median(values)), centre, max(deviation, LEAST_SPREAD))


def _squeezed(values: Values, measure: Measure) -> Values:
    return np.log1p(values / measure.grain)


def _scores(values: Values, measure: Measure, usual: Usual) -> Values:
    """Standard deviations from the usual, -1 where unknown."""
    score = np.abs(_squeezed(values, measure) - usual.centre) / usual.spread
    return np.where(np.isfinite(score), score, -1.0)


def _judgement(
    measure: Measure,
    score: float,
    place: int,
    pairs: Mapping[str, Values],
    usual: Mapping[str, Usual],
) -> Judgement | None:
    if score < 0:
        return None
    value, median = float(pairs[measure.name][place]), usual[measure.name].median
    said = measure.words.format(_times(value, median, measure.grain))
    camera = _camera({name: float(pairs[name][place]) for name in _CAMERA})
    return Judgement(score, measure.name, value, median, f"{said}; {camera}")


def _times(value: float, median: float, grain: float) -> str:
    """`31x`, `4.2x` or `0.03x`; of next to nothing, a multiple of the least that matters."""
    times = value / max(median, grain)
    return f"{times:.0f}x" if times >= 10 else f"{times:.1f}x" if times >= 1 else f"{times:.2g}x"


def _camera(values: Mapping[str, float]) -> str:
    """What the camera does, the strongest first: `camera still`, `camera turns and shifts`."""
    if any(math.isnan(value) for value in values.values()):
        return "camera motion unclear"
    grains = {one.name: one.grain for one in MEASURES}
    strength = {_CAMERA[name]: value / grains[name] for name, value in values.items()}
    does = sorted((one for one in strength if strength[one] > 1), key=lambda one: -strength[one])
    return f"camera {' and '.join(does)}" if does else "camera still"
