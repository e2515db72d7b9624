"""Assets: one loop over the tables, as if each had been written by hand."""

import enum
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Optional

import dagster as dg
from pydantic import Field, create_model

from mlops_assets.defs.outcomes import FEW_SKIPPED, SKIPPED_LIMIT, materialization
from mlops_assets.defs.partitions import DEFINITIONS, media_partitions
from mlops_assets.defs.resources import LakeResource, end_mlflow_on_run_finished
from mlops_assets.errors import ConfigurationError, InputError, PartitionMoved, TransientError
from mlops_assets.lake import MEDIA, Lake, Partition, use_lake
from mlops_assets.lake.maintenance import compact_partition
from mlops_assets.operations.behind import media_producers, note, settle
from mlops_assets.operations.training import point_aliases
from mlops_assets.rows import Options, Outcome, Producer, Table, bring
from mlops_assets.rows.parameters import EVERY, set_parameters
from mlops_assets.rows.tables import Parameter
from mlops_assets.settings import settings
from mlops_assets.tables import all_producers, all_tables

OWNERS = ["team:data-platform"]
GROUPS = {
    "raw_media": "ingest",
    "labels": "ingest",
    "decodings": "vision",
    "sightings": "screening",
    "screenings": "screening",
    "near_duplicates": "screening",
    "optical_flows": "vision",
    "motion_anomalies": "vision",
    "frame_embeddings": "vision",
    "documents": "text",
    "text_chunks": "text",
    "chunk_embeddings": "text",
    "snapshots": "models",
    "models": "models",
    "predictions": "models",
    "drift_profiles": "drift",
    "drift_verdicts": "drift",
}
"""Group by the first table of a function; a user's own tables are `custom`."""

STATE = "partitions"
"""The asset that states what a partition has reached; last of every chain."""

_SETTING = {"remove_orphans", "budget_units", "for_every_source"}


def build_asset(producer: Producer) -> dg.AssetsDefinition:
    """The asset, or the assets of one function, with config, schema, checks and picture."""
    schema = _config(producer)
    trains = producer.name == "models"

    @dg.multi_asset(
        name=producer.name,
        specs=[_spec(table) for table in producer.tables],
        check_specs=[spec for table in producer.tables for spec in _checks(table)],
        partitions_def=DEFINITIONS[producer.scheme],
        can_subset=len(producer.tables) > 1,
        pool=producer.how.pool,
        required_resource_keys={"lake", *(["mlflow"] if trains else [])},
        hooks={end_mlflow_on_run_finished} if trains else None,
    )
    def materialize(
        context: dg.AssetExecutionContext,
        config: schema,  # pyright: ignore[reportInvalidTypeForm]
    ) -> Iterator[dg.MaterializeResult]:
        lake = context.resources.lake.open()
        given = {
            name: value
            for name, value in config.model_dump(mode="json").items()
            if value is not None
        }
        with use_lake(lake):
            yield from _materialize(context, producer, lake, given)

    return materialize


def _materialize(
    context: dg.AssetExecutionContext, producer: Producer, lake: Lake, given: dict[str, Any]
) -> Iterator[dg.MaterializeResult]:
    partition = producer.scheme.parse(context.partition_key)
    try:
        _set_parameters(context, producer, lake, partition, given)
        outcome = bring(producer, lake, partition, _options(context, producer, given))
        if producer.name == "models":
            point_aliases(lake, partition.values[0])
    except TransientError as err:
        raise dg.RetryRequested(max_retries=3, seconds_to_wait=5) from err
    except (ConfigurationError, InputError) as err:
        raise dg.Failure(description=str(err), allow_retries=False) from err
    _tidy(context, producer, lake, partition, outcome)
    for table in producer.tables:
        if dg.AssetKey(table.name) in context.selected_asset_keys:
            yield materialization(table, lake, partition, outcome)


def _set_parameters(
    context: dg.AssetExecutionContext,
    producer: Producer,
    lake: Lake,
    partition: Partition,
    given: dict[str, Any],
) -> None:
    """What a person gave in the launchpad becomes state, for this source or for all."""
    values = {name: value for name, value in given.items() if name not in _SETTING}
    if values:
        source = EVERY if given.get("for_every_source") else partition.values[0]
        by = context.run.tags.get("dagster/user", "launchpad")
        changed = set_parameters(producer, lake, values, source=source, by=by)
        context.log.info("parameters set for %s: %s", source, changed or "none changed")


def _options(
    context: dg.AssetExecutionContext, producer: Producer, given: dict[str, Any]
) -> Options:
    def tell(done: int, due: int, seconds: float) -> None:
        left = seconds / done * (due - done)
        context.log.info("%d of %d units, %.0f s, about %.0f s left", done, due, seconds, left)

    chosen = settings()
    reads_files = bool(producer.how.weigh_by)
    return Options(
        budget_units=given.get("budget_units", chosen.run_files if reads_files else None),
        budget_bytes=int(chosen.run_gb * 1e9),
        remove_orphans=bool(given.get("remove_orphans")),
        metadata={"mlops.run_id": context.run.run_id},
        progress=tell,
    )


