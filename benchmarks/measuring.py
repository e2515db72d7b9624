"""How a thing is timed: warmed up, several times, turns about, median and spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How large and how often.

    Args:
        scratch: an empty folder that is removed afterwards.
        cache: a folder in which rendered clips are kept between runs.
        quick: small sizes and one run, to see that everything works; no figure means anything.
        seed: of everything random.
        repeats: runs whose median counts.
        clips: a folder of real clips to use instead of rendered ones.
    """

    scratch: Path
    cache: Path
    quick: bool = False
    seed: int = 20_261_121
    repeats: int = 5
    clips: Path | None = None

    @property
    def times(self) -> int:
        """Runs whose median counts; one when quick."""
        return 1 if self.quick else self.repeats

    def folder(self, name: str) -> Path:
        """A new folder in the scratch folder."""
        made = self.scratch / name
        made.mkdir(parents=True)
        return made


@dataclass(frozen=True)
class Spread:
    """Several runs of one thing; seconds, or what else was measured."""

    runs: tuple[float, ...]

    @classmethod
    def of(cls, runs: Sequence[float]) -> Spread:
        """From at least one run."""
        return cls(tuple(round(run, 6) for run in runs))

    @property
    def median(self) -> float:
        """The middle run."""
        return statistics.median(self.runs)

    def over(self, floor: Spread) -> Spread:
        """Run by run as a multiple of what ran beside it."""
        return Spread.of([mine / other for mine, other in zip(self.runs, floor.runs, strict=True)])


def seconds_of(call: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def take_turns(
    sides: Mapping[str, Callable[[], object]], *, times: int, warm_up: int = 1
) -> dict[str, Spread]:
    """Time several things turn about, so that a busy moment of the machine hits all of them.

    Args:
        sides: name to what is timed.
        times: timed rounds.
        warm_up: rounds before, which do not count.
    """
    runs: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(warm_up + times):
        for name, call in sides.items():
            taken = seconds_of(call)
            if turn >= warm_up:
                runs[name].append(taken)
    return {name: Spread.of(taken) for name, taken in runs.items()}
