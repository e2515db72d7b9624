"""A platform on one home: files land, sensors tick as in the daemon, queued runs are executed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from dagster._core.instance.types import CachingDynamicPartitionsLoader

from mlops_assets.defs import assets, sensors
from mlops_assets.defs.resources import LakeResource
from mlops_assets.lake import MEDIA, Lake, current_lake
from mlops_assets.operations import behind
from mlops_assets.rows.executors import SerialExecutor
from mlops_assets.settings import settings
from mlops_assets.tables import all_producers

TEXT_CHAIN = ("raw_media", "documents", "text_chunks", "labels")
"""The tables of a quick chain: nothing heavy is imported for them."""

SENSORS = (
    sensors.landing_sensor,
    sensors.due_partitions_sensor,
    sensors.retraining_sensor,
    sensors.rescoring_sensor,
)


class Workbench:
    """One platform: its home, its Dagster instance, its queue.

    Attributes:
        home: folder of everything.
        lake: of the home.
        selection: the assets of a chain run; None for all.
        requested: every run request that became a run.
        skipped: what each sensor said last when it requested nothing.
        results: of every run of a job.
    """

    def __init__(self, repository: dg.RepositoryDefinition, monkeypatch: pytest.MonkeyPatch):
        self.repository = repository
        self.monkeypatch = monkeypatch
        self.home = settings().home
        self.lake: Lake = current_lake()
        self.selection: list[str] | None = None
        self.requested: list[dg.RunRequest] = []
        self.skipped: dict[str, str | None] = {}
        self.results: list[dg.ExecuteInProcessResult] = []
        monkeypatch.setattr(  # as with an instance on disk
            dg.SensorEvaluationContext,
            "caching_dynamic_partitions_loader",
            property(lambda context: CachingDynamicPartitionsLoader(context.instance)),
        )
        self.new_instance()

    def new_instance(self) -> None:
        """Lose the Dagster home: runs, partitions, cursors, events."""
        folder = tempfile.mkdtemp(prefix="dagster-", dir=self.home)
        self.instance = dg.DagsterInstance.ephemeral(tempdir=folder)
        self.queue: list[tuple[str, str, str]] = []
        self.cursors: dict[str, str | None] = {}

    @property
    def landing(self) -> Path:
        """The landing zone."""
        return self.home / "landing"

    @property
    def key(self) -> str:
        """The one partition there is."""
        (key,) = self.partitions
        return key

    @property
    def partitions(self) -> list[str]:
        """Keys of the partitions of Dagster, sorted."""
        return sorted(self.instance.get_dynamic_partitions("media"))

    def only(self, names: Iterable[str] = TEXT_CHAIN) -> None:
        """Let a chain be these functions' tables alone."""
        names = list(names)
        chosen = [p for p in all_producers() if p.name in names]
        self.monkeypatch.setattr(behind, "media_producers", lambda: chosen)
        self.selection = [t.name for p in chosen for t in p.tables] + [assets.STATE]

    def drop(self, path: str, content: str | bytes) -> Path:
        """Deliver a file by rename; one that replaces another has another time."""
        target = self.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        if target.exists():
            earlier = target.stat().st_mtime - 2
            os.utime(part, (earlier, earlier))
        part.rename(target)
        return target

    def tick(self, *names: str) -> int:
        """Evaluate every sensor once, or those named; returns how many runs were queued."""
        return sum(self._evaluate(one) for one in SENSORS if not names or one.name in names)

    def _evaluate(self, sensor: dg.SensorDefinition) -> int:
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(sensor.name),
            repository_def=self.repository,
            sensor_name=sensor.name,
            resources={"lake": LakeResource()},
        )
        with context:
            told = sensor.evaluate_tick(context)
        self.cursors[sensor.name] = told.cursor
        self.skipped[sensor.name] = told.skip_message
        for request in told.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions("media", list(request.partition_keys))
        return sum(self._queue(sensor, request) for request in told.run_requests or ())

    def _queue(self, sensor: dg.SensorDefinition, request: dg.RunRequest) -> int:
        """As the daemon does: a run key is used once."""
        mine = {"dagster/sensor_name": sensor.name, "dagster/run_key": str(request.run_key)}
        if self.instance.get_runs_count(dg.RunsFilter(tags=mine)):
            return 0
        job = str(request.job_name or sensor.job_name)
        run = self.instance.create_run_for_job(
            job_def=self.repository.get_job(job),
            tags={**request.tags, **mine},
            status=dg.DagsterRunStatus.NOT_STARTED,
        )
        self.queue.append((run.run_id, job, str(request.partition_key)))
        self.requested.append(request)
        return 1

    def run_next(self) -> dg.ExecuteInProcessResult:
        """Take the oldest queued run and execute it."""
        run_id, job, key = self.queue.pop(0)
        queued = self.instance.get_run_by_id(run_id)
        assert queued is not None
        self.instance.delete_run(run_id)
        return self.execute(job, key, tags=queued.tags)

    def execute(
        self, job: str, key: str, *, tags: Mapping[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """A run of a job, here and now; a failed one is returned as well."""
        chosen = self.selection if job == "bring_partition_job" else None
        result = self.repository.get_job(job).execute_in_process(
            instance=self.instance,
            partition_key=key,
            asset_selection=[dg.AssetKey(name) for name in chosen] if chosen else None,
            tags=dict(tags or {}),
            raise_on_error=False,
        )
        self.results.append(result)
        return result

    def run_all(self, limit: int = 30) -> int:
        """Tick and run until nothing is queued; returns how many runs it took."""
        for done in range(limit):
            self.tick()
            if not self.queue:
                return done
            result = self.run_next()
            assert result.success, failures(result)
        raise AssertionError(f"still busy after {limit} runs: {self.requested[-3:]}")

    def materialize(
        self, *names: str, key: str, config: dict[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Some assets by hand, as a person does in the UI; `config` is that of the first."""
        graph = self.repository.get_implicit_global_asset_job_def()
        return graph.execute_in_process(
            instance=self.instance,
            partition_key=key,
            asset_selection=[dg.AssetKey(name) for name in names],
            run_config={"ops": {names[0]: {"config": config}}} if config else None,
            raise_on_error=False,
        )

    def rows(self, table: str, key: str | None = None) -> pl.DataFrame:
        """Rows of a table, or of a partition of it."""
        found = self.lake.scan(table, None if key is None else MEDIA.parse(key))
        return pl.DataFrame() if found is None else found.collect()

    def behind(self) -> dict[str, str]:
        """Keys of the partitions that are behind, and why."""
        rows = behind.behind_partitions(self.lake).filter("is_behind")
        columns = rows.select("source", "day", "why").iter_rows()
        return {MEDIA.of(source, day).key: why for source, day, why in columns}


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """What a failed run and its steps said, the causes last."""
    said = []
    for event in result.filter_events(lambda one: one.is_failure):
        error = getattr(event.event_specific_data, "error", None)
        while error:
            said.append(f"{event.step_key or 'run'}: {error.message}")
            error = error.cause
    return said


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Asset to the metadata of its materialization, as plain values."""
    told = {}
    for event in result.get_asset_materialization_events():
        made = event.step_materialization_data.materialization
        told[made.asset_key.to_user_string()] = {n: v.value for n, v in made.metadata.items()}
    return told


def serial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every table compute in this process: equal rows, no start-up."""
    module = sys.modules["mlops_assets.rows.bring"]
    monkeypatch.setattr(module, "executor_for", lambda kind: SerialExecutor())


def when_bringing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen before and after each table of a run, and each statement at its end."""
    for name in ("bring", "settle"):
        plain = getattr(assets, name)

        def between(*args: Any, _plain: Callable[..., Any] = plain, **more: Any) -> Any:
            act()
            outcome = _plain(*args, **more)
            act()
            return outcome

        monkeypatch.setattr(assets, name, between)
