"""The tables, plots and the picture of the flow page, made from the results.

`python -m benchmarks.flow_page` after `python -m benchmarks flow_accuracy`.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flow_accuracy import cpu_over, mean_of
from benchmarks.flow_methods import ALONE, DIS_MEDIUM, KINDS, Method, methods, rendered_pairs
from benchmarks.results import RESULTS
from mlops_assets.flow import colour_picture
from mlops_assets.flow.evaluation import (
    DISTURBANCES,
    Tile,
    calibration_plot,
    flow_errors,
    robustness_plot,
)
from mlops_assets.flow.evaluation.pictures import side_by_side

PAGE = Path(__file__).parents[1] / "docs" / "flow.md"
README = PAGE.parents[1] / "README.md"
PICTURES = PAGE.parent / "pictures"
_RESULT = RESULTS / "flow_accuracy.json"
_SHOWN = ("reference quality", DIS_MEDIUM, "scikit-image TV-L1")
_MARK = "<!-- {} -->\n"
_UNDER = ("undisturbed", *DISTURBANCES)
_SAMPLES = ("real", "rendered", "all")
_PARTS = ("accuracy", "rendered", "robustness", "calibration", "place")

Rows = Sequence[dict[str, Any]]


def publish_page(page: Path = PAGE, result: Path = _RESULT) -> None:
    """Write the tables of the result into a page, each where its mark stands."""
    text = page.read_text()
    for name, table in page_tables(result).items():
        begin, end = _MARK.format(name), _MARK.format(f"/{name}")
        if begin in text:
            before, rest = text.split(begin)
            text = before + begin + table + end + rest.split(end)[1]
    page.write_text(text)


def page_tables(result: Path = _RESULT) -> dict[str, str]:
    """Every part of the page that holds figures, as Markdown, by name."""
    told = json.loads(result.read_text())
    found = told["details"]
    rows = [row for row in found["accuracy"] if not row["method"].endswith(ALONE)]
    lines = {
        "accuracy": _accuracy(rows),
        "rendered": _rendered(rows),
        "robustness": _robustness(found["robustness"]),
        "calibration": _calibration(found["calibration"]),
        "place": iter([_place(told)]),
    }
    return {name: "\n".join(lines[name]) + "\n" for name in _PARTS}


def publish_pictures(folder: Path = PICTURES, result: Path = _RESULT) -> None:
    """Draw the plots of the result, and one rendered scene as three methods see it."""
    found = json.loads(result.read_text())["details"]
    rows = found["robustness"]
    errors = {
        method: {name: _disturbed(rows, method, "real", name) for name in _UNDER}
        for method in _names(rows)
    }
    (folder / "flow_robustness.png").write_bytes(robustness_plot(errors))
    tiles = {row["method"]: [Tile(**tile) for tile in row["tiles"]] for row in found["calibration"]}
    (folder / "flow_calibration.png").write_bytes(calibration_plot(tiles))
    (folder / "flow.jpg").write_bytes(scene_picture())


def scene_picture() -> bytes:
    """A rendered scene with motion up to 60 px: picture, flows, truth; a JPEG file."""
    pair = rendered_pairs("large", 2, None)[1].pair
    longest_px = float(np.hypot(*pair.truth).max())
    chosen = {method.name: method for method in methods() if method.name in _SHOWN}
    panels = {"first picture": np.stack([pair.frames[0]] * 3, axis=-1)}
    for name in (name for name in _SHOWN if name in chosen):
        flow, error = _solved(chosen[name], pair)
        panels[f"{name}: {error:.2f} px"] = colour_picture(flow, max_px=longest_px)
    panels["truth"] = colour_picture(pair.truth, max_px=longest_px)
    return side_by_side(panels, panel_px=300)


def _solved(method: Method, pair: Any) -> tuple[Any, float]:
    flow = method.solve(pair.frames)
    errors = flow_errors(flow, pair.truth)
    return flow, errors.epe_px if errors else float("nan")


def _names(rows: Rows) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in rows))


def _accuracy(rows: Rows) -> Iterator[str]:
    """The real pairs, best first."""
    real = [row for row in rows if row["group"] == "real"]
    yield "| method | EPE, px | AAE, deg | > 1 px | > 3 px | CPU s a pair | x DIS medium |"
    yield "|---|---|---|---|---|---|---|"
    names = sorted(_names(real), key=lambda name: mean_of(real, "epe_px", method=name) or 0)
    for name in names:
        figures = [mean_of(real, column, method=name) or 0 for column in _COLUMNS]
        seconds = statistics.mean(
            statistics.median(row["cpu_s"]) for row in real if row["method"] == name
        )
        over = cpu_over(real, name, DIS_MEDIUM, "real")
        epe, aae, over_1px, over_3px = figures
        yield (
            f"| {_ours(name)} | {epe:.3f} | {aae:.2f} | {over_1px:.1%} | {over_3px:.1%} "
            f"| {seconds:.3g} | {over.median if over else 0:.2g} |"
        )


_COLUMNS = ("epe_px", "aae_deg", "over_1px", "over_3px")


def _rendered(rows: Rows) -> Iterator[str]:
    """End-point error of every method on each kind of scene."""
    kinds = [kind for kind in KINDS if any(row["group"] == kind for row in rows)]
    yield "| EPE, px | " + " | ".join(kinds) + " |"
    yield "|---" * (len(kinds) + 1) + "|"
    for name in _names(rows):
        errors = [mean_of(rows, "epe_px", method=name, group=kind) for kind in kinds]
        shown = " | ".join("" if error is None else f"{error:.3g}" for error in errors)
        yield f"| {_ours(name)} | {shown} |"


def _robustness(rows: Rows) -> Iterator[str]:
    disturbances = _UNDER
    heads = " | ".join(name.replace("_", " ") for name in disturbances)
    yield f"| EPE, px | sample | {heads} |"
    yield "|---" * (len(disturbances) + 2) + "|"
    for name in _names(rows):
        for group in dict.fromkeys(row["group"] for row in rows):
            errors = [_disturbed(rows, name, group, one) for one in disturbances]
            shown = " | ".join("" if error is None else f"{error:.3g}" for error in errors)
            yield f"| {_ours(name)} | {group} | {shown} |"


def _disturbed(rows: Rows, method: str, group: str, disturbance: str) -> float | None:
    """The mean over the pairs of a group; None when there is no number."""
    mine = [row for row in rows if row["method"] == method and row["group"] == group]
    known = [error for row in mine if (error := row["epe_px"][disturbance]) is not None]
    return sum(known) / len(known) if known else None


def _calibration(rows: Rows) -> Iterator[str]:
    columns = {
        "share that fails, over pairs": "fail_over_pairs",
        "over tiles": "fail_over_tiles",
        "mean miss, over pairs": "miss_over_pairs",
        "over tiles ": "miss_over_tiles",
        "miss, over pixels": "miss_over_pixels",
    }
    yield "| rank correlation | sample | " + " | ".join(columns) + " |"
    yield "|---" * (len(columns) + 2) + "|"
    for row in rows:
        for group in (name for name in _SAMPLES if name in row["ranks"]):
            ranks = row["ranks"][group]
            shown = ["" if (r := ranks[name]) is None else f"{r:.2f}" for name in columns.values()]
            sample = f"{group}: {ranks['pairs']} pairs, {ranks['tiles']} tiles"
            yield f"| {_ours(row['method'])} | {sample} | {' | '.join(shown)} |"


def _ours(name: str) -> str:
    """Names of ours are set in bold."""
    return f"**{name}**" if name.startswith(("reference", "cupy", "opencv-", "raft")) else name


def _place(told: dict[str, Any]) -> str:
    machine = told["machine"]
    return (
        f"Taken on {machine['processor']}, one thread, Python {machine['python']}, "
        f"numpy {machine['versions']['numpy']}, opencv-python-headless "
        f"{machine['versions']['opencv-python-headless']}, "
        f"scikit-image {told['details']['scikit_image']}, {told['run']['at'][:10]}."
    )


if __name__ == "__main__":
    publish_page()
    publish_page(README)
    publish_pictures()
