"""What the platform is made of, as the webserver loads it: golden files, reviewed as diffs.

`MLOPS_TESTS_WRITE_GOLDEN=1 pytest mlops_assets_tests/defs/test_inventory.py` writes them anew.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from mlops_assets.tables import all_tables

GOLDEN = Path(__file__).parent / "golden"
WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"


@pytest.fixture(scope="module")
def loaded() -> dg.RepositoryDefinition:
    """The code location that `workspace.yaml` names."""
    (origin,) = yaml.safe_load(WORKSPACE.read_text())["load_from"]
    module = importlib.import_module(origin["python_module"]["module_name"])
    return module.defs().get_repository_def()


def compare(name: str, found: Any) -> None:
    """Hold something against its golden file."""
    file = GOLDEN / name
    text = json.dumps(found, indent=1, sort_keys=True) + "\n"
    if os.environ.get("MLOPS_TESTS_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert json.loads(text) == json.loads(file.read_text()), (
        f"{name} differs; if it should, run this test with MLOPS_TESTS_WRITE_GOLDEN=1"
    )


def named(keys: Any) -> list[str]:
    return sorted(key.to_user_string() for key in keys)


def partitions_of(definition: dg.PartitionsDefinition | None) -> str | None:
    if isinstance(definition, dg.DynamicPartitionsDefinition):
        return f"dynamic {definition.name}"
    if isinstance(definition, dg.StaticPartitionsDefinition):
        return f"static {', '.join(definition.get_partition_keys())}"
    return None if definition is None else type(definition).__name__


def assets_of(repository: dg.RepositoryDefinition) -> dict[str, Any]:
    graph = repository.asset_graph
    return {
        node.key.to_user_string(): {
            "deps": named(node.parent_keys),
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "owners": list(node.owners),
            "partitions": partitions_of(node.partitions_def),
            "pools": sorted(node.pools or ()),
        }
        for node in graph.asset_nodes
        if node.is_materializable
    }


def checks_of(repository: dg.RepositoryDefinition) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for node in repository.asset_graph.asset_check_nodes:
        asset = found.setdefault(node.key.asset_key.to_user_string(), {})
        asset[node.key.name] = "blocking" if node.blocking else "warning"
    return found


def test_the_inventory_is_as_reviewed(loaded: dg.RepositoryDefinition):
    jobs = [job for job in loaded.get_all_jobs() if not job.name.startswith("__")]
    found = {
        "assets": assets_of(loaded),
        "checks": checks_of(loaded),
        "jobs": {
            job.name: named(job.asset_layer.executable_asset_keys if job.asset_layer else ())
            for job in jobs
        },
        "sensors": {
            one.name: {
                "jobs": sorted(target.job_name for target in one.targets),
                "status": one.default_status.value,
                "type": one.sensor_type.value,
            }
            for one in loaded.sensor_defs
        },
        "schedules": {
            one.name: {"cron": str(one.cron_schedule), "status": one.default_status.value}
            for one in loaded.schedule_defs
        },
        "resources": sorted(loaded.get_top_level_resources()),
    }
    compare("inventory.json", found)


def test_the_schemas_of_the_tables_are_as_reviewed():
    found = {
        table.name: {
            "key": list(table.key),
            "partition": list(table.producer.scheme.columns),
            "columns": {name: str(dtype) for name, dtype in table.schema.items()},
        }
        for table in all_tables().values()
    }
    compare("schemas.json", found)


def test_every_column_of_a_table_is_shown(loaded: dg.RepositoryDefinition):
    for name, table in all_tables().items():
        metadata = loaded.asset_graph.get(dg.AssetKey(name)).metadata
        shown = metadata["dagster/column_schema"].columns
        assert [one.name for one in shown] == list(table.schema)
        assert "dagster/code_references" in metadata
