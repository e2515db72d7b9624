"""Watch the platform at work from outside: runs over GraphQL, everything else from the lake."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mlops_assets.cli.serving import Served
from mlops_assets.errors import ConfigurationError, TransientError
from mlops_assets.lake import Lake
from mlops_assets.operations.behind import behind_partitions

_QUERY = """
query { runsOrError(limit: 1000) { ... on Runs { results {
  runId status jobName tags { key value }
  stats { ... on RunStatsSnapshot { stepsSucceeded } }
} } } }
"""
_ORIGINS = (
    "dagster/sensor_name",
    "dagster/schedule_name",
    "dagster/from_automation_condition",
    "dagster/auto_materialize",
)

HEARTBEAT_S = 30.0
"""Where there is no terminal for a bar, how often to say how far it is."""


@dataclass(frozen=True)
class Run:
    """One Dagster run."""

    run_id: str
    status: str
    job: str
    tags: dict[str, str]
    steps: int

    @property
    def origin(self) -> str:
        """The sensor, schedule or condition that asked for it; empty when a person did."""
        return next((self.tags[name] for name in _ORIGINS if name in self.tags), "")


class Watcher:
    """Waits for conditions while a bar shows how far the whole is, and how long it may still take.

    Args:
        served: the platform's web server.
        lake: where its tables are.
        expected_steps: asset steps of the whole, as far as can be foreseen.
        limit_s: longest time for any one condition.
    """

    def __init__(self, served: Served, lake: Lake, expected_steps: int, limit_s: float) -> None:
        self.served, self.lake, self.limit_s = served, lake, limit_s
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left about"),
            TimeRemainingColumn(elapsed_when_finished=True),
            transient=True,
        )
        self.task = self.progress.add_task("starting", total=expected_steps)
        self.said_at = time.monotonic()

    def __enter__(self) -> Watcher:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def say(self, text: str = "") -> None:
        """A line of the story, above the bar."""
        self.progress.console.print(text, highlight=False, soft_wrap=True)

    def until(self, what: str, is_true: Callable[[], bool]) -> None:
        """Wait for something.

        Raises:
            TransientError: it did not become true in time.
            ConfigurationError: the platform stopped.
        """
        started = time.monotonic()
        while not is_true():
            if self.served.process.poll() is not None:
                raise ConfigurationError("the Dagster processes stopped; see dagster.log")
            if time.monotonic() - started > self.limit_s:
                raise TransientError(f"waited {self.limit_s:.0f} s for: {what}")
            self._show(what)
            time.sleep(1.0)
        self._show(what)

    def runs(self) -> list[Run]:
        """Every run, newest first."""
        body = json.dumps({"query": _QUERY}).encode()
        request = urllib.request.Request(
            f"{self.served.dagster_url}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            results = json.load(answer)["data"]["runsOrError"]["results"]
        return [_run(told) for told in results]

    def is_quiet(self, files: int) -> bool:
        """Whether this many files have landed, no partition is behind and no run is at work."""
        states = behind_partitions(self.lake)
        landed = int(states["files"].sum() or 0)
        if landed < files or states["is_behind"].any():
            return False
        return all(run.status in ("SUCCESS", "FAILURE", "CANCELED") for run in self.runs())

    def rows(self, table: str) -> pl.DataFrame:
        """The narrow columns of a table; empty when it does not exist yet."""
        return _narrow(self.lake.scan(table))

    def history(self, table: str) -> pl.DataFrame:
        """The narrow columns of every version of a table, the oldest first."""
        snapshot = self.lake.snapshot(table)
        versions = range(0 if snapshot is None else snapshot.version + 1)
        every = [_narrow(self.lake.scan(table, version=version)) for version in versions]
        return pl.concat([pl.DataFrame(), *every], how="diagonal")

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        snapshot = self.lake.snapshot(table)
        return 0 if snapshot is None else int(snapshot.files["num_records"].sum() or 0)

    def _show(self, what: str) -> None:
        steps = sum(run.steps for run in self.runs())
        self.progress.update(self.task, completed=steps, description=what[:60])
        now = time.monotonic()
        if not self.progress.console.is_terminal and now - self.said_at >= HEARTBEAT_S:
            self.said_at = now
            task = self.progress.tasks[0]
            left = f", about {task.time_remaining:.0f} s left" if task.time_remaining else ""
            self.say(f"  [{task.percentage:.0f} %] {what}, {task.elapsed or 0:.0f} s{left}")


def _run(told: dict[str, Any]) -> Run:
    tags = {tag["key"]: tag["value"] for tag in told["tags"]}
    steps = (told.get("stats") or {}).get("stepsSucceeded") or 0
    return Run(told["runId"], told["status"], told["jobName"], tags, steps)


def _narrow(found: pl.LazyFrame | None) -> pl.DataFrame:
    if found is None:
        return pl.DataFrame()
    blobs = [n for n, t in found.collect_schema().items() if t in (pl.Binary, pl.List)]
    return found.drop(blobs).collect()
