"""Every media asset: computes what is due and nothing else, says what it did, and is checked."""

from __future__ import annotations

import dataclasses

import dagster as dg
import polars as pl
import pytest

from mlops_assets.defs.assets import STATE
from mlops_assets.landing import rule
from mlops_assets.operations.behind import media_producers
from mlops_assets.rows.parameters import effective, set_parameters
from mlops_assets.samples import render_clip
from mlops_assets.tables import all_tables, table_named
from mlops_assets_tests.defs.workbench import Workbench, failures, metadata_of

PRODUCERS = {producer.name: producer for producer in media_producers()}
MEDIA_TABLES = [table.name for producer in PRODUCERS.values() for table in producer.tables]
TOLD = {
    "dagster/row_count",
    "dagster/uri",
    "bytes_written",
    "orphans_removed",
    "plan",
    "rows_written",
    "seconds",
    "units_computed",
    "units_left_for_next_run",
    "units_skipped",
}


def camera(bench: Workbench, number: int = 1) -> str:
    (key,) = [key for key in bench.partitions if key.startswith(f"camera-0{number}@")]
    return key


def counts(bench: Workbench) -> dict[str, int]:
    return {name: bench.rows(name).height for name in MEDIA_TABLES}


def stored(bench: Workbench, key: str) -> dict[str, pl.DataFrame]:
    """The rows of a partition of every table, in a fixed order."""
    found = {name: bench.rows(name, key) for name in MEDIA_TABLES}
    return {n: rows.sort("_fp") if rows.height else rows for n, rows in found.items()}


def last(bench: Workbench) -> dict[str, dict[str, object]]:
    return metadata_of(bench.results[-1])


def test_the_first_run_fills_every_table(first_run: Workbench):
    found = counts(first_run)
    assert found["raw_media"] == 5
    assert found["decodings"] == 4
    assert found["frames"] == 3 + 2
    assert found["optical_flows"] == 2
    assert found["frame_embeddings"] == 5
    assert found["documents"] == found["text_chunks"] == found["chunk_embeddings"] == 1
    assert found["drift_profiles"] == found["drift_verdicts"] > 20
    assert found["predictions"] == 0, "there is no champion yet"


@pytest.mark.parametrize("name", MEDIA_TABLES)
def test_a_materialization_says_what_it_did(first_run: Workbench, name: str):
    told = [metadata_of(result)[name] for result in first_run.results]
    assert all(set(one) >= TOLD for one in told)
    assert sum(int(one["dagster/row_count"]) for one in told) == first_run.rows(name).height
    if first_run.rows(name).height:
        assert any("delta_version" in one for one in told)


@pytest.mark.parametrize(
    ("name", "key"),
    [("frames", "picture"), ("optical_flows", "picture"), ("optical_flows", "motion_over_time")],
)
def test_pictures_are_shown(first_run: Workbench, name: str, key: str):
    (result,) = [
        one for one in first_run.results if metadata_of(one)["optical_flows"]["rows_written"]
    ]
    picture = str(metadata_of(result)[name][key])
    assert picture.startswith(f"![{name}](data:image/")


def test_a_table_tells_what_its_rows_come_to(first_run: Workbench):
    told = [metadata_of(one)["optical_flows"] for one in first_run.results]
    (motion,) = [one for one in told if one["rows_written"]]
    assert (motion["cuts"], motion["duplicates"], motion["untrusted"]) == (0, 0, 0)
    assert motion["fields_kept"] == motion["rows_written"] == 2
    assert motion["backends"] == "opencv-vr 2"
    assert "fallback_reason" not in motion
    (still,) = [one for one in told if not one["rows_written"]]
    assert "backends" not in still


def test_pictures_drawn_before_are_shown_again(brought: Workbench):
    assert brought.execute("bring_partition_job", camera(brought)).success
    told = last(brought)["optical_flows"]
    assert told["units_computed"] == 0
    for key in ("picture", "motion_over_time"):
        assert str(told[key]).startswith("![optical_flows](data:image/")


def test_every_check_is_evaluated_and_passes(first_run: Workbench):
    declared = {(t, c.name) for t in MEDIA_TABLES for c in table_named(t).checks}
    for result in first_run.results:
        told = result.get_asset_check_evaluations()
        names = {(one.asset_key.to_user_string(), one.check_name) for one in told}
        assert declared <= names
        assert {(t, "few_units_are_skipped") for t in MEDIA_TABLES} <= names
        assert all(one.passed for one in told)


def test_a_second_run_computes_nothing(brought: Workbench):
    before = {name: brought.lake.snapshot(name) for name in MEDIA_TABLES}
    for key in brought.partitions:
        assert brought.execute("bring_partition_job", key).success
        told = last(brought)
        assert {told[name]["units_computed"] for name in MEDIA_TABLES} == {0}
        assert {told[name]["plan"] for name in MEDIA_TABLES} == {
            "nothing due",
            "waits for champion",
        }
    after = {name: brought.lake.snapshot(name) for name in MEDIA_TABLES}
    assert {n: s and s.version for n, s in after.items()} == {
        n: s and s.version for n, s in before.items()
    }


