"""The daemon, for real: files land, and nobody touches anything until there are verdicts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlops_assets.cli.serving import environment_for, serve
from mlops_assets.lake import Lake, use_lake
from mlops_assets.operations.behind import STATES, behind_partitions
from mlops_assets.samples import render_still
from mlops_assets.settings import settings

LIMIT_S = 240


@pytest.mark.slow
def test_files_that_land_become_verdicts_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path))
    settings.cache_clear()
    (tmp_path / "landing").mkdir()
    staged = tmp_path / "rendered"
    staged.mkdir()
    for number in range(3):
        render_still(staged / f"{number}.jpg", size=(96, 72), seed=number)
    (staged / "note.txt").write_text("A van waits at the north gate.")
    staged.rename(tmp_path / "landing" / "camera-01")
    lake = Lake.at(str(tmp_path / "lake"))
    with serve(tmp_path, environment_for(tmp_path, MLOPS_SETTLE_S="1")), use_lake(lake):
        started = time.monotonic()
        while not is_done(lake):
            assert time.monotonic() - started < LIMIT_S, (tmp_path / "dagster.log").read_text()
            time.sleep(1)
    settings.cache_clear()
    assert STATES.statements(lake)["state"].to_list() == ["reached"]
    counts = {name: rows_of(lake, name) for name in ("raw_media", "frames", "chunk_embeddings")}
    assert counts == {"raw_media": 4, "frames": 3, "chunk_embeddings": 1}
    assert rows_of(lake, "drift_verdicts") > 10


def is_done(lake: Lake) -> bool:
    states = behind_partitions(lake)
    return states["files"].sum() == 4 and not states["is_behind"].any()


def rows_of(lake: Lake, name: str) -> int:
    rows = lake.scan(name)
    return 0 if rows is None else rows.collect().height
