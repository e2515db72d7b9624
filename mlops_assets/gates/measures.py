"""The measures of media that gates judge: what each is called, how it is compared, how it is said.

A new gate on a measure is a line here, a line in `GATES` and a field of `Limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """One quantity that is judged.

    Attributes:
        name: of the column.
        words: for people.
        form: how a value is written.
        low: code of the gate below its limit; empty if there is none.
        high: code of the gate above its limit; empty if there is none.
        is_judged_both_ways: whether less than usual is worth telling; of a defect it is not.
        grain: of the measure's unit: values are compared by their ratio, and differences far below
            the grain do not matter.
        least_spread: of the logarithm: smaller changes are never unusual, however even a history.
        hardest: a history moves a limit no further than here.
    """

    name: str
    words: str
    form: str
    low: str = ""
    high: str = ""
    is_judged_both_ways: bool = False
    grain: float = 0.01
    least_spread: float = 0.1
    hardest: tuple[float, float] = (-inf, inf)

    def squeezed(self, values: Values) -> Values:
        """Values >= 0 on the scale on which they are compared."""
        return np.log1p(values / self.grain)

    def stretched(self, values: Values) -> Values:
        """The inverse of `squeezed`."""
        return np.expm1(values) * self.grain

    def said(self, value: float) -> str:
        """A value for people, such as `0.03` or `480 px`."""
        return self.form.format(value)


def _level(name: str, words: str, form: str, **options: Any) -> Measure:
    """A measure of which more and less than usual are both worth telling."""
    return Measure(name, words, form, is_judged_both_ways=True, **options)


def _defect(name: str, words: str, form: str, code: str, **options: Any) -> Measure:
    """A measure of which less is better."""
    return Measure(name, words, form, high=code, **options)


_SHARE = {"form": "{:.0%}", "grain": 0.1, "least_spread": 0.5}

MEASURES = (
    _level(
        *("brightness", "mean brightness", "{:.2g}"),
        low="too_dark",
        high="too_bright",
        hardest=(0.01, 0.99),
    ),
    _level("contrast", "contrast", "{:.2g}", low="low_contrast", hardest=(0.005, inf)),
    _level("sharpness", "sharpness", "{:.3g}", low="blurred", grain=5.0, hardest=(1.0, inf)),
    _defect("clipped_dark", "black share", code="clipped_dark", **_SHARE),
    _defect("clipped_bright", "white share", code="clipped_bright", **_SHARE),
    _defect("noise", "grain", "{:.1f} levels", "noisy", grain=2.0),
    _defect("blockiness", "blockiness", "{:.2f}", "blocky", grain=0.3),
    _defect("black_share", "black time", code="mostly_black", **_SHARE),
    _defect("frozen_share", "frozen time", code="mostly_frozen", **_SHARE),
    _level("aspect", "longer side over shorter", "{:.3g}", high="odd_aspect", least_spread=0.01),
    _level(
        *("short_side_px", "shorter side", "{:.0f} px"),
        low="below_resolution",
        high="above_resolution",
        grain=1.0,
    ),
    _level("rate_hz", "rate", "{:.3g} a second", low="below_rate", high="above_rate", grain=1.0),
    _defect("damaged_share", "damaged characters", "{:.1%}", "damaged_encoding"),
    _defect("garbage_share", "garbage", "{:.0%}", "garbled_text", grain=0.05),
)
"""In the order in which they are told."""
