"""One pair, solved there and back, and everything that is said about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError
from mlops_assets.flow.evaluation.calibration import Calibration, calibrate, round_trip_map
from mlops_assets.flow.evaluation.data_sets.pairs import TruePair
from mlops_assets.flow.evaluation.measures import (
    FlowErrors,
    Region,
    error_map,
    errors_by_region,
    flow_errors,
)
from mlops_assets.flow.evaluation.robustness import Disturbance, Solve


@dataclass(frozen=True, eq=False)
class BothWays:
    """A pair's flow both ways.

    Attributes:
        forward: float32 (2, H, W).
        backward: likewise, from the second picture to the first.
        seconds: that the forward flow alone took.
    """

    forward: NDArray[np.float32]
    backward: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True)
class PairScore:
    """What is said about one pair; small, whatever the size of its pictures.

    Attributes:
        errors: over all pixels whose truth is known.
        regions: over each kind of pixel; None for a kind the pair has none of.
        known_share: pixels whose truth is known, 0 to 1.
        fb_fail_share: pixels at which the forward-backward check fails, 0 to 1.
        calibration: how well that check ranks the true error.
        width_px: of the pictures.
        height_px: likewise.
        seconds: that the forward flow took.
        robustness_epe_px: end-point error under each disturbance; empty when none was tried.
    """

    errors: FlowErrors
    regions: Mapping[Region, FlowErrors | None]
    known_share: float
    fb_fail_share: float
    calibration: Calibration
    width_px: int
    height_px: int
    seconds: float
    robustness_epe_px: Mapping[Disturbance, float | None] = field(default_factory=dict)


def solve_both_ways(
    frames: NDArray[np.uint8], solve: Solve, *, clock: Callable[[], float]
) -> BothWays:
    """Flow there and back.

    Args:
        frames: uint8 (2, H, W) or (2, H, W, 3).
        solve: the method.
        clock: seconds, such as `time.perf_counter`.
    """
    began = clock()
    forward = solve(frames)
    seconds = clock() - began
    return BothWays(forward, solve(frames[::-1]), seconds)


def score_pair(
    pair: TruePair,
    solved: BothWays,
    *,
    robustness_epe_px: Mapping[Disturbance, float | None] | None = None,
) -> PairScore:
    """Every figure of one pair.

    Args:
        pair: pictures and truth.
        solved: its flow.
        robustness_epe_px: what `disturbed_errors` found; kept beside the figures.

    Raises:
        InputError: `no_known_truth`; `flow_not_finite`.
        ShapeError: flow and truth differ in shape.
    """
    errors = flow_errors(solved.forward, pair.truth)
    if errors is None:
        raise InputError("no true vector is known; expected one at least", reason="no_known_truth")
    trip = round_trip_map(solved.forward, solved.backward)
    height, width = pair.truth.shape[1:]
    return PairScore(
        errors=errors,
        regions=errors_by_region(solved.forward, pair),
        known_share=errors.pixels / (height * width),
        fb_fail_share=float(trip.fails.mean()),
        calibration=calibrate(trip, error_map(solved.forward, pair.truth)),
        width_px=width,
        height_px=height,
        seconds=solved.seconds,
        robustness_epe_px=robustness_epe_px or {},
    )
