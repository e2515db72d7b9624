"""The command line: JSON for programs, tables for people, one line and a code for what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from mlops_assets import __version__
from mlops_assets.cli import app, completion, output
from mlops_assets.settings import settings
from mlops_assets.tables import all_tables
from mlops_assets_tests.operations.conftest import Filled

HEAVY = ["torch", "cv2", "av", "mlflow", "whylogs", "pandas", "dagster", "scipy", "PIL", "lancedb"]
READING = ["status", "plan", "trace", "impact", "explain", "verify"]
WRITING = ["land", "set", "quarantine", "train"]


def mlops(*arguments: str | Path):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def told(*arguments: str | Path, code: int = 0) -> list[dict]:
    """What a command says as JSON, and nothing else."""
    result = mlops(*arguments, "--json")
    assert result.exit_code == code, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_every_command_has_help_and_the_whole_has_a_version():
    assert mlops("--version").stdout == f"mlops {__version__}\n"
    listed = mlops("--help").stdout
    for name in (*READING, *WRITING):
        assert name in listed
        assert mlops(name, "--help").exit_code == 0
    assert "install-completion" in listed


def test_status_of_nothing_says_what_to_do(empty: Path):
    result = mlops("status")
    assert result.exit_code == 0
    assert "mlops land" in result.stdout
    assert told("status") == []


def test_status_for_people_and_for_programs(filled: Filled):
    shown = mlops("status").stdout
    assert "1 unknown_kind" in shown
    assert "champion: scene/1" in shown
    (row,) = told("status")
    assert row["rows"]["frames"] == 5
    assert row["reasons"] == {"unknown_kind": 1}


def test_plan_says_nothing_due_or_why(copied: Filled):
    assert mlops("plan").stdout == "nothing due\n"
    assert mlops("set", "frames", "rate_hz=2", "--source", "camera-01").exit_code == 0
    assert "3 params" in mlops("plan").stdout
    (row,) = told("plan", "frames", copied.partition.key)
    assert row["params"] == 3


def test_set_shows_what_holds_and_what_changed(copied: Filled):
    assert "rate_hz" in mlops("set", "frames").stdout
    (row,) = told("set", "frames", "rate_hz=2")
    assert row == {
        "table": "decodings",
        "name": "rate_hz",
        "source": "*",
        "before": "1.0",
        "value": "2.0",
    }
    assert "so already" in mlops("set", "frames", "rate_hz=2").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["set", "frames", "rate_hz=-3"], 2, "decodings.rate_hz=-3: Input should be greater"),
        (["set", "frames", "rate=3"], 2, "it has: rate_hz, sampling"),
        (["set", "frames", "rate_hz"], 2, "NAME=VALUE"),
        (["set", "frames", "rate_hz=2", "--source", "cam-9"], 3, "there are: camera-01"),
        (["plan", "nowhere"], 2, "there are: raw_media"),
        (["plan", "frames", "camera-01@1999-01-01"], 3, "no partition"),
        (["plan", "frames", "no-at-sign"], 2, "<source>@<day>"),
        (["trace", "frames", "nothing"], 3, "mlops explain frames nothing"),
        (["explain", "frames", "nothing"], 3, "no landed file"),
        (["impact", "nothing"], 3, "no landed file"),
        (["quarantine", "add", "nothing", "--reason", "x"], 3, "no landed file"),
        (["quarantine", "add", "camera-01/gate.png"], 2, "--reason"),
        (["quarantine", "show", "nothing"], 3, "no landed file"),
        (["quarantine", "retry", "camera-01/gate.png"], 2, "was skipped"),
        (["land", "/nowhere/x.mp4", "--source", "a"], 3, "no file"),
        (["land", "/dev/null", "--source", "../a"], 2, "no folder name"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_what_a_person_did_wrong_is_one_message_and_a_code(
    filled: Filled, arguments: list[str], code: int, said: str
):
    result = mlops(*arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_wrong_setting_names_the_variable_the_value_and_what_is_right(
    empty: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLOPS_SETTLE_S", "-1")
    settings.cache_clear()
    result = mlops("status")
    assert result.exit_code == 2
    assert "MLOPS_SETTLE_S='-1'" in result.stderr
    assert "greater than or equal to 0" in result.stderr


def test_trace_reaches_file_and_second(filled: Filled):
    rows = told("trace", "models", "scene/1")
    assert {(row["file"], row["time_s"]) for row in rows if row["table"] == "frames"} >= {
        ("camera-01/standing.mp4", 1.0)
    }
    shown = mlops("trace", "models", "scene/1", "--limit", "1").stdout
    assert "--limit shows more" in shown


def test_a_shortened_key_from_a_table_can_be_given_back(filled: Filled):
    shown = mlops("trace", "frames", "camera-01/moving.mp4").stdout
    key = next(word for word in shown.split() if word.endswith("#000001"))
    assert len(key) == 12 + len("#000001")
    again = told("trace", "predictions", key)
    assert again[0]["key"].startswith(key[:12])
    assert told("explain", "predictions", key)[0]["state"] == "current"


def test_impact_names_rows_snapshot_and_model(filled: Filled):
    rows = told("impact", "camera-01/standing.mp4")
    assert {(row["what"], row["name"]) for row in rows} >= {
        ("rows", "frames"),
        ("snapshot", "scene-0001"),
        ("model", "scene/1"),
    }


def test_quarantine_lists_shows_and_rules(copied: Filled):
    (junk,) = told("quarantine", "list")
    assert (junk["path"], junk["reason"]) == ("junk.mp4", "unknown_kind")
    assert "1 in quarantine" in mlops("quarantine", "list", "--older-than", "0").stdout
    added = mlops("quarantine", "add", "camera-01/gate.png", "--reason", "blurred")
    assert "the next run removes" in added.stdout
    assert "1 input" in mlops("plan").stdout
    (case,) = told("quarantine", "show", "camera-01/gate.png")
    assert [ruling["reason"] for ruling in case["rulings"]] == ["blurred"]
    (ruled,) = told("quarantine", "release", "camera-01/gate.png", "--reason", "sharp enough")
    assert ruled["ruling"] == "released"
    assert [file["path"] for file in ruled["files"]] == ["gate.png"]
    told("quarantine", "reject", "camera-01/junk.mp4", "--reason", "noise")
    assert told("quarantine", "list") == []
    assert [row["ruling"] for row in told("quarantine", "list", "--all")] == ["rejected"]


def test_what_waits_is_written_as_a_picture(filled: Filled, tmp_path: Path):
    file = tmp_path / "waiting.png"
    assert str(file) in mlops("quarantine", "sheet", "--output", file).stdout
    assert file.read_bytes().startswith(b"\x89PNG")
    file.unlink()
    none = mlops("quarantine", "sheet", "--output", file, "--source", "nobody")
    assert (none.exit_code, file.exists()) == (0, False)
    assert mlops("quarantine", "sheet", "--output", tmp_path / "no" / "where.png").exit_code == 2


def test_train_asks_for_a_training(copied: Filled):
    assert told("train", "--reason", "more night")[0]["request_id"] == "scene-0002"


def test_verify_exits_with_one_when_it_finds_something(copied: Filled):
    assert mlops("verify").stdout == "all right\n"
    rows = all_tables()["raw_media"].rows(copied.lake).filter(pl.col("path") == "gate.png")
    (copied.home / "lake" / rows.select("vault_path").collect().item()).unlink()
    assert "bytes_lost" in mlops("verify").stdout
    (row,) = told("verify", "--quick", code=1)
    assert row["problem"] == "bytes_lost"


def test_land_delivers_into_the_landing_zone(empty: Path, tmp_path: Path):
    (tmp_path / "clip.mp4").write_bytes(b"clip")
    (tmp_path / "clip.mp4.json").write_text("{}")
    rows = told("land", tmp_path / "clip.mp4", "--source", "camera-01")
    assert [row["done"] for row in rows] == ["landed", "landed"]
    assert (empty / "landing/camera-01/clip.mp4").read_bytes() == b"clip"
    shown = mlops("land", tmp_path / "clip.mp4", "--source", "camera-01").stdout
    assert shown.startswith("2 were there already")


def test_the_shell_completes_tables_partitions_and_sources(filled: Filled):
    assert completion.table_names("frame") == ["frames", "frame_embeddings"]
    assert completion.partition_keys("camera") == [filled.partition.key]
    assert completion.source_names("") == ["camera-01"]
    assert completion.source_names("x") == []


def test_names_of_files_cannot_move_the_cursor_or_colour_the_table():
    assert output.cell("\x1b[31mred\x07.mp4") == "\ufffd[31mred\ufffd.mp4"
    frame = pl.DataFrame({"path": ["[bold]x[/bold].mp4"], "share": [float("nan")]})
    output.print_json(frame)
    output.show(frame)


def test_json_has_no_nan_and_iso_times(capsys: pytest.CaptureFixture[str]):
    frame = pl.DataFrame({"at": ["2026-11-20T12:00:00Z"], "share": [float("nan")]})
    output.print_json(frame.with_columns(pl.col("at").str.to_datetime(time_zone="UTC")))
    assert json.loads(capsys.readouterr().out) == [
        {"at": "2026-11-20T12:00:00+00:00", "share": None}
    ]


def test_looking_imports_nothing_heavy(filled: Filled):
    """In a process of its own: this one has imported everything."""
    commands = ["status", "plan", "trace models scene/1", "impact camera-01/gate.png"]
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from mlops_assets.cli import app\n"
        f"for command in {commands!r}:\n"
        "    assert CliRunner().invoke(app, command.split()).exit_code == 0, command\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
