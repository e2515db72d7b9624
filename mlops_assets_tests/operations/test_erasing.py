"""Forgetting media: gone everywhere, proven, refused for good, and nobody else is touched."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mlops_assets.datasets import Selection
from mlops_assets.errors import ConfigurationError, InputError, TransientError
from mlops_assets.lake import Lake
from mlops_assets.lake.vault import hash_file
from mlops_assets.landing import ARRIVALS, RULINGS, register
from mlops_assets.landing.tombstones import copies_folder, erased_media, tombstones
from mlops_assets.operations import erasing
from mlops_assets.operations.erasing import forgetting, marks, proof
from mlops_assets.operations.erasing.history import NoHistory, Remembered
from mlops_assets.operations.erasing.orders import open_orders
from mlops_assets.operations.learning import snapshot_items, snapshots_of
from mlops_assets.tables import all_tables
from mlops_assets_tests.operations import filling

NOBODY = NoHistory()


@pytest.fixture
def history(monkeypatch):
    """No Dagster, and no MLflow: the champion of this lake is in no registry."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(marks, "blank_examples", lambda *given, **more: 0)
    return NOBODY


def hash_of(copied, name: str) -> str:
    return hash_file(copied.inbox / name)


def erase(name, **more) -> erasing.Forgotten:
    return erasing.forget([name], reason="asked for", by="mary", do=True, history=NOBODY, **more)


def everything(lake: Lake) -> dict[str, bytes]:
    return {entry["path"]: lake.store.get(entry["path"]) for entry in lake.store.list("")}


def rows_of_others(copied, media: str) -> dict[str, pl.DataFrame]:
    """The rows that are made of other media; what is made of many together is made anew."""
    found = {}
    for name, table in all_tables().items():
        if "media_id" in table.row.columns() and table.producer.lineage.kind != "group":
            rows = table.rows(copied.lake).filter(pl.col("media_id") != media)
            found[name] = rows.sort(table.key).collect()
    return found


def test_a_look_says_what_would_go_and_changes_nothing(copied, history):
    before = everything(copied.lake)
    found = erasing.forget(["camera-01/moving.mp4"], history=history)
    assert not found.done
    assert everything(copied.lake) == before
    assert not erased_media(copied.lake)
    rows = dict(found.impact.filter(what="rows").select("name", "rows").iter_rows())
    assert rows["raw_media"] == 2  # and its copy
    assert rows["frames"] == rows["frame_embeddings"] == rows["predictions"] == 2
    assert rows["labels"] == 1
    assert rows["drift_profiles"] > 10  # made of all media; made again without these
    told = found.impact.group_by("what").len()
    assert dict(told.iter_rows()) | {"rows": 0} == {
        "rows": 0,
        "arrivals": 1,
        "vault": 2,
        "landing file": 3,
        "snapshot": 1,
        "model": 1,
    }


def test_a_forgotten_medium_leaves_no_trace_and_its_neighbours_are_as_they_were(copied, history):
    media = hash_of(copied, "moving.mp4")
    file = shutil.copyfile(copied.inbox / "moving.mp4", copied.home.parent / "kept.mp4")
    others = rows_of_others(copied, media)
    assert erasing.verify_forgotten([str(file)]).height > 5
    done = erase("camera-01/moving.mp4")
    assert done.done
    assert done.media == (media,)
    assert done.traces.is_empty()
    assert erasing.verify_forgotten([str(file)]).is_empty()
    assert not (copied.inbox / "moving.mp4").exists()
    assert not (copied.inbox / "z-moving.mp4").exists()
    assert not (copied.inbox / "moving.mp4.json").exists()
    assert not copied.lake.vault.holds(media)
    left = rows_of_others(copied, media)
    for name, rows in others.items():
        assert left[name].equals(rows), name
    text = b"".join(everything(copied.lake).values())
    assert b"a van" not in text


