"""What each part of the variational method is worth: one change at a time, on two kinds of truth.

`python -m benchmarks.flow_method [folder] [--preset balanced] [--scenes 1]`. A part stays, and a
number changes, when it helps on real pairs and on rendered scenes alike; the seeds of these scenes
are not those of `flow_accuracy`, which judges. Runs for minutes, by hand, when the method changes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flow_methods import KINDS, REAL_PAIRS, NamedPair, real_pairs
from mlops_assets.flow.evaluation import TruePair, flow_errors
from mlops_assets.flow.solvers.variational.reference.solve import solve_schedule
from mlops_assets.flow.solvers.variational.schedule import PRESETS, Effort, Schedule
from mlops_assets.samples.motion import motion_scene, render_motion

_FIRST_SEED = 100
_OFF = 1e6  # a contrast no picture has

Change = Callable[[Schedule], Schedule]


def _energy(**values: Any) -> Change:
    return lambda schedule: replace(schedule, energy=replace(schedule.energy, **values))


def _matching(**values: Any) -> Change:
    return lambda schedule: replace(schedule, matching=replace(schedule.matching, **values))


def _once(effort: Effort) -> Effort:
    return replace(effort, warps=1)


CHANGES: dict[str, Change] = {
    "as it is": lambda schedule: schedule,
    "no search for large motion": _matching(weight=0.0),
    "search in cells of 8 px": _matching(smallest_cell_px=8),
    "smoothness blind to edges": _energy(edge_contrast=_OFF),
    "outliers at full weight": _energy(outlier_contrast=_OFF),
    "no gradient constancy": _energy(gradient=0.0),
    "no brightness constancy": _energy(brightness=0.0),
    "one warp a level": lambda schedule: replace(
        schedule, efforts=tuple(_once(effort) for effort in schedule.efforts)
    ),
    "no over-relaxation": lambda schedule: replace(schedule, relaxation=1.0),
    "no first blur": lambda schedule: replace(schedule, presmooth_px=0.3),
    "half the smoothness": lambda schedule: _energy(smoothness=schedule.energy.smoothness / 2)(
        schedule
    ),
    "twice the smoothness": lambda schedule: _energy(smoothness=schedule.energy.smoothness * 2)(
        schedule
    ),
}
"""By name, what is done to a preset."""


def main(asked: argparse.Namespace) -> None:
    """Print one line a change: mean end-point error in px of each group of pairs, CPU seconds."""
    groups = {"real": real_pairs(asked.folder)} | {
        kind: list(_rendered(kind, asked.scenes)) for kind in KINDS
    }
    groups = {name: pairs for name, pairs in groups.items() if pairs}
    print(f"{asked.preset:28s}", *(f"{name:>9s}" for name in groups), " CPU s a pair")
    for name, change in CHANGES.items():
        schedule = change(PRESETS[asked.preset])
        start = time.process_time()
        errors = [_mean_error(pairs, schedule) for pairs in groups.values()]
        seconds = (time.process_time() - start) / sum(len(pairs) for pairs in groups.values())
        print(f"{name:28s}", *(f"{error:9.3f}" for error in errors), f"{seconds:13.2f}", flush=True)


def _rendered(kind: Any, count: int) -> Iterator[NamedPair]:
    for seed in range(_FIRST_SEED, _FIRST_SEED + count):
        made = render_motion(motion_scene(kind, seed=seed))
        frames = np.stack([made.first, made.second])
        yield NamedPair(kind, f"{kind} {seed}", TruePair(frames, made.flow, made.occluded))


def _mean_error(pairs: Sequence[NamedPair], schedule: Schedule) -> float:
    """Mean over the pairs of the mean end-point error over known pixels, px."""
    found = []
    for one in pairs:
        flow = solve_schedule(one.pair.frames, np.array([[0, 1]]), schedule)[0]
        errors = flow_errors(flow, one.pair.truth)
        if errors is not None:
            found.append(errors.epe_px)
    return statistics.mean(found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.flow_method", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=REAL_PAIRS)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="balanced")
    parser.add_argument("--scenes", type=int, default=1, help="rendered scenes of each kind")
    return parser.parse_args()


if __name__ == "__main__":
    main(_arguments())
