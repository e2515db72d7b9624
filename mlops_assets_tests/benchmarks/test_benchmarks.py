from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.catalogue import BENCHMARKS, measure
from benchmarks.measuring import Options, Spread, take_turns
from benchmarks.publishing import README, figures
from benchmarks.results import RESULTS, Figure, Result, save, shown


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name != "nothing_new"])
def test_a_quick_benchmark_writes_its_figures_and_its_method(
    name: str, cache: Path, tmp_path: Path
):
    options = Options(tmp_path / "scratch", cache, quick=True)
    result = measure(name, options, tmp_path / "results")
    told = json.loads((tmp_path / "results" / f"{name}.json").read_text())
    assert [figure["name"] for figure in told["figures"]] == [f.name for f in result.figures]
    assert all(figure["value"] >= 0 for figure in told["figures"])
    assert told["method"]
    assert told["run"]["quick"]
    assert told["machine"]["versions"]["polars"]


@pytest.mark.slow
def test_nothing_new_imports_nothing_heavy_and_requests_no_run(cache: Path, tmp_path: Path):
    result = measure("nothing_new", Options(tmp_path, cache, quick=True), None)
    figures = {figure.name: figure.value for figure in result.figures}
    assert figures["heavy modules imported"] == 0
    assert figures["runs requested when the sensor asks first"] == 0


def test_every_committed_result_is_of_a_whole_run_of_a_benchmark_there_is():
    for path in RESULTS.glob("*.json"):
        told = json.loads(path.read_text())
        assert told["benchmark"] == path.stem
        assert path.stem in {*BENCHMARKS, "flow_gpu"}  # which runs on its own
        assert not told["run"]["quick"]


def test_the_readme_shows_the_committed_figures():
    assert figures() in README.read_text()


def test_a_figure_over_its_target_is_called_missed():
    assert Figure("first run", 1.4, "x floor", 1.3).verdict == "missed"
    assert Figure("first run", 1.3, "x floor", 1.3).verdict == "met"
    assert Figure("floor", 4.0, "s").verdict == "informative"


def test_sides_take_turns_and_the_warm_up_does_not_count():
    order: list[str] = []
    sides = {"ours": lambda: order.append("ours"), "floor": lambda: order.append("floor")}
    taken = take_turns(sides, times=2, warm_up=1)
    assert order == ["ours", "floor"] * 3
    assert {name: len(spread.runs) for name, spread in taken.items()} == {"ours": 2, "floor": 2}


def test_a_ratio_is_formed_run_by_run():
    assert Spread.of([2.0, 9.0, 3.0]).over(Spread.of([1.0, 3.0, 2.0])).median == 2.0


def test_a_table_names_every_figure(tmp_path: Path):
    result = Result("ingest", "how", (Figure("first run", 1.2, "x floor", 1.3, (1.1, 1.3)),))
    assert shown([result]).row_count == 1
    assert save(result, Options(tmp_path, tmp_path), tmp_path, 0.5).name == "ingest.json"