def test_what_was_made_of_many_media_is_made_again_without_it(copied, history):
    before = copied.lake.scan("drift_profiles").select("profile_id", "count").collect()
    erase("camera-01/moving.mp4")
    assert copied.lake.scan("drift_profiles").collect().is_empty()
    for name in (*filling.BEFORE_MODEL, "drift_profiles"):
        filling.run(copied.lake, name)
    after = copied.lake.scan("drift_profiles").select("profile_id", "count").collect()
    both = before.join(after, on="profile_id", suffix="_after")
    assert both.height
    assert (both["count_after"] < both["count"]).all()
    for name in filling.BEFORE_MODEL:
        filling.run(copied.lake, name)
    assert erasing.verify_forgotten(list(erased_media(copied.lake))).is_empty()


def test_the_audit_row_stays_and_says_who_and_why(copied, history):
    media = hash_of(copied, "gate.png")
    erase(media[:12])
    (row,) = erasing.forgotten().iter_rows(named=True)
    assert row["media_id"] == media
    assert (row["reason"], row["ruled_by"], row["state"]) == ("asked for", "mary", "done")
    with pytest.raises(InputError, match="reason"):
        erasing.forget([media], do=True, history=history)


def test_forgetting_twice_changes_nothing(copied, history):
    media = hash_of(copied, "gate.png")
    erase(media)
    before = everything(copied.lake)
    assert erase(media).traces.is_empty()
    assert everything(copied.lake) == before


def test_killed_after_every_step_in_turn_it_is_completed(copied, history, monkeypatch):
    media = hash_of(copied, "moving.mp4")
    for place in range(len(forgetting.STEPS)):
        kill_after(place, monkeypatch, media)
    assert len(open_orders(copied.lake)) == 1
    require_all_done(copied, "camera-01/moving.mp4")


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(forgetting.STEPS)))
@pytest.mark.parametrize("first", [True, False])
def test_killed_at_any_step_the_next_call_completes_it(copied, history, monkeypatch, place, first):
    media = hash_of(copied, "moving.mp4")
    kill_after(place, monkeypatch, media, before=first)
    require_all_done(copied, "camera-01/moving.mp4")


def kill_after(place: int, monkeypatch, media: str, *, before: bool = False) -> None:
    steps = list(forgetting.STEPS)
    plain = steps[place]

    def killed(*given):
        if not before:
            plain(*given)
        raise KeyboardInterrupt

    steps[place] = killed
    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "STEPS", tuple(steps))
        with pytest.raises(KeyboardInterrupt):
            erase(media)


def require_all_done(copied, name: str) -> None:
    assert erase(name).traces.is_empty()
    assert open_orders(copied.lake) == []
    assert erasing.incomplete_snapshots()["media"].to_list() == [1]
    assert copied.lake.scan("drift_profiles").collect().is_empty()
    asked = copied.lake.scan("training_requests").filter(pl.col("cause") == "erasure").collect()
    assert asked.height == 1


def test_what_lands_again_is_refused_and_not_kept(copied, history):
    kept = shutil.copyfile(copied.inbox / "moving.mp4", copied.home.parent / "kept.mp4")
    media = hash_of(copied, "moving.mp4")
    erase(media)
    shutil.copyfile(kept, copied.inbox / "again.mp4")
    (copied.inbox / "again.mp4.json").write_text(json.dumps({"caption": "once more"}))
    now = datetime.now(UTC) + timedelta(seconds=1)
    register(copied.lake, copied.inbox.parent, now=now)
    assert not copied.lake.vault.holds(media)
    filling.run(copied.lake, "raw_media")
    (row,) = copied.lake.scan("raw_media").filter(pl.col("media_id") == media).collect().to_dicts()
    assert (row["path"], row["status"], row["reason"]) == ("again.mp4", "quarantined", "erased")
    assert row["caption"] is None
    assert b"once more" not in b"".join(everything(copied.lake).values())
    left = erasing.verify_forgotten([media])
    assert set(left["found"]) == {"the bytes"}  # in the landing zone
    assert erase("camera-01/again.mp4").traces.is_empty()
    assert not (copied.inbox / "again.mp4").exists()


