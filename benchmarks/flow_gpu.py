"""`python -m benchmarks.flow_gpu [folder]`: the flow kernels on a GPU, in one run of some minutes.

Looks for a device first and stops where there is none. Every part then runs in a process of its
own, so that one that fails, or lacks a library, costs no more than itself. Results are written
after each part. `--estimate` needs no device: what the kernels must move, and how long that takes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.flow_gpu_figures import figures
from benchmarks.flow_gpu_traffic import RATES, estimated_s, traffic, weighed_program
from benchmarks.publishing import publish
from benchmarks.results import PACKAGES, RESULTS, Result, shown
from mlops_assets.flow.arrays import device_problem
from mlops_assets.flow.solvers.variational.schedule import PRESETS

NAME = "flow_gpu"
PARTS = (
    *("device", "correctness", "speed", "kernels", "tiling", "end_to_end"),
    *("accuracy", "asset", "cucim", "dis"),
)
SECONDS_OF_A_PART = 240
NO_DEVICE, SOMETHING_FAILED = 2, 1
ROOT = Path(__file__).parents[1]
REAL_PAIRS = ROOT.parent / "shared" / "media" / "flow"

METHOD = """Each part in a process of its own, warmed up. `ms a pair` of 1, 8 and 32 pairs: frames
and result on the device, between two CUDA events around one call, replayed as a CUDA graph (single
launches are in the details); median of seven. Correctness: against the reference in NumPy on odd
shapes, every preset. End to end: 640 pairs from frames in host memory to flow packed on the device,
compressed on 16 host threads, and statistics, batches of 32 alternating between two streams, wall
time. `needed bytes` counts each value a kernel reads or writes once; the copy counts bytes read and
written. cuCIM and OpenCV run on the same pictures."""


def main() -> int:
    """Run the parts and say what they came to; not 0 without a device, or when a part failed."""
    asked = _arguments()
    console = Console(width=None if os.isatty(1) else 140)
    if asked.estimate:
        console.print(_estimates())
        return 0
    if asked.part:
        print(json.dumps(_done(asked.part, asked.quick, str(asked.folder))))
        return 0
    problem = device_problem()
    if problem is not None:
        print(f"No GPU can be used here: {problem}. Nothing was measured.", file=sys.stderr)
        return NO_DEVICE
    parts: dict[str, Any] = {}
    for name in asked.only or PARTS:
        console.print(f"{name} ...")
        parts[name] = _in_own_process(name, asked)
        for word in ("skipped", "failed"):
            if word in parts[name]:
                console.print(f"  {word}: {parts[name][word]}", markup=False)
        _save(parts, asked)
    result = Result(NAME, METHOD, tuple(figures(parts)), parts)
    console.print(shown([result]))
    if asked.results == RESULTS:
        publish()
    has_failed = any("failed" in part for part in parts.values())
    return SOMETHING_FAILED if has_failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.flow_gpu", description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=REAL_PAIRS, help="pairs with measured truth"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts only")
    parser.add_argument("--quick", action="store_true", help="small and once: does it work at all?")
    parser.add_argument("--results", type=Path, help="where results go; none are kept of --quick")
    parser.add_argument("--estimate", action="store_true", help="no device: bytes and their time")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.results is None and not asked.quick:
        asked.results = RESULTS
    return asked


def _done(name: str, quick: bool, folder: str) -> dict[str, Any]:
    """What one part measured in this process, or why it cannot."""
    try:
        return _part(name, quick, folder)()
    except ImportError as err:
        return {"skipped": f"{type(err).__name__}: {err}"}


def _part(name: str, quick: bool, folder: str) -> Callable[[], dict[str, Any]]:
    from benchmarks import flow_gpu_data, flow_gpu_parts

    if name == "accuracy":
        return partial(flow_gpu_data.accuracy, quick, folder)
    if name == "asset":
        return partial(flow_gpu_data.asset, quick)
    return partial(getattr(flow_gpu_parts, name), quick)


def _in_own_process(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.flow_gpu", str(asked.folder), "--part", name]
    command += ["--quick"] if asked.quick else []
    environment = {"HF_HUB_OFFLINE": "1", **os.environ, "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_OF_A_PART,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {SECONDS_OF_A_PART} s"}
    if done.returncode != 0 or not done.stdout.strip():
        return {"failed": f"exit status {done.returncode}: {done.stderr[-3000:]}"}
    return json.loads(done.stdout.splitlines()[-1])


def _save(parts: Mapping[str, Any], asked: argparse.Namespace) -> None:
    """Write what there is so far, in the form of every other benchmark's results."""
    if asked.results is None:
        return
    found = figures(parts)
    told = {
        "benchmark": NAME,
        "method": METHOD,
        "figures": [{**asdict(figure), "verdict": figure.verdict} for figure in found],
        "details": parts,
        "run": {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": asked.quick,
            "load_before": round(os.getloadavg()[0], 2),
        },
        "machine": _machine(parts),
    }
    asked.results.mkdir(parents=True, exist_ok=True)
    path = asked.results / f"{NAME}.json"
    path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


def _machine(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What it ran on: a GPU machine need not have every library of the platform."""
    here = parts.get("device", {})
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": here.get("name", "an unknown GPU"),
        "memory_gb": here.get("memory_gb"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {
            name: _version(name) for name in (*PACKAGES, "cupy-cuda12x", "cupy-cuda13x", "cucim")
        },
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _estimates() -> Table:
    """What 1280 x 720 and 640 x 360 would take at the published rates of memory."""
    table = Table("preset", "size", "pairs", "launches", "kB a pixel", *(f"ms, {n}" for n in RATES))
    for size in ((720, 1280), (360, 640)):
        for preset in PRESETS:
            for pairs in (1, 32):
                launches = weighed_program(size, preset, pairs).launches
                moved = sum(one.bytes for one in traffic(launches).values())
                table.add_row(
                    preset,
                    f"{size[1]} x {size[0]}",
                    str(pairs),
                    str(len(launches)),
                    f"{moved / pairs / size[0] / size[1] / 1e3:.2f}",
                    *(f"{1e3 * estimated_s(launches, r) / pairs:.3f}" for r in RATES.values()),
                )
    return table


if __name__ == "__main__":
    sys.exit(main())
