"""The latest figures in the README, written from the results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.results import RESULTS

README = Path(__file__).parent / "README.md"
_BEGIN, _END = "<!-- figures -->\n", "<!-- /figures -->\n"


def publish(readme: Path = README, results: Path = RESULTS) -> None:
    """Write the table of the latest figures into the README."""
    text = readme.read_text()
    before, rest = text.split(_BEGIN)
    after = rest.split(_END)[1]
    readme.write_text(before + _BEGIN + figures(results) + _END + after)


def figures(results: Path = RESULTS) -> str:
    """The figures of every result as a Markdown table, and where they were taken."""
    told = [json.loads(path.read_text()) for path in sorted(results.glob("*.json"))]
    lines = [line for result in told for line in _lines(result)]
    head = ["| benchmark | figure | target | measured | |", "|---|---|---|---|---|"]
    loads = ", ".join(f"{one['benchmark']} {one['run']['load_before']:g}" for one in told)
    places = dict.fromkeys(_place(one) for one in told)
    return "\n".join([*head, *lines, "", *places, f"Load before: {loads}."]) + "\n"


def _lines(result: dict[str, Any]) -> Iterator[str]:
    for figure in result["figures"]:
        target = "" if figure["target"] is None else f"{figure['target']:g}"
        runs = figure["runs"]
        between = f" ({min(runs):.3g} to {max(runs):.3g})" if len(runs) > 1 else ""
        verdict = {"missed": "**missed**", "informative": ""}.get(
            figure["verdict"], figure["verdict"]
        )
        measured = f"{figure['value']:.3g} {figure['unit']}{between}"
        yield f"| {result['benchmark']} | {figure['name']} | {target} | {measured} | {verdict} |"


def _place(result: dict[str, Any]) -> str:
    machine, versions = result["machine"], result["machine"]["versions"]
    names = ("av", "dagster", "deltalake", "polars")
    return (
        f"Taken on {machine['processor']}, {machine['cores']} cores, Python {machine['python']}, "
        + ", ".join(f"{name} {versions[name]}" for name in names)
        + f", {result['run']['at'][:10]}."
    )