def test_a_lake_restored_from_an_old_copy_learns_of_it_again(copied, history):
    media = hash_of(copied, "moving.mp4")
    copy = shutil.copytree(copied.home / "lake", copied.home.parent / "backup")
    erase(media)
    shutil.rmtree(copied.home / "lake")
    shutil.copytree(copy, copied.home / "lake")
    assert erasing.restored_media(copied.lake) == [media]
    assert tombstones(copied.lake)["reason"].to_list() == ["asked for"]
    assert erase(media).traces.is_empty()
    assert erasing.restored_media(copied.lake) == []
    assert RULINGS.statements(copied.lake).height == 1


def test_a_condition_finds_media_by_any_field(copied, history):
    moving, gate = hash_of(copied, "moving.mp4"), hash_of(copied, "gate.png")
    assert erasing.media_where("caption = 'a van'") == [moving]
    assert erasing.media_where("kind = 'image' and source = 'camera-01'") == [gate]
    assert erasing.media_where("captured_at < '2000-01-01'") == []
    assert moving in erasing.media_where("landed_at > now() - interval 30 days")


@pytest.mark.parametrize(
    "condition",
    [
        "nonsense ===",
        "no_such_column = 1",
        "1 = 1; drop table raw_media",
        "(select count(*) from read_text('/etc/hostname')) > 0",
        "(select count(*) from glob('/*')) > 0",
    ],
)
def test_a_condition_sees_nothing_but_the_table(copied, condition):
    with pytest.raises(InputError) as caught:
        erasing.media_where(condition)
    assert caught.value.reason == "bad_query"


def test_an_incomplete_snapshot_is_marked_and_reads_what_is_left(copied, history):
    media = hash_of(copied, "moving.mp4")
    pinned = Selection.stored(snapshots_of(copied.lake).row(0, named=True))
    before = snapshot_items(copied.lake, pinned)
    erase(media)
    (row,) = erasing.incomplete_snapshots().to_dicts()
    lost = before.filter(media_id=media).height
    assert row == {
        "snapshot_id": "scene-0001",
        "model": "scene",
        "models": ["scene/1"],
        "media": 1,
        "items": lost,
    }
    left = snapshot_items(copied.lake, pinned)
    assert left.equals(before.filter(pl.col("media_id") != media))


def test_forgetting_labels_flags_what_learned_from_them(copied, history):
    found = erasing.forget(["camera-01/labels.csv"], history=history)
    learned = found.impact.filter(what="model")["name"].to_list()
    assert learned == ["scene/1"]
    assert dict(found.impact.filter(what="rows").select("name", "rows").iter_rows()) == {
        "raw_media": 1,
        "labels": 2,
    }


def test_a_shared_sidecar_stays_with_those_who_have_it_too(copied, history):
    for name in ("standing.mp4", "gate.png"):
        (copied.inbox / f"{name}.json").write_text(json.dumps({"caption": "shared"}))
    register(copied.lake, copied.inbox.parent, now=datetime.now(UTC) + timedelta(seconds=1))
    sidecars = ARRIVALS.latest(copied.lake).filter(path="gate.png")["sidecar_sha256"]
    erase("camera-01/gate.png")
    assert copied.lake.vault.holds(sidecars[0])
    assert (copied.inbox / "standing.mp4.json").exists()
    assert not (copied.inbox / "gate.png.json").exists()


def test_logs_are_written_over_in_place(copied, history):
    media = hash_of(copied, "gate.png")
    log = copied.home / "dagster.log"
    log.write_text(f"before {media} after\n")
    with log.open("a") as writer:
        assert erase(media).traces.is_empty()
        writer.write("and on\n")
    assert log.read_text() == f"before {'x' * 64} after\nand on\n"


def test_runs_at_work_leave_the_order_open(copied, history):
    class Busy(NoHistory):
        def erase(self, partitions):
            return Remembered(1, 1)

    media = hash_of(copied, "gate.png")
    with pytest.raises(TransientError, match="1 runs are at work"):
        erasing.forget([media], reason="x", do=True, history=Busy())
    assert not copied.lake.vault.holds(media)
    assert erasing.forgotten()["state"].to_list() == ["begun"]
    assert erase(media).traces.is_empty()
    assert erasing.forgotten()["state"].to_list() == ["done"]


