"""What the sensor asks at every tick, when there are many partitions."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from benchmarks.measuring import Options, Spread, seconds_of
from benchmarks.processes import in_fresh_process
from benchmarks.results import Figure, Result
from mlops_assets.lake import Lake
from mlops_assets.landing import ARRIVALS
from mlops_assets.landing.arrivals import stamped

PARTITIONS = 20_000
_START = datetime(2026, 1, 1, tzinfo=UTC)

METHOD = """A ledger with one arrival in each of so many partitions (200 sources, a partition a
day), each stated as having reached its desired state. `behind_partitions` is asked in a fresh
process: first, again with nothing new, and after one file more landed."""


def run(options: Options) -> Result:
    """Measure it."""
    partitions = 200 if options.quick else PARTITIONS
    home = options.folder("ticks")
    _fill(Lake.at(str(home / "lake")), partitions)
    told = [in_fresh_process(tick, home=str(home), turn=turn) for turn in range(options.times)]
    spreads = {
        name: Spread.of([one[name] for one in told]) for name in ("first", "idle", "changed")
    }
    figures = [
        Figure.of(f"{partitions:,} partitions, {name} tick", spread, "s", 2.0)
        for name, spread in spreads.items()
    ]
    return Result("ticks", METHOD, tuple(figures), {"partitions": partitions})


def _fill(lake: Lake, partitions: int) -> None:
    """Arrivals of every partition, and the statement that each has reached what it implies."""
    from mlops_assets.operations.behind import STATES, desired_states

    rows = pl.DataFrame([_arrival(number) for number in range(partitions)])
    ARRIVALS.append(lake, _ready(rows))
    desired = desired_states(lake)
    states = desired.select(
        "source",
        "day",
        state=pl.lit("reached"),
        digest="desired",
        run_id=pl.lit("benchmark"),
        recorded_at=pl.lit(datetime.now(UTC)),
    )
    STATES.append(lake, states.cast(STATES.schema).select(list(STATES.schema)))


def _arrival(number: int) -> dict[str, Any]:
    at = _START + timedelta(days=number // 200, seconds=number)
    return {
        "source": f"camera-{number % 200:03}",
        "path": f"{at:%Y-%m-%d}/clip.mp4",
        "day": f"{at:%Y-%m-%d}",
        "size_bytes": 1_000_000 + number,
        "modified_at": at,
        "sha256": f"{number:064x}",
        **dict.fromkeys(name for name in ARRIVALS.schema if name.startswith(("sidecar", "mark"))),
        "name": f"{at:%Y-%m-%d}/clip.mp4",
        "landed_at": at,
        "recorded_at": at,
    }


def _ready(rows: pl.DataFrame) -> pl.DataFrame:
    schema = {name: dtype for name, dtype in ARRIVALS.schema.items() if name != "_fp"}
    return stamped(rows.cast(pl.Schema(schema)))


def tick(home: str, turn: int) -> dict[str, float]:
    """Ask three times: first, idle, and after a change; then forget the change."""
    os.environ["MLOPS_HOME"] = home
    from mlops_assets.lake import current_lake
    from mlops_assets.operations.behind import behind_partitions, media_producers

    media_producers()  # imports
    lake = current_lake()
    first = seconds_of(lambda: behind_partitions(lake))
    idle = seconds_of(lambda: behind_partitions(lake))
    row = {**_arrival(7), "path": f"more-{turn}.mp4", "recorded_at": datetime.now(UTC)}
    ARRIVALS.append(lake, _ready(pl.DataFrame([{**row, "sha256": f"more-{turn}"}])))
    began = time.perf_counter()
    behind = behind_partitions(lake).filter("is_behind").height
    changed = time.perf_counter() - began
    if behind != 1:
        raise RuntimeError(f"{behind} partitions are behind; expected 1")
    return {"first": round(first, 4), "idle": round(idle, 4), "changed": round(changed, 4)}
