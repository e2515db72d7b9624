"""`mlops forget`: a look first, a proof at the end, and telling exit codes."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from mlops_assets.cli.application import app
from mlops_assets.lake.vault import hash_file
from mlops_assets.operations.erasing import marks

runner = CliRunner()


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No Dagster, and no MLflow."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(marks, "blank_examples", lambda *given, **more: 0)


def run(*words: str):
    return runner.invoke(app, ["forget", *words])


def test_a_look_a_deed_and_a_proof(copied):
    media = hash_file(copied.inbox / "gate.png")
    look = run("camera-01/gate.png")
    assert look.exit_code == 0
    assert "nothing was changed" in look.output
    assert "frame_embeddings" in look.output
    assert run("--verify", media).exit_code == 1
    assert run(media, "--yes").exit_code == 2  # no reason
    done = run(media, "--yes", "--reason", "asked for")
    assert done.exit_code == 0
    assert "no trace" in done.output
    assert run("--verify", media).exit_code == 0
    listed = json.loads(run("--list", "--json").output)[0]
    assert listed["forgotten"][0]["reason"] == "asked for"
    assert listed["incomplete"][0]["snapshot_id"] == "scene-0001"
    assert "asked for" in run("--list").output


def test_media_by_a_condition(copied):
    told = json.loads(run("--where", "kind = 'image'", "--json").output)[0]
    assert told["media"] == [hash_file(copied.inbox / "gate.png")]
    assert not told["done"]
    assert run("--where", "kind = 'archive'").exit_code == 0
    assert run("--where", "kind ===").exit_code == 2


def test_what_there_is_not_and_what_is_not_said(copied):
    assert run("camera-01/never.mp4").exit_code == 3
    assert run().exit_code == 2
    assert "nothing was forgotten yet" in run("--list").output