def test_the_proof_sees_what_was_left_behind(copied, history, tmp_path):
    kept = shutil.copyfile(copied.inbox / "moving.mp4", tmp_path / "kept.mp4")
    media, content = hash_of(copied, "moving.mp4"), kept.read_bytes()
    erase(media)
    hidden = {
        "plain": b"before" + content[:-1],
        "base64": base64.b64encode(b"..." + content),
        "hash": f"media {media}".encode(),
        "raw hash": b"!" + bytes.fromhex(media),
        "bytes": content,
    }
    for name, code in hidden.items():
        (copied.home / name).write_bytes(code)
    with contextlib.closing(sqlite3.connect(copied.home / "sqlite")) as connection, connection:
        connection.execute("CREATE TABLE events (body TEXT)")
        body = "x" * 4000 + base64.b64encode(b"." + content).decode()
        connection.execute("INSERT INTO events VALUES (?)", [body])
    found = erasing.verify_forgotten([str(kept)])
    assert set(found["place"]) == {str(copied.home / name) for name in (*hidden, "sqlite")}


def test_the_proof_sees_a_row_in_a_file_that_no_version_has(copied, history):
    from mlops_assets.lake.commits import stage

    media = hash_of(copied, "moving.mp4")
    row = copied.lake.scan("frames").filter(pl.col("media_id") == media).collect()
    erase(media)
    stray = stage(copied.lake, "frames", copied.partition, row)
    (found,) = erasing.verify_forgotten([media])["place"].to_list()
    assert found == f"tables/frames/{stray.path}"


def test_what_is_named_wrongly_is_not_found(copied, history):
    with pytest.raises(InputError) as caught:
        erasing.forget(["camera-01/never.mp4"], history=history)
    assert caught.value.reason == "not_found"
    with pytest.raises(InputError, match="64 hex digits"):
        erasing.traces_of(["abc"], history=history)
    assert erasing.forget([], reason="nothing", do=True, history=history).media == ()


def test_rules_let_go_what_is_old_by_source_and_by_flag(copied, history):
    now = datetime.now(UTC)
    later = now + timedelta(days=10)
    every = erasing.expired_media(copied.lake, {"*": 7}, now=later)
    assert every.height == 5
    assert erasing.expired_media(copied.lake, {"*": 7, "camera-01": 30}, now=later).height == 5
    assert erasing.expired_media(copied.lake, {"camera-02": 7}, now=later).is_empty()
    assert erasing.expired_media(copied.lake, {"camera-01": 30}, now=later).is_empty()
    assert erasing.expired_media(copied.lake, {}, now=later).is_empty()
    assert erasing.expired_media(copied.lake, {"*#faces": 0}, now=later).is_empty()
    with pytest.raises(ConfigurationError, match="MLOPS_RETENTION"):
        erasing.expired_media(copied.lake, {"": 7}, now=now)


def test_a_flag_shortens_what_a_source_may_keep(lake):
    from mlops_assets_tests.dbt_metadata.lakes import plant

    now = datetime(2026, 11, 20, tzinfo=UTC)
    old = {"landed_at": now - timedelta(days=10), "status": "accepted"}
    plant(lake, "raw_media", path="a", media_id="a", privacy=["faces"], **old)
    plant(lake, "raw_media", path="b", media_id="b", privacy=[], **old)
    plant(lake, "raw_media", path="c", media_id="c", privacy=None, **old)
    plant(lake, "raw_media", path="d", media_id="a", privacy=[], **old)
    plant(lake, "raw_media", path="e", media_id="e", privacy=["faces", "plates"], **old)
    found = erasing.expired_media(lake, {"camera-01": 30, "*#faces": 7}, now=now)
    assert found.rows() == [("e", "camera-01", "*#faces")]  # `a` lies in another file too


def test_no_dagster_is_needed_to_import_it():
    code = "import sys, mlops_assets.operations.erasing as e; sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_copies_lie_outside_the_lake(copied, history):
    erase("camera-01/gate.png")
    assert not copies_folder().startswith(copied.lake.store.root)
    assert proof.refusals(copied.lake) == set()
