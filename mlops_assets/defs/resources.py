"""Resources: the lake, and MLflow as dagster-mlflow knows it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from mlops_assets.lake import Lake, current_lake
from mlops_assets.settings import settings


class LakeResource(dg.ConfigurableResource):
    """The lake; by default the one of the settings (`MLOPS_LAKE`, `MLOPS_LAKE_OPTIONS`).

    Args:
        root: absolute folder or URL instead.
        options: object store options for it.
    """

    root: str = ""
    options: dict[str, str] = Field(default_factory=dict)

    def open(self) -> Lake:
        """The lake itself."""
        return Lake.at(self.root, self.options) if self.root else current_lake()


@dg.resource(description="dagster-mlflow's tracking: one MLflow run per Dagster run.")
def mlflow_of_settings(context: dg.InitResourceContext) -> Iterator[object]:
    """Start dagster-mlflow's resource on the store of the settings.

    The experiment is made first, with an explicit place for its artifacts: MLflow would otherwise
    put them into the working directory of whichever process comes first.
    """
    from dagster_mlflow import mlflow_tracking

    from mlops_assets.tables.models import model_registry

    chosen = settings()
    model_registry().ensure_experiment()
    configured = mlflow_tracking.configured(
        {"experiment_name": chosen.model, "mlflow_tracking_uri": chosen.mlflow_tracking_uri}
    )
    with dg.build_resources(
        {"mlflow": configured}, instance=context.instance, dagster_run=context.run
    ) as resources:
        yield resources.mlflow


def _end_mlflow(context: dg.HookContext, event_list: list[dg.DagsterEvent]) -> Any:
    """dagster-mlflow's hook, imported where a training ends: MLflow costs a process two seconds."""
    from dagster_mlflow import end_mlflow_on_run_finished as hook

    return hook.hook_fn(context, event_list)


end_mlflow_on_run_finished = dg.HookDefinition(
    name="end_mlflow_on_run_finished", hook_fn=_end_mlflow, required_resource_keys={"mlflow"}
)
"""Ends the MLflow run with the Dagster run, FINISHED or FAILED; on training jobs only."""


@dg.definitions
def resources() -> dg.Definitions:
    """The resources by name."""
    return dg.Definitions(
        resources={"lake": LakeResource(), "mlflow": mlflow_of_settings},
        executor=dg.in_process_executor,
    )