@pytest.mark.parametrize("name", sorted(set(PRODUCERS) - {"predictions"}))
def test_an_asset_alone_computes_its_partition_once(brought: Workbench, name: str):
    """A new version makes every row due; the neighbour stays as it is until it is asked for."""
    brought.monkeypatch.setattr(PRODUCERS[name], "version", "next")
    key, beside = camera(brought), stored(brought, camera(brought, 2))
    tables = [table.name for table in PRODUCERS[name].tables]
    computed = []
    for _ in range(2):
        result = brought.materialize(*tables, key=key)
        assert result.success, failures(result)
        computed.append({t: metadata_of(result)[t]["units_computed"] for t in tables})
    assert all(computed[0].values())
    assert not any(computed[1].values())
    filled = [rows for rows in (brought.rows(table, key) for table in tables) if rows.height]
    versions = {version.split("|")[0] for rows in filled for version in rows["_ver"]}
    assert versions == {"next"}
    after = stored(brought, camera(brought, 2))
    assert all(after[table].equals(rows) for table, rows in beside.items())


def test_a_blocking_check_stops_what_is_downstream(bench: Workbench):
    bench.only()
    bench.drop("feed/a.txt", "a note")
    table = table_named("raw_media")
    failing = [dataclasses.replace(table.checks[0], offending=lambda rows: rows), *table.checks[1:]]
    bench.monkeypatch.setattr(table, "checks", failing)
    bench.tick()
    result = bench.run_next()
    assert not result.success
    assert bench.rows("raw_media").height == 1
    assert bench.rows("documents").is_empty()
    (failed,) = [one for one in result.get_asset_check_evaluations() if not one.passed]
    assert failed.check_name == "verdicts_have_reasons"
    assert failed.severity == dg.AssetCheckSeverity.ERROR
    assert failed.metadata["examples"].value == [{"path": "a.txt"}]
    assert bench.behind() == {bench.key: "new"}


def test_how_flow_is_solved_is_chosen_in_the_launchpad(brought: Workbench):
    """Another program of the method computes nothing anew; another method everything."""
    key, producer = camera(brought), PRODUCERS["optical_flows"]
    for config, computed in (({"backend": "reference"}, 0), ({"method": "dis"}, 2)):
        config = {**config, "backend": config.get("backend", "auto")}
        result = brought.materialize("optical_flows", key=key, config=config)
        assert result.success, failures(result)
        told = metadata_of(result)["optical_flows"]
        assert told["units_computed"] == computed
        assert effective(producer, brought.lake, "camera-01")["backend"] == config["backend"]
    assert told["backends"] == "opencv-dis 2"


def test_the_launchpad_sets_parameters_for_its_source(brought: Workbench):
    key = camera(brought)
    producer = PRODUCERS["documents"]
    result = brought.materialize("documents", key=key, config={"max_pages": 7})
    assert metadata_of(result)["documents"]["units_params"] == 1
    assert effective(producer, brought.lake, "camera-01")["max_pages"] == 7
    assert effective(producer, brought.lake, "camera-02")["max_pages"] == 5000
    assert (
        metadata_of(brought.materialize("documents", key=key))["documents"]["units_computed"] == 0
    )
    config = {"max_pages": 9, "for_every_source": True}
    brought.materialize("documents", key=camera(brought, 2), config=config)
    assert effective(producer, brought.lake, "camera-02")["max_pages"] == 9
    assert effective(producer, brought.lake, "camera-01")["max_pages"] == 7, "its own comes first"


def test_the_launchpad_refuses_what_is_out_of_bounds(brought: Workbench):
    result = brought.materialize("documents", key=camera(brought), config={"max_pages": 0})
    assert not result.success
    assert "greater than 0" in " ".join(failures(result))
    assert effective(PRODUCERS["documents"], brought.lake, "camera-01")["max_pages"] == 5000


def test_the_launchpad_refuses_names_it_does_not_know(brought: Workbench):
    with pytest.raises(dg.DagsterInvalidConfigError, match='unexpected config entry "max_page"'):
        brought.materialize("documents", key=camera(brought), config={"max_page": 1})
    assert effective(PRODUCERS["documents"], brought.lake, "camera-01")["max_pages"] == 5000


@pytest.mark.parametrize("way", ["sensor", pytest.param("launchpad", marks=pytest.mark.slow)])
def test_a_new_rate_recomputes_frames_and_what_follows(brought: Workbench, way: str):
    before = counts(brought)
    if way == "sensor":
        set_parameters(
            PRODUCERS["decodings"], brought.lake, {"rate_hz": 2}, source="camera-01", by="me"
        )
        assert brought.run_all() == 1
        assert last(brought)["frames"]["units_params"] == 3
    else:
        tables = [table.name for table in PRODUCERS["decodings"].tables]
        result = brought.materialize(*tables, key=camera(brought), config={"rate_hz": 2})
        assert metadata_of(result)["frames"]["units_params"] == 3
        assert brought.run_all() == 1
    assert last(brought)["optical_flows"]["units_new"] == 2
    assert last(brought)["raw_media"]["units_computed"] == 0
    assert last(brought)["documents"]["units_computed"] == 0
    added = {n: c - before[n] for n, c in counts(brought).items() if c != before[n]}
    assert added == {
        "frames": 2,
        "optical_flows": 2,
        "motion_anomalies": 2,
        "frame_embeddings": 2,
        "sightings": 2,
    }
    assert brought.behind() == {}