def _tidy(
    context: dg.AssetExecutionContext,
    producer: Producer,
    lake: Lake,
    partition: Partition,
    outcome: Outcome,
) -> None:
    """Say that a partition was touched outside its chain; join its files when they are many."""
    if not outcome.changed:
        return
    chosen = context.run.asset_selection  # empty when a job runs as a whole
    alone = bool(chosen) and dg.AssetKey(STATE) not in chosen
    if producer.scheme == MEDIA and alone:
        note(lake, partition, "touched", digest="", run_id=context.run.run_id)
    for table in producer.tables:
        try:
            compact_partition(lake, table.name, partition)
        except PartitionMoved:
            context.log.info("%s: another run is at work here; not compacted", table.name)


def _config(producer: Producer) -> type[dg.Config]:
    """The launchpad: every parameter, left as it is when not given; and how to run."""
    fields: dict[str, Any] = {
        name: (_launchable(parameter), Field(None, description=_described(parameter)))
        for name, parameter in producer.parameters.items()
    }
    fields["for_every_source"] = (bool, Field(False, description="set parameters for all sources"))
    fields["remove_orphans"] = (bool, Field(False, description="even beyond the orphan limit"))
    fields["budget_units"] = (int | None, Field(None, description="most units of this run"))
    return create_model(f"{producer.name}_config", __base__=dg.Config, **fields)


def _launchable(parameter: Parameter) -> Any:
    """The parameter's type, or nothing; a choice as the enumeration Dagster shows as one."""
    plain = getattr(parameter.annotation, "__origin__", parameter.annotation)
    if typing.get_origin(plain) is Literal:
        choices = {str(choice): choice for choice in typing.get_args(plain)}
        return Optional[enum.Enum(parameter.name, choices)]  # noqa: UP045 - made at run time
    return parameter.annotation | None


def _described(parameter: Parameter) -> str:
    return (
        f"{parameter.description} (default {parameter.default!r}; empty leaves it as set)".strip()
    )


def _spec(table: Table) -> dg.AssetSpec:
    producer = table.producer
    return dg.AssetSpec(
        key=table.name,
        description=table.description,
        group_name=GROUPS.get(producer.name, "custom"),
        owners=OWNERS,
        kinds={"deltalake", "polars"},
        code_version=producer.version,
        deps=[*_deps(producer)],
        skippable=True,
        metadata={
            "dagster/column_schema": _columns(table),
            "parents": producer.lineage.kind,
            **_code_reference(producer),
        },
    )


def _deps(producer: Producer) -> Iterator[dg.AssetDep]:
    """Parents in the same partition; what is looked at beside them, in all partitions."""
    tables = all_tables()
    own = {table.name for table in producer.tables}
    for parent in dict.fromkeys(parent.name for parent in producer.lineage.parents):
        if parent in tables and parent not in own:
            yield dg.AssetDep(parent)
    for name in producer.looks_at:
        yield dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())


def _columns(table: Table) -> dg.TableSchema:
    declared = table.row.columns()
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=str(dtype),
                description=declared[name].description if name in declared else _MADE.get(name, ""),
                constraints=dg.TableColumnConstraints(
                    nullable=declared[name].nullable if name in declared else False,
                    unique=table.key == (name,),
                ),
            )
            for name, dtype in table.schema.items()
        ]
    )


_MADE = {
    "_src": "fingerprint of what the row was made from",
    "_ver": "version and parameters it was made with",
    "_fp": "fingerprint of the row itself",
}


def _code_reference(producer: Producer) -> dict[str, Any]:
    path = Path(inspect.getsourcefile(producer.function) or "")
    line = inspect.getsourcelines(producer.function)[1]
    reference = dg.LocalFileCodeReference(file_path=str(path), line_number=line)
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def _checks(table: Table) -> Iterator[dg.AssetCheckSpec]:
    for check in table.checks:
        yield dg.AssetCheckSpec(
            check.name, asset=table.name, description=check.description, blocking=check.blocking
        )
    yield dg.AssetCheckSpec(
        FEW_SKIPPED,
        asset=table.name,
        description=f"At most {SKIPPED_LIMIT:.0%} of the units failed.",
    )


def _leaves() -> list[str]:
    """Media tables that no other media table is made from."""
    parents = {p.name for producer in media_producers() for p in producer.lineage.parents}
    return [
        t.name for producer in media_producers() for t in producer.tables if t.name not in parents
    ]


@dg.asset(
    name=STATE,
    partitions_def=media_partitions,
    deps=_leaves(),
    group_name="ingest",
    owners=OWNERS,
    kinds={"deltalake"},
)
def partition_states(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """What each partition has reached: everything that is desired of it, or only part.

    Grain: one statement per chain run. Key: source and day; the latest statement holds. Partition:
    source and arrival day. Nothing is replaced: it is a ledger. A partition whose desired state
    differs from the one reached here is behind, and the due sensor brings it up.
    """
    opened = lake.open()
    with use_lake(opened):
        state = settle(opened, MEDIA.parse(context.partition_key), run_id=context.run.run_id)
    return dg.MaterializeResult(metadata={"state": state})


@dg.definitions
def assets() -> dg.Definitions:
    """Every table as an asset."""
    return dg.Definitions(assets=[*(build_asset(p) for p in all_producers()), partition_states])
