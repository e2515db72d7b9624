"""Pictures of a feature's distribution beside its reference."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from mlops_assets.drift.distances import bin_counts
from mlops_assets.drift.whylogs_bridge import ColumnSummary, decode_payload

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#0072b2", "#d55e00")  # Okabe and Ito: told apart by colour-blind readers
_BINS = 40
_CATEGORIES = 20


def distribution_picture(current: bytes, reference: bytes | None, *, feature: str) -> bytes:
    """Draw a feature's distribution, and its reference behind it, from stored profiles.

    Args:
        current: payload of the profile in question.
        reference: payload it is held against, of the same kind; None draws the current one alone.
        feature: title of the picture.

    Returns:
        PNG, 640 x 360 pixels. Numbers as a density over 40 bins, categories as shares of the 20
        most frequent ones. Without values the picture says so.

    Raises:
        InputError: `damaged_profile`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    summaries = {"now": decode_payload(current)}
    if reference is not None:
        summaries["reference"] = decode_payload(reference)
    figure = Figure(figsize=(6.4, 3.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(feature.replace("$", r"\$"))
    shown = {name: summary for name, summary in summaries.items() if summary.present}
    if not shown:
        axes.text(0.5, 0.5, "no values", ha="center", va="center", transform=axes.transAxes)
    elif summaries["now"].kind == "numeric":
        _draw_numbers(axes, shown)
    else:
        _draw_categories(axes, shown)
    if shown:
        axes.legend()
    stream = BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _draw_numbers(axes: Axes, summaries: dict[str, ColumnSummary]) -> None:
    low = min(summary.values[0] for summary in summaries.values())
    high = max(summary.values[-1] for summary in summaries.values())
    margin = max((high - low) / 2, abs(low) * 1e-6, 1e-9) if high == low else 0.0
    edges = np.linspace(low - margin, high + margin, _BINS + 1)
    for colour, (name, summary) in zip(_COLOURS, summaries.items(), strict=False):
        if len(summary.values) == 0:
            continue
        inside = bin_counts(summary.values, summary.weights, edges=edges)[:-1]
        density = np.append(inside[0] + inside[1], inside[2:]) / inside.sum() / np.diff(edges)
        axes.stairs(
            density, edges, fill=True, alpha=0.45, color=colour, label=_label(name, summary)
        )
    axes.set_ylabel("density")


def _draw_categories(axes: Axes, summaries: dict[str, ColumnSummary]) -> None:
    totals: dict[str, int] = {}
    for summary in summaries.values():
        for category, count in summary.categories.items():
            totals[category] = totals.get(category, 0) + count
    names = sorted(totals, key=lambda category: (-totals[category], category))[:_CATEGORIES]
    places = np.arange(len(names))
    for index, (name, summary) in enumerate(summaries.items()):
        shares = [summary.categories.get(category, 0) / summary.present for category in names]
        axes.bar(
            places + 0.4 * index, shares, 0.4, color=_COLOURS[index], label=_label(name, summary)
        )
    labels = [category[:16].replace("$", r"\$") for category in names]
    axes.set_xticks(places + 0.2, labels, rotation=45, ha="right")
    axes.set_ylabel("share")


def _label(name: str, summary: ColumnSummary) -> str:
    return f"{name} (n = {summary.present})"
