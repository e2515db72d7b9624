from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from mlops_assets.defs import dbt as metadata
from mlops_assets.defs.resources import LakeResource
from mlops_assets.lake import Lake
from mlops_assets.settings import settings
from mlops_assets_tests.dbt_metadata.lakes import FAULTS, fill

# What dagster-dbt and Dagster's own test tools warn about in their own code.
pytestmark = pytest.mark.filterwarnings(
    "ignore:sqlglotrs is deprecated:DeprecationWarning",
    "ignore:AssetExecutionContext.op is deprecated:DeprecationWarning",
    "ignore:Parameter `include_sources` of function",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def build(lake: Lake, home: Path) -> dict[str, str]:
    """`dbt build`, as a person would; name of each node and what became of it."""
    where = {"DBT_PROJECT_DIR": str(metadata.PROJECT), "DBT_PROFILES_DIR": str(metadata.PROJECT)}
    target = {"DBT_TARGET_PATH": str(home / "target"), "DBT_LOG_PATH": str(home / "target")}
    env = {**os.environ, **where, **target, **metadata.environment(lake)}
    command = [metadata._executable(), "build", "--quiet"]
    subprocess.run(command, env=env, check=False, capture_output=True)
    results = json.loads((home / "target" / "run_results.json").read_text())["results"]
    return {one["unique_id"].split(".")[2]: one["status"] for one in results}


def read(home: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(home / "metadata.duckdb"), read_only=True) as kpis:
        return kpis.sql(sql).fetchall()


def test_on_the_first_day_every_check_is_green_and_every_count_is_nought(lake: Lake, home: Path):
    assert set(build(lake, home).values()) == {"success", "pass"}
    assert read(home, "from marts.media_inventory") == []
    rows = "select count(*), sum(value) from marts.pipeline_health where metric = 'rows'"
    assert read(home, rows) == [(21, 0)]
    schemas = (
        "select schema_name from duckdb_schemas() where not internal and database_name = 'metadata'"
    )
    assert {name for (name,) in read(home, schemas)} == {"marts", "staging"}


def test_each_fault_turns_one_check_red_and_the_kpis_are_made_all_the_same(lake: Lake, home: Path):
    fill(lake)
    for fault in FAULTS.values():
        fault(lake)
    assert metadata.prepare_manifest()
    built = metadata.build_metadata()
    lake_of_test = LakeResource(root=lake.store.root)
    result = dg.materialize(
        list(built.assets or ()),  # pyright: ignore[reportArgumentType]
        resources={**(built.resources or {}), "lake": lake_of_test},
    )
    checks = result.get_asset_check_evaluations()
    assert result.success
    assert {one.check_name for one in checks if not one.passed} == set(FAULTS)
    assert {one.severity for one in checks} == {dg.AssetCheckSeverity.ERROR}
    counts = "file_count, size_bytes, frame_count, flow_count, label_count, prediction_count"
    inventory = f"select kind, status, reason, {counts} from marts.media_inventory order by all"
    assert read(home, inventory) == [
        ("image", "accepted", None, 1, 1000, 1, 0, 0, 2),
        ("video", "accepted", None, 1, 1000, 3, 1, 1, 2),
        ("video", "duplicate", None, 1, 1000, 0, 0, 0, 0),
        ("video", "quarantined", "unreadable", 1, 1000, 0, 0, 0, 0),
    ]
    champion = "select part, value, said from marts.pipeline_health where metric = 'champion'"
    assert read(home, champion) == [("scene", 1, "scene/1")]


@pytest.mark.slow
@pytest.mark.parametrize("check", FAULTS)
def test_a_fault_turns_exactly_its_check_red(check: str, lake: Lake, home: Path):
    fill(lake)
    assert set(build(lake, home).values()) == {"success", "pass"}
    FAULTS[check](lake)
    statuses = build(lake, home)
    assert [name for name, status in statuses.items() if status == "fail"] == [check]
    assert "error" not in statuses.values()
