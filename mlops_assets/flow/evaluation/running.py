"""A whole data set, a pair at a time: what fails is told and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError
from mlops_assets.flow.dense import BackendName, dense_flow
from mlops_assets.flow.evaluation.data_sets.layouts import PairFiles
from mlops_assets.flow.evaluation.data_sets.pairs import TruePair, read_pair
from mlops_assets.flow.evaluation.robustness import Disturbance, Solve, disturbed_errors, drop_frame
from mlops_assets.flow.evaluation.scoring import BothWays, PairScore, score_pair, solve_both_ways
from mlops_assets.flow.fields import FlowBatch, Preset

_WARM_UP_PX = 64


@dataclass(frozen=True)
class PairResult:
    """One pair: its score, or why it has none.

    Attributes:
        files: of the pair.
        score: None when it failed.
        error: message of the failure.
        reason: its code.
    """

    files: PairFiles
    score: PairScore | None
    error: str | None = None
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Candidate:
    """A backend and a preset, warmed up.

    Attributes:
        origin: what a flow of it is made by; its field is of no interest.
        solve: two pictures in, their flow out, on the host.
    """

    origin: FlowBatch
    solve: Solve


def candidate_of(*, backend: str, preset: str) -> Candidate:
    """A candidate that has run once, so that the first pair takes no longer than the next.

    Args:
        backend: or `auto`.
        preset: effort.

    Raises:
        ConfigurationError: no such backend or preset, or one that cannot run here.
    """

    def solve(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        return _batch(frames, backend, preset).flow[0]

    ramp = np.arange(_WARM_UP_PX**2, dtype=np.uint32).reshape(_WARM_UP_PX, _WARM_UP_PX) ** 2
    pictures = np.stack([ramp >> 8, np.roll(ramp, 1, axis=1) >> 8]).astype(np.uint8)
    return Candidate(_batch(pictures, backend, preset), solve)


def _batch(frames: NDArray[np.uint8], backend: str, preset: str) -> FlowBatch:
    """As `dense_flow`, which refuses names that it does not know."""
    return dense_flow(frames, preset=cast(Preset, preset), backend=cast(BackendName, backend))


def evaluate_pairs(
    pairs: Sequence[PairFiles],
    candidate: Candidate,
    *,
    clock: Callable[[], float],
    seed: int | None = None,
    look: Callable[[PairFiles, TruePair, BothWays], None] | None = None,
) -> Iterator[PairResult]:
    """Score pairs one after the other; only one pair's arrays are held at a time.

    Args:
        pairs: files of each.
        candidate: a method.
        clock: seconds, such as `time.perf_counter`.
        seed: of the noise when robustness is asked for, for each pair anew; None leaves it out.
        look: is shown each pair with its flow, to draw it.

    Yields:
        One result a pair, in order; a pair that cannot be read or solved has its error.

    Raises:
        ConfigurationError: what concerns all pairs, such as a backend that is gone.
    """
    for files in pairs:
        try:
            yield PairResult(files, _scored(files, candidate, clock, seed, look))
        except InputError as err:
            yield PairResult(files, None, error=str(err), reason=err.reason)


def _scored(
    files: PairFiles,
    candidate: Candidate,
    clock: Callable[[], float],
    seed: int | None,
    look: Callable[[PairFiles, TruePair, BothWays], None] | None,
) -> PairScore:
    pair = read_pair(files)
    solved = solve_both_ways(pair.frames, candidate.solve, clock=clock)
    score = score_pair(pair, solved, robustness_epe_px=_robustness(files, pair, candidate, seed))
    if look is not None:
        look(files, pair, solved)
    return score


def _robustness(
    files: PairFiles, pair: TruePair, candidate: Candidate, seed: int | None
) -> dict[Disturbance, float | None]:
    """Errors under disturbances; none when there is no seed."""
    if seed is None:
        return {}
    rng = np.random.default_rng([seed, *files.name.encode()])
    return disturbed_errors(pair, candidate.solve, rng=rng, dropped=_dropped(files, pair))


def _dropped(files: PairFiles, pair: TruePair) -> TruePair | None:
    """The pair two steps apart; None where the sequence ends, or its next step cannot be used."""
    if files.following is None:
        return None
    try:
        return drop_frame(pair, read_pair(files.following))
    except InputError:
        return None
