"""Nothing new: the plan of the whole chain, a Dagster run of it, and a sensor that asks first."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.chains import bring_everything, ingest, land, new_lake
from benchmarks.clips import clips
from benchmarks.measuring import Options, Spread, seconds_of
from benchmarks.processes import in_fresh_process
from benchmarks.results import Figure, Result

HEAVY = ("torch", "cv2", "av", "transformers", "sentence_transformers", "whylogs", "mlflow")

QUIET = {"console": {"config": {"log_level": "ERROR"}}}

METHOD = """A lake into which eight clips landed and whose every media table is up to date is
planned again in a fresh process: every function of the chain, parents before children, without
Dagster. `cold` is the first plan of a process after its imports, `warm` the median of later
ones; each in so many fresh processes. Heavy modules are looked for in `sys.modules` afterwards.
Then the whole chain runs as `bring_partition_job` in one process on a SQLite instance without
console log (the first of these runs warms up), and the sensor that requests runs is ticked: it
asks the lake and requests none."""


def run(options: Options) -> Result:
    """Measure it."""
    home = options.folder("nothing-new")
    parameters = {"decodings": {"rate_hz": 2.0}, "optical_flows": {"preset": "fast"}}
    lake = new_lake(home, parameters)
    land(home, clips(options, 2 if options.quick else 8))
    partition = ingest(lake, home)
    bring_everything(lake, partition)
    told = {"home": str(home), "key": partition.key}
    plans = [in_fresh_process(plan_chain, **told) for _ in range(options.times)]
    figures = [
        Figure.of("plan of the chain, cold", Spread.of([p["cold_s"] for p in plans]), "s", 0.05),
        Figure.of("plan of the chain, warm", Spread.of([p["warm_s"] for p in plans]), "s", 0.05),
        Figure("heavy modules imported", max(len(p["heavy"]) for p in plans), "modules", 0),
    ]
    ran = in_fresh_process(run_chain, **told, times=options.times)
    figures += [
        Figure.of("run of the chain under Dagster", Spread.of(ran["runs_s"]), "s", 2.0),
        Figure("runs requested when the sensor asks first", ran["requested"], "runs", 0),
        Figure("that tick of the sensor", ran["tick_s"], "s"),
    ]
    return Result("nothing_new", METHOD, tuple(figures), {"plans": plans, "run": ran})


def plan_chain(home: str, key: str) -> dict[str, Any]:
    """Plan every media table of a partition, in this process for the first time, then again."""
    os.environ["MLOPS_HOME"] = home
    from mlops_assets.lake import MEDIA, current_lake, still_lake
    from mlops_assets.operations.behind import media_producers
    from mlops_assets.rows import make_plan

    producers, lake, partition = media_producers(), current_lake(), MEDIA.parse(key)

    def plan() -> None:
        with still_lake():
            due = [p.name for p in producers if not make_plan(p, lake, partition).is_empty]
        if due:
            raise RuntimeError(f"something is due in {due}")

    cold = _cost(plan)
    warm = sorted((_cost(plan) for _ in range(7)), key=lambda cost: cost[0])[3]
    return {
        "cold_s": cold[0],
        "cold_cpu_s": cold[1],
        "warm_s": warm[0],
        "warm_cpu_s": warm[1],
        "functions": len(producers),
        "heavy": [name for name in HEAVY if name in sys.modules],
    }


def _cost(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    began = time.process_time()
    wall = seconds_of(call)
    return round(wall, 5), round(time.process_time() - began, 5)


def run_chain(home: str, key: str, times: int) -> dict[str, Any]:
    """Run the chain of a partition under Dagster, with nothing due, then tick the sensor."""
    os.environ["MLOPS_HOME"] = home
    import dagster as dg

    from mlops_assets.definitions import defs
    from mlops_assets.defs.resources import LakeResource
    from mlops_assets.defs.sensors import due_partitions_sensor

    repository = defs().get_repository_def()
    job = repository.get_job("bring_partition_job")
    storage = Path(home) / "dagster"
    storage.mkdir()
    with dg.DagsterInstance.local_temp(str(storage)) as instance:
        instance.add_dynamic_partitions("media", [key])

        def bring() -> None:
            done = job.execute_in_process(
                instance=instance, partition_key=key, run_config={"loggers": QUIET}
            )
            if not done.success:
                raise RuntimeError("the run failed")

        first = seconds_of(bring)
        runs = [seconds_of(bring) for _ in range(times)]
        resources = {"lake": LakeResource()}
        began = time.perf_counter()
        with dg.build_sensor_context(
            instance=instance, repository_def=repository, resources=resources
        ) as context:
            said = due_partitions_sensor(context)
        tick = time.perf_counter() - began
    return {
        "first_s": first,
        "runs_s": runs,
        "tick_s": round(tick, 4),
        "requested": len(getattr(said, "run_requests", None) or []),
    }
