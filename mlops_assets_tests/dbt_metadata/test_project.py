from __future__ import annotations

import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from dbt.adapters.duckdb.utils import SourceConfig

from mlops_assets.defs import dbt as metadata
from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake
from mlops_assets.tables import all_tables
from mlops_assets_tests.dbt_metadata.lakes import fill, plant

# What dagster-dbt and Dagster's own test tools warn about in their own code.
pytestmark = pytest.mark.filterwarnings(
    "ignore:sqlglotrs is deprecated:DeprecationWarning",
    "ignore:AssetExecutionContext.op is deprecated:DeprecationWarning",
    "ignore:Parameter `include_sources` of function",
)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    assert metadata.prepare_manifest()
    return json.loads(metadata.manifest_path().read_text())


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(metadata.PROJECT / "plugins"))
    from mlops_lake import Plugin  # pyright: ignore[reportMissingImports]

    def opened(root: str) -> Any:
        return Plugin(name="mlops_lake", plugin_config={"root": root})

    return opened


def source(name: str) -> SourceConfig:
    return SourceConfig(name, name, "lake", None, {}, [])


def test_every_table_is_a_source_and_is_staged(manifest: dict[str, Any]):
    sources = {one["name"] for one in manifest["sources"].values()}
    models = {one["name"] for one in manifest["nodes"].values() if one["resource_type"] == "model"}
    assert sources >= set(all_tables())
    assert models == {f"stg_{name}" for name in sources} | {"media_inventory", "pipeline_health"}


def test_every_row_table_has_tests_of_its_key(manifest: dict[str, Any]):
    tests = [one for one in manifest["nodes"].values() if one["resource_type"] == "test"]
    tested = {
        (one["test_metadata"]["name"], one["attached_node"].rpartition(".")[2])
        for one in tests
        if one.get("test_metadata")
    }
    for name in all_tables():
        assert {("unique", f"stg_{name}"), ("not_null", f"stg_{name}")} <= tested


def test_every_test_has_a_name_of_its_own(manifest: dict[str, Any]):
    tests = [one["name"] for one in manifest["nodes"].values() if one["resource_type"] == "test"]
    assert len(set(tests)) == len(tests)
    assert not [name for name in tests if "stg_" in name]


def test_no_committed_file_names_a_folder_or_asks_to_be_watched():
    text = "".join(file.read_text() for file in metadata.PROJECT.glob("*.yml"))
    assert "send_anonymous_usage_stats: false" in text
    assert "env_var('MLOPS_DBT_LAKE', '')" in text


def test_blobs_vectors_and_texts_cannot_be_selected(lake: Lake, plugin: Any):
    fill(lake)
    opened = plugin(lake.store.root)
    for name in all_tables():
        columns = set(opened.load(source(name)).schema.names)
        assert not columns & {
            "jpeg",
            "next_jpeg",
            "field",
            "payload",
            "head",
            "confusion_png",
            "vector",
            "probabilities",
            "text",
        }
    assert opened.load(source("frames")).to_table(columns=["media_id"]).num_rows == 3


def test_a_table_that_nobody_wrote_is_empty_and_has_its_columns(lake: Lake, plugin: Any):
    found = pl.DataFrame(pl.from_arrow(plugin(lake.store.root).load(source("models"))))
    assert found.height == 0
    assert found.schema["version"] == pl.Int64
    assert found.schema["decided_at"] == pl.Datetime("us", "UTC")
    assert {"model_id", "model", "_fp"} <= set(found.columns)


def test_what_is_committed_during_a_build_is_not_seen_by_it(lake: Lake, plugin: Any):
    fill(lake)
    opened = plugin(lake.store.root)
    opened.load(source("raw_media"))
    plant(lake, "frames", frame_id="late#000000", media_id="late")
    assert opened.load(source("frames")).to_table(columns=["media_id"]).num_rows == 3


def test_without_the_lake_the_plugin_says_what_to_set(plugin: Any):
    with pytest.raises(ConfigurationError, match="MLOPS_DBT_LAKE is not set"):
        plugin("").load(source("frames"))


def test_a_touched_model_makes_the_manifest_old(
    manifest: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert metadata.is_manifest_current()
    made = tmp_path / "target" / "manifest.json"
    made.parent.mkdir()
    made.write_text("{}")
    monkeypatch.setattr(metadata, "PROJECT", tmp_path)
    assert metadata.is_manifest_current()
    model = tmp_path / "models" / "staging" / "stg_new.sql"
    model.parent.mkdir(parents=True)
    model.write_text("select 1")
    later = made.stat().st_mtime + 5
    os.utime(model, (later, later))
    assert not metadata.is_manifest_current()


def test_a_project_that_does_not_parse_costs_the_kpis_not_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "dbt_project.yml").write_text("name: nothing")
    monkeypatch.setattr(metadata, "PROJECT", tmp_path)
    monkeypatch.setattr(metadata, "_executable", lambda: sys.executable)
    assert not metadata.prepare_manifest()
    assert "no KPI assets" in caplog.text
    assert not list(dg.Definitions.merge(metadata.metadata()).assets or ())  # pyright: ignore[reportCallIssue]


def watch(instance: dg.DagsterInstance, minutes: list[int], news: dict[int, str]) -> list[int]:
    """How many assets each tick requests; `news` names what is updated before a tick."""
    asset = next(iter(metadata.build_metadata().assets or ()))
    assert isinstance(asset, dg.AssetsDefinition)
    media = dg.DynamicPartitionsDefinition(name="media")
    instance.add_dynamic_partitions("media", ["camera-01@2026-11-20", "camera-02@2026-11-20"])
    upstream = {dep.asset_key for spec in asset.specs for dep in spec.deps} - set(asset.keys)
    nothing = dg.ResourceDefinition.none_resource()
    defs = dg.Definitions(
        assets=[asset, *(dg.AssetSpec(key, partitions_def=media) for key in upstream)],
        resources={"dbt": nothing, "lake": nothing},
    )
    requested, cursor = [], None
    start = dt.datetime(2026, 11, 21, 12, 0, 30, tzinfo=dt.UTC)
    for minute in minutes:
        if minute in news:
            event = dg.AssetMaterialization(news[minute], partition="camera-01@2026-11-20")
            instance.report_runless_asset_event(event)
        found = dg.evaluate_automation_conditions(
            defs, instance, cursor=cursor, evaluation_time=start + dt.timedelta(minutes=minute)
        )
        cursor = found.cursor
        requested.append(sum(found.get_num_requested(key) for key in asset.keys))
    return requested


def test_an_untouched_platform_asks_for_nothing(manifest: dict[str, Any]):
    with dg.instance_for_test() as instance:
        assert watch(instance, [0, 1, 11, 60, 1440], {}) == [0, 0, 0, 0, 0]


def test_the_end_of_a_chain_asks_once_for_everything_at_most_every_ten_minutes(
    manifest: dict[str, Any],
):
    models = sum(one["resource_type"] == "model" for one in manifest["nodes"].values())
    news = {15: "partitions", 16: "partitions", 17: "partitions", 40: "frames"}
    with dg.instance_for_test() as instance:
        found = watch(instance, [0, 12, 15, 16, 17, 25, 26, 40, 60], news)
    assert found == [0, 0, models, 0, 0, models, 0, 0, 0]
