"""`mlops flow`: judging on data sets, and taking stored fields out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mlops_assets.cli import app
from mlops_assets.flow import decode_flow, encode_flow, read_flo, write_flo
from mlops_assets.flow.formats.kitti import read_kitti, write_kitti
from mlops_assets.operations.motion import stored_flow
from mlops_assets.tables.optical_flows import Flow, decode_field, optical_flows
from mlops_assets_tests.flow.evaluation import truths
from mlops_assets_tests.operations.conftest import Filled

AGREED = ["pair", "backend", "preset", "epe_px", "aae_deg", "over_1px", "over_3px", "fl", "seconds"]
QUICK = ("--backend", "opencv-dis", "--preset", "fast")


def mlops(*arguments: str | Path):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def told(*arguments: str | Path, code: int = 0) -> list[dict]:
    result = mlops("flow", "evaluate", *arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_evaluate_says_what_programs_expect(tmp_path: Path):
    truths.middlebury(tmp_path / "Urban2")
    truths.middlebury(tmp_path / "Grove2")
    result = mlops("flow", "evaluate", tmp_path, *QUICK, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = json.loads(result.stdout)
    assert [row["pair"] for row in rows] == ["Grove2", "Urban2", "mean"]
    for row in rows:
        assert list(row)[:9] == AGREED
        assert (row["backend"], row["preset"]) == ("opencv-dis", "fast")
        assert 0 < row["epe_px"] < 0.5
        assert row["seconds"] > 0
    assert rows[2]["epe_px"] == pytest.approx((rows[0]["epe_px"] + rows[1]["epe_px"]) / 2)


def test_auto_names_the_backend_that_ran(tmp_path: Path):
    truths.middlebury(tmp_path)
    assert {row["backend"] for row in told(tmp_path)} & {"auto"} == set()


def test_evaluate_for_people(tmp_path: Path):
    truths.sintel(tmp_path, frames=2, passes=("clean",))
    shown = mlops("flow", "evaluate", tmp_path, *QUICK)
    assert shown.exit_code == 0
    for word in ("clean/alley_1/frame_0001", "mean", "AAE", "EPE occluded", "16 tiles of 1 pairs"):
        assert word in shown.stdout
    assert "nan" not in shown.stdout.lower()


def test_a_pair_that_fails_is_told_and_the_others_are_judged(tmp_path: Path):
    truths.middlebury(tmp_path / "A")
    truths.middlebury(tmp_path / "B")
    (tmp_path / "A" / "flow10.flo").unlink()
    bad, good, mean = told(tmp_path, *QUICK, code=1)
    assert bad["epe_px"] is None
    assert "flow10.flo" in bad["error"]
    assert good["error"] is None
    assert mean["epe_px"] == good["epe_px"]
    shown = mlops("flow", "evaluate", tmp_path, *QUICK)
    assert shown.exit_code == 1
    assert "A: no true flow; expected" in shown.stdout.replace("\n", " ")
    assert "1 of 2 pairs could not be judged" in shown.stdout


def test_halves_without_truth_are_told_beside(tmp_path: Path):
    truths.kitti(tmp_path / "training", numbers=(0,))
    truths.save(tmp_path / "testing" / "image_2" / "000000_10.png", truths.pictures()[0])
    result = mlops("flow", "evaluate", tmp_path, *QUICK, "--json")
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)) == 2
    assert "no true flow for the pictures in testing/image_2" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((".",), 2, "no pair with true flow"),
        (("nowhere",), 3, "there is no folder nowhere"),
        (("pair", "--backend", "magic"), 2, "magic"),
        (("pair", "--preset", "extreme"), 2, "extreme"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_code(
    arguments, code, says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "pair":
        truths.middlebury(tmp_path / "pair")
    result = mlops("flow", "evaluate", *arguments, "--json")
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_pictures_and_robustness(tmp_path: Path):
    truths.sintel(tmp_path / "data", frames=3, passes=("clean",))
    drawn = tmp_path / "drawn"
    rows = told(tmp_path / "data", *QUICK, "--pictures", drawn, "--robustness")
    files = {path.relative_to(drawn).as_posix() for path in drawn.rglob("*") if path.is_file()}
    names = {f"clean/alley_1/frame_000{number}.jpg" for number in (1, 2)}
    assert files == names | {"robustness.png"}
    assert rows[0]["robustness_epe_px"]["frame_drop"] is not None
    shown = mlops("flow", "evaluate", tmp_path / "data", *QUICK, "--robustness").stdout
    assert "EPE under disturbances" in shown


def test_pictures_that_cannot_be_written_stop_it(tmp_path: Path):
    truths.middlebury(tmp_path / "pair")
    (tmp_path / "file").write_text("in the way")
    result = mlops("flow", "evaluate", tmp_path / "pair", *QUICK, "--pictures", tmp_path / "file")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


@pytest.fixture
def frame_id(filled: Filled) -> str:
    rows = optical_flows.rows(filled.lake, filled.partition)
    return rows.select("frame_id").collect()["frame_id"].sort()[0]


def test_a_stored_field_comes_out_in_every_form(frame_id: str, filled: Filled, tmp_path: Path):
    rows = optical_flows.rows(filled.lake, filled.partition).collect()
    row = next(one for one in rows.iter_rows(named=True) if one["frame_id"] == frame_id)
    expected = decode_flow(decode_field(Flow.of(row)))
    for name, options in {
        "a.npy": (),
        "a.flo": (),
        "k.png": ("--as", "kitti"),
        "c.png": (),
    }.items():
        result = mlops("flow", "decode", frame_id, tmp_path / name, *options)
        assert result.exit_code == 0, result.output
        assert name in result.stdout
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), expected)
    np.testing.assert_array_equal(read_flo((tmp_path / "a.flo").read_bytes()), expected)
    kitti = read_kitti((tmp_path / "k.png").read_bytes())
    assert np.nanmax(np.abs(kitti - expected)) <= 1 / 128
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.size == expected.shape[:0:-1]


def test_a_shortened_key_is_enough_and_a_shorter_one_too_much(frame_id: str, tmp_path: Path):
    media, mark, number = frame_id.partition("#")
    np.testing.assert_array_equal(stored_flow(f"{media[:10]}{mark}{number}"), stored_flow(frame_id))
    result = mlops("flow", "decode", media[:10], tmp_path / "a.npy")
    assert result.exit_code == 2
    assert "give more" in result.stderr
    missing = mlops("flow", "decode", "0" * 64 + "#000001", tmp_path / "a.npy")
    assert missing.exit_code == 3
    assert "mlops explain" in missing.stderr
    assert not (tmp_path / "a.npy").exists()


@pytest.mark.parametrize("scale_log2", [0, 1])
def test_a_blob_in_a_file_is_decoded_by_its_size(scale_log2, tmp_path: Path):
    encoded = encode_flow(truths.truth(), scale_log2=scale_log2)
    blob = truths.write(tmp_path / "field.blob", encoded.blob)
    size = f"{truths.WIDTH}x{truths.HEIGHT}"
    assert mlops("flow", "decode", blob, tmp_path / "a.npy", "--size", size).exit_code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), decode_flow(encoded))
    wrong = mlops("flow", "decode", blob, tmp_path / "b.npy", "--size", "8x8")
    assert (wrong.exit_code, (tmp_path / "b.npy").exists()) == (2, False)
    assert mlops("flow", "decode", blob, tmp_path / "b.npy").exit_code == 2


def test_files_of_the_field_are_turned_into_one_another(tmp_path: Path):
    flo = truths.write(tmp_path / "a.flo", write_flo(truths.truth()))
    assert mlops("flow", "decode", flo, tmp_path / "b.png", "--as", "kitti").exit_code == 0
    assert mlops("flow", "decode", tmp_path / "b.png", tmp_path / "c.npy").exit_code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "c.npy"), truths.truth())
    assert (tmp_path / "b.png").read_bytes() == write_kitti(truths.truth())


def test_damage_and_unknown_endings_are_one_line(tmp_path: Path):
    junk = truths.write(tmp_path / "junk.flo", b"junk")
    damaged = mlops("flow", "decode", junk, tmp_path / "a.npy")
    assert damaged.exit_code == 2
    assert damaged.stderr.startswith("mlops: b'junk' opens the file")
    ending = mlops("flow", "decode", junk, tmp_path / "a.txt")
    assert ending.exit_code == 2
    assert "--as" in ending.stderr
