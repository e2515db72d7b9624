"""The GPU benchmark as far as a machine without one goes: it says so, and what it would report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import flow_gpu, flow_gpu_parts
from benchmarks.flow_gpu_figures import figures
from benchmarks.flow_gpu_traffic import RATES, estimated_s, traffic, weighed_program
from mlops_assets.flow.solvers.variational.schedule import PRESETS

ROOT = Path(flow_gpu.__file__).parents[1]

PARTS = {
    "device": {"copy_bytes_per_s": 3e12, "kernels": {"relax": {"spilled_bytes": 0}}, "name": "G"},
    "correctness": {
        "rows": [
            dict.fromkeys(
                (
                    *("to_reference_px", "reference_there_px", "batched_to_single_px"),
                    *("graph_to_launches_px", "frames_there_px"),
                ),
                value,
            )
            for value in (0.0, 2e-3)
        ]
    },
    "speed": {
        "rows": [
            {
                "size": [720, 1280],
                "preset": "balanced",
                "pairs": 32,
                "as_graph": as_graph,
                "ms_a_pair": [0.9, 1.1, 1.2],
            }
            for as_graph in (True, False)
        ]
    },
    "kernels": {"balanced": {"all": {"gb_per_s": 1500}}},
    "tiling": {"balanced": {"4 rows, 3 sweeps": [0.5], "2 rows, 5 sweeps": [0.4]}},
    "end_to_end": {"rows": [{"preset": "balanced", "scale_log2": 1, "pairs_per_s": [800, 1000]}]},
    "cucim": {"skipped": "ModuleNotFoundError: No module named 'cucim'"},
    "dis": {"failed": "exit status 1"},
    "accuracy": {
        "rows": [
            {"group": "large", "epe_px": {"cupy quality": 3.0, "OpenCV DIS medium": 4.0}},
            {"group": "real", "epe_px": {"cupy quality": 0.2, "OpenCV DIS medium": 0.4}},
        ]
    },
    "asset": {"rows": 8, "backends": {"cupy": 8}},
}


def test_without_a_device_it_stops_with_a_message_and_writes_nothing(tmp_path):
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.flow_gpu", "--results", str(tmp_path / "results")],
        cwd=ROOT,
        env=hidden,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == flow_gpu.NO_DEVICE
    assert "No GPU can be used here" in done.stderr
    assert not (tmp_path / "results").exists()


def test_figures_are_judged_by_their_targets_and_parts_that_did_not_run_give_none():
    found = {figure.name: figure for figure in figures(PARTS)}

    assert found["kernels to reference, largest difference"].verdict == "missed"
    assert found["balanced, 1280 x 720, 32 at a time"].value == 1.1
    assert found["balanced, 1280 x 720, 32 at a time"].verdict == "missed"
    assert found["balanced: needed bytes a second over a copy's"].value == 0.5
    assert found["balanced, 8 at a time, fastest tiling: 2 rows, 5 sweeps"].value == 0.4
    assert found["EPE large: cupy quality over DIS medium"].verdict == "met"
    assert found["EPE real: cupy quality"].verdict == "met"
    end_to_end = "balanced, host to compressed half resolution and statistics"
    assert found[end_to_end].value == 1.125
    assert found["rows of optical_flows that another backend solved"].verdict == "met"
    assert not any("cuCIM" in name or "processes" in name for name in found)


def test_every_part_runs_by_its_name():
    assert set(PARTS) == set(flow_gpu.PARTS)
    for name in flow_gpu.PARTS:
        assert callable(flow_gpu._part(name, True, ""))


def test_a_part_that_lacks_a_library_is_skipped_with_its_reason(monkeypatch):
    def lacking(quick):
        raise ModuleNotFoundError("No module named 'cucim'")

    monkeypatch.setattr(flow_gpu_parts, "cucim", lacking)

    assert flow_gpu._done("cucim", True, "") == {
        "skipped": "ModuleNotFoundError: No module named 'cucim'"
    }


def test_results_have_the_form_of_the_other_benchmarks(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["flow_gpu", "--results", str(tmp_path)])

    flow_gpu._save(PARTS, flow_gpu._arguments())

    told = json.loads((tmp_path / "flow_gpu.json").read_text())
    assert told["benchmark"] == "flow_gpu"
    assert {figure["verdict"] for figure in told["figures"]} == {"met", "missed", "informative"}
    assert told["machine"]["processor"] == "G"
    assert told["machine"]["versions"]["cucim"] == "not installed"
    assert not told["run"]["quick"]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_estimate_grows_with_pixels_and_pairs_and_falls_with_the_rate(preset):
    small = weighed_program((90, 160), preset, 4).launches
    twice = weighed_program((90, 160), preset, 8).launches
    large = weighed_program((360, 640), preset, 4).launches

    moved = [sum(one.bytes for one in traffic(one).values()) for one in (small, twice, large)]
    assert 1.8 < moved[1] / moved[0] < 2.01
    assert 12 < moved[2] / moved[0] < 48  # 16 times the pixels, and a longer search
    assert estimated_s(large, RATES["H200"]) < estimated_s(large, RATES["H100"])


def test_a_relaxation_is_charged_with_its_arrays_once():
    found = traffic(weighed_program((8, 8), "balanced", 1).launches)

    sweeps = found["relax"]
    assert sweeps.bytes == sweeps.launches * (7 + 2 + 2) * 4 * 8 * 8
