"""Jobs: bring a partition up, train, look after the lake."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from mlops_assets.datasets import MODEL
from mlops_assets.defs.assets import OWNERS, STATE
from mlops_assets.defs.resources import LakeResource, end_mlflow_on_run_finished
from mlops_assets.operations.behind import media_producers
from mlops_assets.operations.maintenance import maintain
from mlops_assets.settings import settings
from mlops_assets.tables import all_producers

FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]

bring_partition_job = dg.define_asset_job(
    "bring_partition_job",
    selection=dg.AssetSelection.assets(
        *(table.name for producer in media_producers() for table in producer.tables), STATE
    ),
    description="Bring every table of one partition to the state its inputs imply.",
)

training_job = dg.define_asset_job(
    "training_job",
    selection=dg.AssetSelection.assets(
        *(
            t.name
            for producer in all_producers()
            if producer.scheme == MODEL
            for t in producer.tables
        )
    ),
    hooks={end_mlflow_on_run_finished},
    description="Answer the open training requests of one model: snapshot, training, gate.",
)


@dg.asset(group_name="ingest", owners=OWNERS, kinds={"deltalake"}, pool="maintenance")
def lake_maintenance(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Joins small files, removes what nothing needs any more, and forgets old runs.

    Grain: none, it keeps no rows. Key: none. Partition: none. Rows of tables stay as they are; what
    a snapshot pins stays readable. Runs older than `MLOPS_KEEP_RUNS_DAYS` go with their events.
    """
    done = maintain(lake.open())
    return dg.MaterializeResult(
        metadata={
            "partitions_compacted": done.partitions_compacted,
            "ledgers_compacted": done.ledgers_compacted,
            "files_removed": done.files_removed,
            "markers_removed": done.markers_removed,
            "runs_forgotten": _forget_runs(context.instance, settings().keep_runs_days),
        }
    )


def _forget_runs(instance: dg.DagsterInstance, days: int) -> int:
    """Delete at most a thousand finished runs older than so many days; 0 keeps all."""
    if not days:
        return 0
    before = datetime.now(UTC) - timedelta(days=days)
    old = dg.RunsFilter(statuses=FINISHED, created_before=before)
    records = instance.get_run_records(old, limit=1000)
    for record in records:
        instance.delete_run(record.dagster_run.run_id)
    return len(records)


maintenance_job = dg.define_asset_job(
    "maintenance_job",
    selection=dg.AssetSelection.assets("lake_maintenance"),
    description="Compact and vacuum the lake.",
)
