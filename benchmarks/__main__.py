"""`python -m benchmarks [names] [--quick]`: run benchmarks, print a table, write results."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.catalogue import BENCHMARKS, measure
from benchmarks.measuring import Options
from benchmarks.publishing import publish
from benchmarks.results import RESULTS, shown


def main() -> None:
    """Run what was asked for; what is missed is told, and is no failure."""
    asked = _arguments()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    console = Console(width=None if os.isatty(1) else 140)
    results = []
    with tempfile.TemporaryDirectory(prefix="mlops-benchmarks-") as scratch:
        options = Options(
            Path(scratch), asked.cache, quick=asked.quick, repeats=asked.repeats, clips=asked.clips
        )
        for name in asked.names or BENCHMARKS:
            console.print(f"{name} ...")
            results.append(measure(name, options, asked.results))
    console.print(shown(results))
    if asked.results == RESULTS:
        publish()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="small and once: does it work at all?")
    parser.add_argument("--repeats", type=int, default=5, help="runs whose median counts")
    parser.add_argument(
        "--clips", type=Path, help="a folder of real clips instead of rendered ones"
    )
    parser.add_argument(
        "--cache", type=Path, default=_cache(), help="where rendered clips are kept"
    )
    parser.add_argument("--results", type=Path, help="where results go; none are kept of --quick")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(BENCHMARKS)
    if unknown:
        parser.error(
            f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}"
        )
    if asked.results is None and not asked.quick:
        asked.results = RESULTS
    return asked


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "mlops-assets" / "benchmarks"


if __name__ == "__main__":
    main()
