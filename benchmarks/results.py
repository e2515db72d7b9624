"""What a benchmark says: figures with their targets, the method, the machine; kept as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from benchmarks.measuring import Options, Spread

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "av",
    "dagster",
    "deltalake",
    "mlops-assets",
    "numpy",
    "opencv-python-headless",
    "polars",
)

Verdict = Literal["met", "missed", "informative"]


@dataclass(frozen=True)
class Figure:
    """One number a benchmark is about.

    Args:
        name: what was measured.
        value: the median.
        unit: such as `x floor`, `s`, `MB`.
        target: the most it may be; None for a figure that only informs.
        runs: the single runs, if there were several.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    runs: tuple[float, ...] = ()

    @classmethod
    def of(cls, name: str, spread: Spread, unit: str, target: float | None = None) -> Figure:
        """The median of several runs."""
        return cls(name, spread.median, unit, target, spread.runs)

    @property
    def verdict(self) -> Verdict:
        """Whether the target was met."""
        if self.target is None:
            return "informative"
        return "met" if self.value <= self.target else "missed"


@dataclass(frozen=True)
class Result:
    """What one benchmark came to.

    Args:
        benchmark: its name.
        method: how it was measured, in a few sentences.
        figures: what it came to.
        details: what else is worth keeping; JSON values.
    """

    benchmark: str
    method: str
    figures: tuple[Figure, ...]
    details: dict[str, Any] = field(default_factory=dict)


def save(result: Result, options: Options, folder: Path, load: float) -> Path:
    """Write a result as `<benchmark>.json`.

    Args:
        result: what to write.
        options: how it was run.
        folder: where to.
        load: the machine's load average when it began.
    """
    told = asdict(result)
    told["figures"] = [{**asdict(figure), "verdict": figure.verdict} for figure in result.figures]
    told["run"] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "seed": options.seed,
        "repeats": options.times,
        "load_before": round(load, 2),
    }
    told["machine"] = machine()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.benchmark}.json"
    path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
    return path


def machine() -> dict[str, Any]:
    """What it ran on, and with which versions."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def shown(results: Iterable[Result]) -> Table:
    """A table for people: target, measured, met or missed."""
    table = Table("benchmark", "figure", "target", "measured", "least to most", "")
    colours = {"met": "green", "missed": "red", "informative": "dim"}
    for result in results:
        for figure in result.figures:
            target = "" if figure.target is None else f"<= {figure.target:g} {figure.unit}"
            runs = figure.runs
            between = f"{min(runs):.3g} to {max(runs):.3g}" if len(runs) > 1 else ""
            table.add_row(
                result.benchmark,
                figure.name,
                target,
                f"{figure.value:.3g} {figure.unit}",
                between,
                f"[{colours[figure.verdict]}]{figure.verdict}",
            )
    return table
