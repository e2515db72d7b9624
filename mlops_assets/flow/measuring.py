"""From pictures to described motion: solve, solve backward where asked or where it looks wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.describing.flags import Flags, flags_of, looks_wrong
from mlops_assets.flow.describing.statistics import FlowStatistics, describe_flow, with_round_trip
from mlops_assets.flow.solving import Solved, Solver, solve_pairs


@dataclass(frozen=True, eq=False)
class Measured:
    """One pair: its flow, what it is like, and how far it can be believed.

    Attributes:
        solved: the flow and the program that gave it.
        statistics: with the round trip if the pair was solved backward.
        flags: from the statistics of this pair alone.
    """

    solved: Solved
    statistics: FlowStatistics
    flags: Flags


def measure_pairs(
    frames: NDArray[np.uint8],
    between: NDArray[np.intp],
    *,
    intervals_s: Sequence[float],
    is_checked: Sequence[bool],
    solver: Solver,
) -> list[Measured]:
    """Measure pairs of frames of one size; what comes of a pair does not depend on the others.

    A pair that is not to be checked is solved backward all the same when its flow explains the
    second picture poorly (`looks_wrong`): few do, and then the check matters.

    Args:
        frames: uint8 (N, H, W) gray.
        between: (B, 2) indices into the frames: from, to. B may be 0.
        intervals_s: (B,) seconds between the two.
        is_checked: (B,) whether to solve backward in any case.
        solver: what to solve, and how.

    Returns:
        One a pair, in order.

    Raises:
        ConfigurationError, MemoryError, ShapeError: as `solve_pairs`.
        InputError: as `describe_flow`.
    """
    checked = [place for place, yes in enumerate(is_checked) if yes]
    solved = solve_pairs(frames, np.concatenate([between, between[checked, ::-1]]), solver)
    backward = dict(zip(checked, solved[len(between) :], strict=True))
    measured = []
    for place, (first, second) in enumerate(between):
        back = backward.get(place)
        found = describe_flow(
            solved[place].flow,
            frames[first],
            frames[second],
            interval_s=intervals_s[place],
            backward=None if back is None else back.flow,
        )
        measured.append(Measured(solved[place], found, flags_of(found)))
    wrong = [
        place
        for place, one in enumerate(measured)
        if place not in backward and looks_wrong(one.statistics)
    ]
    return check_pairs(frames, between, measured, wrong, solver)


def check_pairs(
    frames: NDArray[np.uint8],
    between: NDArray[np.intp],
    measured: Sequence[Measured],
    places: Iterable[int],
    solver: Solver,
) -> list[Measured]:
    """Solve some pairs backward, and judge them anew.

    Args:
        frames: as `measure_pairs`.
        between: as `measure_pairs`.
        measured: of these pairs.
        places: which of them to check.
        solver: that of `measured`.

    Returns:
        `measured`, with the round trip of the pairs checked.
    """
    chosen = list(places)
    backward = solve_pairs(frames, between[chosen, ::-1], solver)
    checked = list(measured)
    for place, back in zip(chosen, backward, strict=True):
        before = measured[place]
        found = with_round_trip(before.statistics, before.solved.flow, back.flow)
        checked[place] = replace(before, statistics=found, flags=flags_of(found))
    return checked
