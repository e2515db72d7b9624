"""A folder judged: nothing is missing, nothing is followed, nothing takes the others down."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mlops_assets.gates import GATES, Limits
from mlops_assets.gates.checking import FileVerdict, Isolation, check_folder
from mlops_assets.gates.checking.isolation import start_workers
from mlops_assets.gates.checking.walking import reachable, walk_folder
from mlops_assets.gates.pixels import PIXEL_GATES, Decoded, Finding, find, judge_decoded
from mlops_assets_tests.gates import rendered as r
from mlops_assets_tests.gates.hostile import behave
from mlops_assets_tests.gates.mutating import write_mutated

SMALL = Isolation(workers=2, cpu_s=20, memory_bytes=2_000_000_000)
NOT_UTF8 = os.fsdecode(b"na\xefve.txt")


def by_path(rows: list[FileVerdict]) -> dict[str, FileVerdict]:
    found = {row.path: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_every_misbehaviour_costs_one_call_and_has_its_reason(capfd):
    expected = {
        "crash": "decoder_crashed",
        "spin": "timed_out",
        "sleep": "timed_out",
        "eat": "out_of_memory",
        "be killed": "out_of_memory",
        "exit": "decoder_crashed",
        "raise": "decoder_crashed",
        "vanish": "vanished",
    }
    calls = ["well", *expected, "print", "well"]
    bounds = Isolation(workers=2, cpu_s=1, memory_bytes=800_000_000)
    with start_workers(bounds) as workers:
        outcomes = [(how, outcome) for how, outcome, _ in workers.run(behave, calls)]
    assert sorted(how for how, _ in outcomes) == sorted(calls)
    for how, outcome in outcomes:
        if how in expected:
            assert isinstance(outcome, Finding)
            assert (how, outcome.code) == (how, expected[how])
            assert outcome.is_fatal
        else:
            assert outcome == how
    assert capfd.readouterr() == ("", "")


def test_what_is_not_done_in_time_is_given_up():
    bounds = Isolation(workers=1, cpu_s=60, memory_bytes=800_000_000)
    with start_workers(bounds) as workers:
        assert [how for how, *_ in workers.run(behave, ["well"], limit_s=60)] == ["well"]
        assert list(workers.run(behave, ["sleep", "spin"], limit_s=0.2)) == []
        assert [how for how, *_ in workers.run(behave, ["well"])] == ["well"]


def hostile_folder(root: Path) -> set[str]:
    """Everything a folder may hold; returns the path of every entry that is no folder."""
    outside = root.parent / "outside.txt"
    outside.write_text("secret")
    (root / "b").mkdir(parents=True)
    (root / "out").symlink_to(outside)
    (root / "out-folder").symlink_to(root.parent)
    (root / "dangling").symlink_to("nowhere")
    (root / "b" / "loop").symlink_to(".")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(root)
        one.bind("socket")
        os.chdir(here)
    for name in (NOT_UTF8, "new\nline.txt", "-rf", " ", "\x1b[31m.txt", "n" * 255, ".hidden"):
        (root / name).write_text(f"a text named {name!a}")
    with (root / "sparse").open("wb") as file:
        file.truncate(30_000_000_000)
    (root / "a.jpg").write_bytes(r.photo())
    (root / "b" / "copy.jpg").write_bytes(r.photo())
    (root / "b" / "copy.jpg.json").write_bytes(r.takeout())
    (root / "b" / "bad.jpg").write_bytes(r.photo(progressive=True))
    (root / "b" / "bad.jpg.json").write_text("{")
    (root / "b" / "labels.csv").write_text("path,label\ncopy.jpg,cat\n")
    (root / "labels.csv").write_text("path,label\ncopy.jpg,cat\n")
    (root / "empty").write_bytes(b"")
    (root / "empty2").write_bytes(b"")
    names = {os.fsdecode(p.relative_to(root)) for p in root.rglob("*") if not is_folder(p)}
    return names | {deep_file(root)}


def is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def deep_file(root: Path) -> str:
    """A file under a path longer than the system opens in one go."""
    here = Path.cwd()
    os.chdir(root)
    for _ in range(25):
        Path("d" * 200).mkdir()
        os.chdir("d" * 200)
    Path("deep.txt").write_text("a text far down")
    os.chdir(here)
    return "/".join(["d" * 200] * 25 + ["deep.txt"])


def test_a_hostile_folder_has_a_row_for_everything_in_it(tmp_path):
    root = tmp_path / "root"
    expected = hostile_folder(root)
    told: list[tuple[int, int]] = []
    rows = check_folder(root, isolation=SMALL, progress=lambda *at: told.append(at))
    found = by_path(rows)
    assert set(found) == expected
    assert [row.path for row in rows] == sorted(expected)
    reasons = {path: row.reason for path, row in found.items() if row.reason}
    assert reasons == {
        "out": "symbolic_link",
        "out-folder": "symbolic_link",
        "dangling": "symbolic_link",
        "b/loop": "symbolic_link",
        "pipe": "not_a_file",
        "socket": "not_a_file",
        "sparse": "too_many_bytes",
        "b/copy.jpg": "duplicate",
        "b/bad.jpg.json": "invalid_json",
        "empty": "empty",
        "empty2": "empty",
    }
    copy = found["b/copy.jpg"]
    assert (copy.status, copy.duplicate_of) == ("duplicate", "a.jpg")
    assert copy.captured_at_from == "sidecar"
    assert (found["b/copy.jpg.json"].kind, found["b/copy.jpg.json"].status) == (
        "sidecar",
        "accepted",
    )
    assert "bad_sidecar" in found["b/bad.jpg"].flags
    assert (found["labels.csv"].kind, found["b/labels.csv"].status) == ("labels", "accepted")
    assert all(row.message for row in rows if row.reason)
    assert told[-1][0] == told[-1][1] == len(rows)


def test_an_empty_folder_has_no_rows(tmp_path):
    assert check_folder(tmp_path, isolation=SMALL) == []


def test_a_folder_that_cannot_be_listed_is_a_row(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    listing = os.scandir

    def refuse(folder):
        if Path(f"/proc/self/fd/{folder}").readlink().name == "closed":
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    (entry,) = [entry for entries in walk_folder(tmp_path) for entry in entries]
    assert entry.path == "closed"
    assert entry.problem is not None
    assert entry.problem.code == "no_permission"


def test_a_folder_swapped_for_a_link_is_not_entered(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("x")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / ("d" * 200)).symlink_to(tmp_path / "other")
    long = "/".join(["d" * 200] * 20 + ["a.txt"])
    with pytest.raises(OSError, match=r"."), reachable(tmp_path / "root", long):
        pass


def test_a_file_that_kills_its_decoder_keeps_its_kind(tmp_path):
    (tmp_path / "huge.png").write_bytes(r.huge_png(9_000))
    (tmp_path / "a.txt").write_text("words")
    tight = Isolation(workers=1, cpu_s=20, memory_bytes=500_000_000)
    found = by_path(check_folder(tmp_path, isolation=tight))
    assert (found["huge.png"].kind, found["huge.png"].reason) == ("image", "out_of_memory")
    assert found["a.txt"].status == "accepted"


def test_limits_are_those_that_were_given(tmp_path):
    (tmp_path / "a.jpg").write_bytes(r.photo())
    (row,) = check_folder(tmp_path, limits=Limits(max_pixels=100), isolation=SMALL)
    assert row.reason == "too_many_pixels"
    assert "100" in row.message


def test_what_is_lost_is_judged_by_the_limit():
    (salvaged,) = judge_decoded(Decoded(share_lost=0.5, unit="of its rows are"), Limits())
    assert (salvaged.code, salvaged.is_fatal) == ("salvaged", False)
    assert "50.0% of its rows are lost" in salvaged.message
    (left,) = judge_decoded(Decoded(share_lost=0.5), Limits(max_share_lost=0.4))
    assert (left.code, left.is_fatal) == ("little_is_left", True)
    assert "limit 40%" in left.message
    assert judge_decoded(Decoded(), Limits()) == []
    assert PIXEL_GATES


def test_a_finding_speaks_the_words_of_the_table():
    assert find("too_long", "it lasts 3 s; limit 2 s").message == (
        f"{GATES['too_long'].says} (it lasts 3 s; limit 2 s)"
    )


def test_two_hundred_mutated_files_have_a_row_each(tmp_path):
    folder = tmp_path / "mutated"
    write_mutated(folder, 200, seed=20_261_121)
    rows = check_folder(folder, isolation=SMALL)
    assert len(by_path(rows)) == 200
    for row in rows:
        assert row.status == ("accepted" if not row.reason else row.status)
        assert {row.reason, *row.flags} <= {"", "duplicate", *GATES}
        assert row.reason != "decoder_crashed" or "signal" in row.message or "fault" in row.message
