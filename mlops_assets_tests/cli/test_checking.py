"""`mlops ingest-check`: a list of objects, nothing missing, exit 0 whatever the files are."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mlops_assets.cli import app

KEYS = ["path", "kind", "status", "reason", "message", "seconds"]
NOT_UTF8 = os.fsdecode(b"na\xefve.txt")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "b.txt").write_text("words")
    (tmp_path / NOT_UTF8).write_text("other words")
    (tmp_path / "c.bin").write_bytes(b"\0\xff\xfe" * 50)
    (tmp_path / "x\x1b[31m.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(40))
    return tmp_path


def test_json_is_a_list_of_objects_with_the_keys_in_order(folder):
    call = "from mlops_assets.cli import main; main()"
    command = [sys.executable, "-c", call, "ingest-check", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, check=True, env=without_settings())
    rows = json.loads(done.stdout)
    assert done.stderr.strip() == b""
    assert [list(row)[:6] for row in rows] == [KEYS] * 5
    found = {row["path"]: row for row in rows}
    assert set(found) == {path.name for path in folder.iterdir()}
    assert found["a.txt"]["status"] == "accepted"
    assert (found["b.txt"]["status"], found["b.txt"]["duplicate_of"]) == ("duplicate", "a.txt")
    assert found["c.bin"]["reason"] == "unknown_kind"
    assert all(row["seconds"] >= 0 for row in rows)


def without_settings():
    """No lake, no landing zone: nothing of the platform."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MLOPS_")}


def test_people_get_a_table_that_no_name_can_break(folder):
    done = CliRunner().invoke(app, ["ingest-check", str(folder)])
    assert done.exit_code == 0
    assert "2 accepted" in done.stdout
    assert "\x1b" not in done.stdout
    assert "na\\udcefve" in done.stdout or "na\\xefve" in done.stdout


def test_an_empty_folder_is_all_right(tmp_path):
    done = CliRunner().invoke(app, ["ingest-check", str(tmp_path), "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])
    assert "no files" in CliRunner().invoke(app, ["ingest-check", str(tmp_path)]).stdout


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path):
    assert CliRunner().invoke(app, ["ingest-check", str(tmp_path / "no")]).exit_code == 2
