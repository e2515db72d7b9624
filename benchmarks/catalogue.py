"""Every benchmark by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    content_filters,
    flow_accuracy,
    flow_backends,
    flow_storage,
    increment,
    ingest,
    ingest_check,
    isolation,
    landing,
    landing_scale,
    memory,
    near_duplicates,
    nothing_new,
    plan,
    privacy,
    quality,
    shots,
    ticks,
)
from benchmarks.measuring import Options
from benchmarks.results import Result, save

BENCHMARKS: dict[str, Callable[[Options], Result]] = {
    "ingest": ingest.run,
    "nothing_new": nothing_new.run,
    "plan": plan.run,
    "increment": increment.run,
    "memory": memory.run,
    "ticks": ticks.run,
    "isolation": isolation.run,
    "landing": landing.run,
    "landing_scale": landing_scale.run,
    "ingest_check": ingest_check.run,
    "flow_accuracy": flow_accuracy.run,
    "flow_backends": flow_backends.run,
    "flow_storage": flow_storage.run,
    "shots": shots.run,
    "privacy": privacy.run,
    "near_duplicates": near_duplicates.run,
    "quality": quality.run,
    "content_filters": content_filters.run,
}


def measure(name: str, options: Options, folder: Path | None) -> Result:
    """Run one benchmark and keep its result.

    Args:
        name: of `BENCHMARKS`.
        options: how.
        folder: where the result is written; nowhere for None.
    """
    load = os.getloadavg()[0]
    result = BENCHMARKS[name](options)
    if folder is not None:
        save(result, options, folder, load)
    return result
