"""Gates behind the decode pass: what is found when pictures, sound and text really come out.

A gate here is a function of what was decoded; it gives what it finds, each a code of `GATES` with
what was measured and the limit. A gate on one number is a line in `measures.MEASURES` instead;
any other goes into `PIXEL_GATES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlops_assets.filters import Evidence
from mlops_assets.gates.findings import Finding, find
from mlops_assets.gates.limits import Limits
from mlops_assets.gates.screening import Expectation, judge_languages, judge_measures
from mlops_assets.media.events import PictureQuality
from mlops_assets.media.quality import TypicalQuality
from mlops_assets.text import TextQuality


@dataclass(frozen=True)
class Decoded:
    """What decoding a file came to.

    Attributes:
        flags: codes of what was odd on the way, each once.
        share_lost: share of the pictures, rows, packets or pages that are lost, 0 to 1.
        unit: what `share_lost` counts, for people.
        qualities: of each sampled picture, in order of time; empty for sound and text.
        black_s: seconds of black picture.
        frozen_s: seconds without any change.
        duration_s: measured; 0 for what has none.
        picture: JPEG of the sampled picture with the most contrast; empty for sound and text.
        size_px: upright width and height; None for what has none.
        rate_hz: pictures a second; 0 where it is not known.
        text: what is wrong with a text; None for what is none.
        language: ISO 639-1 of a text; empty where it is not known.
        language_confidence: 0 to 1.
        finds: of the content filters.
    """

    flags: tuple[str, ...] = ()
    share_lost: float = 0.0
    unit: str = "of it"
    qualities: tuple[PictureQuality, ...] = ()
    black_s: float = 0.0
    frozen_s: float = 0.0
    duration_s: float = 0.0
    picture: bytes = b""
    size_px: tuple[int, int] | None = None
    rate_hz: float = 0.0
    text: TextQuality | None = None
    language: str = ""
    language_confidence: float = 0.0
    finds: tuple[Evidence, ...] = ()


PixelGate = Callable[[Decoded, Limits], Iterator[Finding]]


def judge_decoded(decoded: Decoded, limits: Limits) -> list[Finding]:
    """Every gate that what was decoded does not pass, in the order of `PIXEL_GATES`."""
    return list(_findings(decoded, limits))


def _findings(decoded: Decoded, limits: Limits) -> Iterator[Finding]:
    for gate in PIXEL_GATES:
        yield from gate(decoded, limits)
    for code in decoded.flags:
        yield find(code)
    for proof in decoded.finds:
        yield find(proof.code, proof.detail)


def _loss(decoded: Decoded, limits: Limits) -> Iterator[Finding]:
    lost = decoded.share_lost
    told = f"{lost:.1%} {decoded.unit} lost"
    if lost > limits.max_share_lost:
        yield find("little_is_left", f"{told}; limit {limits.max_share_lost:.0%}")
    elif lost:
        yield find("salvaged", told)


def _quality(decoded: Decoded, limits: Limits) -> Iterator[Finding]:
    """The static limits; what is usual for a source is judged where its history is."""
    columns = {name: np.array([value], dtype=float) for name, value in _measured(decoded).items()}
    yield from judge_measures(columns, Expectation(limits)).get(0, [])


def _measured(decoded: Decoded) -> dict[str, float | None]:
    """What is known of a file, by the names of `MEASURES`; None is unknown."""
    told: dict[str, float | None] = {}
    if decoded.qualities:
        typical = TypicalQuality()
        for one in decoded.qualities:
            typical.see(one)
        told |= typical.medians()
    if decoded.size_px:
        told |= {"short_side_px": min(decoded.size_px), "aspect": _aspect(*decoded.size_px)}
    if decoded.duration_s:
        told["black_share"] = decoded.black_s / decoded.duration_s
        told["frozen_share"] = decoded.frozen_s / decoded.duration_s
        told["rate_hz"] = decoded.rate_hz or None
    if decoded.text:
        told["damaged_share"] = decoded.text.damaged_share
        told["garbage_share"] = decoded.text.garbage_share
    return told


def _aspect(width_px: int, height_px: int) -> float:
    return max(width_px, height_px) / min(width_px, height_px)


def _language(decoded: Decoded, limits: Limits) -> Iterator[Finding]:
    sure = np.array([decoded.language_confidence])
    yield from judge_languages([decoded.language], sure, Expectation(limits)).values()


PIXEL_GATES: tuple[PixelGate, ...] = (_loss, _quality, _language)
"""Each looks at what was decoded and gives what it finds."""
