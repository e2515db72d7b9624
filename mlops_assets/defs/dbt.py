"""The platform's own metadata as KPIs: the dbt project `dbt_metadata/` as assets and checks."""

import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from mlops_assets.lake import Lake
from mlops_assets.settings import settings

PROJECT = Path(__file__).parents[2] / "dbt_metadata"
GROUP = "kpis"
OWNERS = ["team:data-platform"]

_AC = dg.AutomationCondition
ON_NEWS = (
    _AC.any_deps_match(_AC.newly_updated()).since(_AC.newly_requested())
    & _AC.cron_tick_passed("*/10 * * * *").since(_AC.newly_requested())
).with_label("news, at most every 10 minutes")
"""When a chain or a training ended since the last request, but at most once in ten minutes.

No guard on missing or running parents: one partition that never succeeds would block it for good.
Reset by the request alone: what is committed while a build reads asks for one more build."""

_NEWS = {"stg_partition_states", "stg_models"}
"""What watches: the last asset of every chain, and the trainings. All are built together."""


def manifest_path() -> Path:
    """Where dbt's manifest lies; images and `make` put it there with `dbt parse`."""
    return PROJECT / "target" / "manifest.json"


def is_manifest_current() -> bool:
    """Whether the manifest is there and no file of the project is newer."""
    manifest = manifest_path()
    if not manifest.is_file():
        return False
    made = manifest.stat().st_mtime
    sources = [*PROJECT.glob("*.yml"), *PROJECT.glob("m*/**/*.*"), *PROJECT.glob("tests/*.sql")]
    return all(file.stat().st_mtime <= made for file in sources)


def prepare_manifest() -> bool:
    """Run `dbt parse` once, quietly, when the manifest is missing or older than the project.

    Written beside and moved into place, so processes that start together do not disturb each other.

    Returns:
        Whether there is a manifest. A platform that cannot parse its KPIs still runs, and says so.
    """
    if is_manifest_current():
        return True
    try:
        _parse()
    except (OSError, subprocess.CalledProcessError) as err:
        said = getattr(err, "stdout", "") or str(err)
        logging.getLogger(__name__).warning("dbt parse failed, no KPI assets: %s", said.strip())
    return manifest_path().is_file()


def _parse() -> None:
    manifest = manifest_path()
    manifest.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=manifest.parent) as folder:
        written = {"DBT_TARGET_PATH": folder, "DBT_LOG_PATH": folder}
        read = {"DBT_PROJECT_DIR": str(PROJECT), "DBT_PROFILES_DIR": str(PROJECT)}
        subprocess.run(
            [_executable(), "parse", "--quiet"],
            env={**os.environ, **read, **written},
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        (Path(folder) / manifest.name).replace(manifest)


def _executable() -> str:
    """The `dbt` beside this Python, whether or not its folder is on the path."""
    beside = Path(sys.executable).with_name("dbt")
    return str(beside) if beside.is_file() else shutil.which("dbt") or "dbt"


def environment(lake: Lake) -> dict[str, str]:
    """What dbt must know: where the lake lies, how to open it, and where the KPIs go.

    Absolute, because dbt runs in the folder of its project. Nothing of it is written to a file.
    """
    home = settings().home.absolute()
    return {
        "MLOPS_HOME": str(home),
        "MLOPS_DBT_LAKE": lake.store.root,
        "MLOPS_LAKE_OPTIONS": json.dumps(lake.store.options),
        "MLOPS_DBT_FILE": str(home / "metadata.duckdb"),
        "DBT_LOG_LEVEL_FILE": "info",
    }


@contextlib.contextmanager
def _with(values: Mapping[str, str]) -> Iterator[None]:
    """These environment variables while the block lasts: dagster-dbt hands on its own."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def build_metadata() -> dg.Definitions:
    """The dbt project as one op: all models of one moment of the lake, then all tests.

    Not subsettable: a table compared with one that was read earlier would have orphans that never
    were. Tests run after all models, so a red check does not keep the KPIs from being made.
    """
    from dagster_dbt import DbtCliResource, dbt_assets

    declared = dbt_assets(manifest=manifest_path(), dagster_dbt_translator=_translator())(_build)

    @dg.multi_asset(
        name="metadata",
        specs=[_finished(spec) for spec in declared.specs],
        check_specs=[_telling(check) for check in declared.check_specs],
        can_subset=False,
        pool="dbt",
        required_resource_keys={"dbt", "lake"},
    )
    def metadata(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _build(context)

    watch = dg.AutomationConditionSensorDefinition(
        "metadata_sensor",
        target=dg.AssetSelection.groups(GROUP),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=60,
        description="Builds the KPIs anew after chains and trainings, at most every 10 minutes.",
    )
    resource = DbtCliResource(project_dir=str(PROJECT), dbt_executable=_executable())
    return dg.Definitions(assets=[metadata], sensors=[watch], resources={"dbt": resource})


def _build(context: dg.AssetExecutionContext) -> Iterator[Any]:
    dbt, lake = context.resources.dbt, context.resources.lake.open()
    values = environment(lake)
    target = Path(values["MLOPS_HOME"]) / "dbt"
    target.mkdir(parents=True, exist_ok=True)
    with _with(values):
        yield from dbt.cli(["run"], context=context, target_path=target).stream()
        tests = dbt.cli(["test"], context=context, target_path=target, raise_on_error=False)
        yield from tests.stream()


def _finished(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec with its condition, and without what the lake itself tells: that is no asset."""
    deps = [dep for dep in spec.deps if dep.asset_key.path[0] != "lake"]
    watches = spec.key.path[-1] in _NEWS
    return spec.replace_attributes(deps=deps, automation_condition=ON_NEWS if watches else None)


def _telling(check: dg.AssetCheckSpec) -> dg.AssetCheckSpec:
    """The check, red without failing the run: nothing is downstream, and a retry would not help."""
    return dg.AssetCheckSpec(
        check.name,
        asset=check.asset_key,
        description=check.description,
        additional_deps=check.additional_deps,
        metadata=check.metadata,
        blocking=False,
    )


def _translator() -> Any:
    from dagster_dbt import DagsterDbtTranslator

    class Translator(DagsterDbtTranslator):
        """Models are called what they are called in dbt; all belong to one group."""

        def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
            if dbt_resource_props["resource_type"] == "model":
                return dg.AssetKey(dbt_resource_props["name"])
            return super().get_asset_key(dbt_resource_props)

        def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
            return GROUP

        def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
            return OWNERS

    return Translator()


@dg.definitions
def metadata() -> dg.Definitions:
    """The KPIs, when the dbt project is there and parses."""
    if not (PROJECT / "dbt_project.yml").is_file() or not prepare_manifest():
        return dg.Definitions()
    return build_metadata()
