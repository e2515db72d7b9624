"""Gates behind the decode pass: what is found when pictures, sound and text really come out.

A gate here is a function of what was decoded; it finds nothing, or a code of `GATES` with what was
measured and the limit. New gates on pixels (brightness, sharpness, freezing) go into `PIXEL_GATES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlops_assets.gates.limits import Limits
from mlops_assets.gates.table import GATES
from mlops_assets.media.events import PictureQuality


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
    """

    flags: tuple[str, ...] = ()
    share_lost: float = 0.0
    unit: str = "of it"
    qualities: tuple[PictureQuality, ...] = ()
    black_s: float = 0.0
    frozen_s: float = 0.0
    duration_s: float = 0.0
    picture: bytes = b""


@dataclass(frozen=True)
class Finding:
    """A gate that a file did not pass.

    Attributes:
        code: of `GATES`; its severity says what it means.
        message: what a person reads.
    """

    code: str
    message: str

    @property
    def is_fatal(self) -> bool:
        """Whether it keeps the file out."""
        return GATES[self.code].severity == "quarantine"


PixelGate = Callable[[Decoded, Limits], Finding | None]


def find(code: str, detail: str = "") -> Finding:
    """A finding in the words of the table."""
    return Finding(code, GATES[code].message(detail))


def judge_decoded(decoded: Decoded, limits: Limits) -> list[Finding]:
    """Every gate that what was decoded does not pass, in the order of `PIXEL_GATES`."""
    return list(_findings(decoded, limits))


def _findings(decoded: Decoded, limits: Limits) -> Iterator[Finding]:
    for gate in PIXEL_GATES:
        finding = gate(decoded, limits)
        if finding is not None:
            yield finding
    for code in decoded.flags:
        yield find(code)


def _loss(decoded: Decoded, limits: Limits) -> Finding | None:
    lost = decoded.share_lost
    told = f"{lost:.1%} {decoded.unit} lost"
    if lost > limits.max_share_lost:
        return find("little_is_left", f"{told}; limit {limits.max_share_lost:.0%}")
    return find("salvaged", told) if lost else None


PIXEL_GATES: tuple[PixelGate, ...] = (_loss,)
"""Each looks at what was decoded and finds something, or nothing."""
