"""Sensors: what landed becomes partitions, what is behind is brought up, drift trains."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from mlops_assets.defs.assets import STATE
from mlops_assets.defs.jobs import bring_partition_job, training_job
from mlops_assets.defs.partitions import media_partitions
from mlops_assets.defs.resources import LakeResource
from mlops_assets.errors import ConfigurationError, TransientError
from mlops_assets.lake import MEDIA, Lake
from mlops_assets.landing import ARRIVALS, Landed, desired_digests
from mlops_assets.operations.behind import behind_partitions
from mlops_assets.operations.landing import land_sources
from mlops_assets.operations.training import decide_loop
from mlops_assets.settings import settings

RUNS_A_TICK = 10
TRIES = 2
DESIRED = "mlops/desired"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_FAILED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUNNING = dg.DefaultSensorStatus.RUNNING


@dg.sensor(
    minimum_interval_seconds=5,
    default_status=_RUNNING,
    description="Takes in what the sources offer, settled files only, and adds their partitions.",
)
def landing_sensor(
    context: dg.SensorEvaluationContext, lake: LakeResource
) -> dg.SensorResult | dg.SkipReason:
    """Take in what landed; a burst is taken in bounded ticks. The truth is in the ledgers."""
    opened = lake.open()
    try:
        landed = land_sources(opened)
    except (ConfigurationError, TransientError) as err:
        return dg.SkipReason(str(err))
    version = str(ARRIVALS.version(opened))
    if not landed.files and context.cursor == version:
        return dg.SkipReason(_idle(landed))
    missing = _missing_partitions(context.instance, opened)
    if not landed.files and not missing:
        return dg.SensorResult(skip_reason=_idle(landed), cursor=version)
    context.log.info(
        "%s files landed, %s unsettled, %s left, %s failed",
        landed.files,
        landed.unsettled,
        landed.left,
        landed.failed,
    )
    requests = [media_partitions.build_add_request(missing)] if missing else []
    return dg.SensorResult(dynamic_partitions_requests=requests, cursor=version)


def _idle(landed: Landed) -> str:
    if landed.unsettled:
        return f"{landed.unsettled} files have not settled yet"
    if landed.left:
        return f"{landed.left} files wait for their rows; nothing is listed meanwhile"
    return f"{landed.failed} could not be taken in" if landed.failed else "nothing new has landed"


def _missing_partitions(instance: dg.DagsterInstance, lake: Lake) -> list[str]:
    there = set(instance.get_dynamic_partitions("media"))
    rows = desired_digests(lake).select("source", "day").iter_rows()
    return [key for key in (MEDIA.of(*row).key for row in rows) if key not in there]


@dg.sensor(
    job=bring_partition_job,
    minimum_interval_seconds=5,
    default_status=_RUNNING,
    description="Asks the lake which partitions are behind and brings them up.",
)
def due_partitions_sensor(
    context: dg.SensorEvaluationContext, lake: LakeResource
) -> dg.SensorResult | dg.SkipReason:
    """Request the chain for partitions that are behind: one run each, fresh before old."""
    behind = behind_partitions(lake.open()).filter(pl.col("is_behind"))
    if behind.is_empty():
        return dg.SkipReason("no partition is behind")
    requests = list(_requests(context.instance, behind))
    if not requests:
        return dg.SkipReason(f"{behind.height} partitions are behind: at work, or given up")
    missing = _missing_partitions(context.instance, lake.open())
    added = [media_partitions.build_add_request(missing)] if missing else []
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=added)


def _requests(instance: dg.DagsterInstance, behind: pl.DataFrame) -> Iterator[dg.RunRequest]:
    """At most `RUNS_A_TICK`, and none for a partition at work or given up."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED, job_name="bring_partition_job"))
    at_work = {run.tags.get("dagster/partition") for run in runs}
    room = RUNS_A_TICK - len(at_work)
    for row in behind.iter_rows(named=True):
        wanted = _wanted(row)
        key = wanted["dagster/partition"]
        if room <= 0:
            return
        if key in at_work:
            continue
        failed = _failures(instance, wanted)
        if failed < TRIES:
            room -= 1
            yield dg.RunRequest(
                run_key=f"{key}:{wanted[DESIRED]}:{failed}",
                partition_key=key,
                tags={DESIRED: wanted[DESIRED], "mlops/why": row["why"]},
            )


def _wanted(row: Mapping[str, Any]) -> dict[str, str]:
    """The tags of the runs that are to bring a partition up to what is desired now."""
    key = MEDIA.of(row["source"], row["day"]).key
    return {"dagster/partition": key, DESIRED: f"{row['desired']}:{row['turn']}"}


def _failures(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> int:
    return instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=_FAILED))


@dg.multi_asset_sensor(
    monitored_assets=[dg.AssetKey("drift_verdicts"), dg.AssetKey("labels"), dg.AssetKey(STATE)],
    job=training_job,
    minimum_interval_seconds=10,
    default_status=_RUNNING,
    description="Trains when drift or new gold labels say so, after a cool-down.",
)
def retraining_sensor(
    context: dg.MultiAssetSensorEvaluationContext, lake: LakeResource
) -> dg.RunRequest | dg.SkipReason:
    """Decide whether the model is trained again; the request is a ledger row with its reason.

    The lake is asked rather than the events: an answer such as "cooling down" changes with time
    alone.
    """
    context.latest_materialization_records_by_key()
    context.advance_all_cursors()
    model = settings().model
    decision = decide_loop(
        lake.open(),
        model,
        now=datetime.now(UTC),
        by="retraining_sensor",
        is_given_up=lambda row: _failures(context.instance, _wanted(row)) >= TRIES,
    )
    if decision.request_id is None:
        return dg.SkipReason(decision.reason)
    tags = {"dagster/partition": model, "mlops/request": decision.request_id}
    if context.instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=_UNFINISHED)):
        return dg.SkipReason(f"{decision.request_id} is being trained")
    failed = _failures(context.instance, tags)
    if failed >= TRIES:
        return dg.SkipReason(f"{decision.request_id} failed {failed} times; see its runs")
    return dg.RunRequest(
        run_key=f"{decision.request_id}:{failed}",
        partition_key=model,
        tags={"mlops/request": decision.request_id, "mlops/why": decision.reason},
    )


@dg.asset_sensor(
    asset_key=dg.AssetKey("models"),
    job=bring_partition_job,
    minimum_interval_seconds=5,
    default_status=_RUNNING,
    description="Scores again, with a new champion, the partitions within its look-back.",
)
def rescoring_sensor(
    context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry, lake: LakeResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """A promotion makes partitions behind at once; their runs need not wait for the next look."""
    behind = behind_partitions(lake.open()).filter(pl.col("why") == "changed")
    requests = list(_requests(context.instance, behind))
    yield from requests or [dg.SkipReason("the champion is as it was")]