def test_a_quarantined_clip_takes_everything_made_of_it_along_and_comes_back(brought: Workbench):
    key = camera(brought)
    before, held = counts(brought), stored(brought, key)
    (clip,) = brought.rows("raw_media").filter(kind="video")["media_id"]
    rule(brought.lake, clip, "quarantined", reason="a face", by="test")
    assert brought.run_all() == 2, "its own, and that of the later camera, to which it comes near"
    gone = {n: before[n] - c for n, c in counts(brought).items() if c != before[n]}
    features = gone.pop("drift_profiles")
    assert gone.pop("drift_verdicts") == features > 0
    assert gone == {
        "decodings": 1,
        "frames": 2,
        "moments": 1,
        "optical_flows": 2,
        "motion_anomalies": 2,
        "frame_embeddings": 2,
        "sightings": 2,
        "screenings": 1,
    }
    row = brought.rows("raw_media").filter(media_id=clip).row(0, named=True)
    assert (row["status"], row["reason"], row["message"]) == ("quarantined", "by_hand", "a face")
    rule(brought.lake, clip, "released", reason="", by="test")
    assert brought.run_all() == 2
    again = stored(brought, key)
    told_of_it = {"raw_media", "screenings", "duplicate_histories"}  # released; other files
    assert all(again[name].equals(held[name]) for name in held.keys() - told_of_it)
    assert counts(brought) == before


def test_a_replaced_file_replaces_its_rows(brought: Workbench):
    (old,) = brought.rows("raw_media").filter(kind="video")["media_id"]
    beside = stored(brought, camera(brought, 2))
    clip = brought.home / "rendered" / "other.mp4"
    render_clip(clip, frames=36, size=(96, 72), seed=9)
    brought.drop("camera-01/clip.mp4", clip.read_bytes())
    assert brought.run_all() == 2, "its own, and that of the later camera, to which it came near"
    assert metadata_of(brought.results[-2])["raw_media"]["units_input"] == 1
    frames = brought.rows("frames")
    assert old not in set(frames["media_id"])
    assert frames.height == 3 + 3
    after = stored(brought, camera(brought, 2))
    untouched = beside.keys() - {"near_duplicates", "duplicate_histories"}
    assert all(after[table].equals(beside[table]) for table in untouched)


def test_one_more_clip_computes_its_rows_only(brought: Workbench):
    clip = brought.home / "rendered" / "more.mp4"
    render_clip(clip, frames=24, size=(96, 72), seed=5)
    brought.drop("camera-01/more.mp4", clip.read_bytes())
    assert brought.run_all() == 1
    told = last(brought)
    computed = {name: told[name]["units_computed"] for name in MEDIA_TABLES}
    assert {name: n for name, n in computed.items() if n and not name.startswith("drift")} == {
        "raw_media": 1,
        "decodings": 1,
        "frames": 1,
        "moments": 1,
        "optical_flows": 2,
        "motion_anomalies": 1,
        "frame_embeddings": 2,
        "sightings": 2,
        "screenings": 1,
        "near_duplicates": 1,
        "duplicate_histories": 1,
    }
    assert told["frames"]["units_new"] == 1
    assert told["frames"]["dagster/row_count"] == 6


def test_equal_content_has_an_equal_data_version(brought: Workbench):
    """Dagster's own staleness follows content: what was recomputed to the same is no news."""

    def version() -> str:
        event = brought.instance.get_latest_data_version_record(dg.AssetKey("documents"))
        assert event is not None
        return event.event_log_entry.tags["dagster/data_version"]  # pyright: ignore

    key = camera(brought)
    brought.materialize("documents", key=key)
    first = version()
    result = brought.materialize("documents", key=key, config={"max_pages": 3})
    assert metadata_of(result)["documents"]["units_params"] == 1
    assert version() == first


@pytest.mark.parametrize("name", all_tables())
def test_a_table_says_its_grain_its_key_and_its_partition(
    repository: dg.RepositoryDefinition, name: str
):
    node = repository.asset_graph.get(dg.AssetKey(name))
    for word in ("Grain:", "Key:", "Partition:"):
        assert word in (node.description or ""), f"{name} does not say its {word}"


@pytest.mark.parametrize("name", [STATE, "lake_maintenance"])
def test_an_asset_without_a_table_says_so_too(repository: dg.RepositoryDefinition, name: str):
    node = repository.asset_graph.get(dg.AssetKey(name))
    assert all(word in (node.description or "") for word in ("Grain:", "Key:", "Partition:"))
