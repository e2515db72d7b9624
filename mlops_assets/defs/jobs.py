"""Jobs: bring a partition up, train, look after the lake."""

import dagster as dg

from mlops_assets.datasets import MODEL
from mlops_assets.defs.assets import STATE
from mlops_assets.defs.resources import LakeResource, end_mlflow_on_run_finished
from mlops_assets.operations.behind import media_producers
from mlops_assets.operations.maintenance import maintain
from mlops_assets.tables import all_producers

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


@dg.asset(group_name="ingest", kinds={"deltalake"}, pool="maintenance")
def lake_maintenance(lake: LakeResource) -> dg.MaterializeResult:
    """Joins small files and removes what neither a table, a snapshot nor a recent reader needs.

    Grain: none, it keeps no rows. Partition: none. Replaces nothing: rows stay as they are.
    """
    done = maintain(lake.open())
    return dg.MaterializeResult(
        metadata={
            "partitions_compacted": done.partitions_compacted,
            "ledgers_compacted": done.ledgers_compacted,
            "files_removed": done.files_removed,
            "markers_removed": done.markers_removed,
        }
    )


maintenance_job = dg.define_asset_job(
    "maintenance_job",
    selection=dg.AssetSelection.assets("lake_maintenance"),
    description="Compact and vacuum the lake.",
)
