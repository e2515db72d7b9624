"""How motion goes on: one column a pair, one line a speed."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.describing.histograms import BINS, MAGNITUDE_EDGES, merge_histograms

_MOST_COLUMNS = 600
_FLAG_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7")  # Okabe and Ito


def magnitude_picture(
    histograms: Sequence[Sequence[float]],
    *,
    starts: Sequence[int] = (),
    flagged: dict[str, Sequence[int]] | None = None,
) -> bytes:
    """Draw magnitude histograms over time.

    Args:
        histograms: 16 shares each, in order of time, at least one. Above 600 neighbours are merged.
        starts: positions at which another clip begins.
        flagged: by what to call it, at most four: positions of pairs to mark.

    Returns:
        PNG, 900 x 320 pixels: speed from below 0.0005 to above 8 diagonals per second upwards,
        darker where more of the picture moves so fast.

    Raises:
        InputError: `no_pairs`.
        ShapeError: a histogram has another number of bins.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shares = _columns(histograms)
    per_column = len(histograms) / len(shares)
    figure = Figure(figsize=(9, 3.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(
        np.sqrt(shares.T),
        origin="lower",
        aspect="auto",
        cmap="magma_r",
        extent=(0.0, float(len(histograms)), 0.0, float(BINS)),
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    for start in starts:
        axes.axvline(start, color="#888888", linewidth=0.5)
    marks = zip(_FLAG_COLOURS, (flagged or {}).items(), strict=False)
    for line, (colour, (name, places)) in enumerate(marks):
        if len(places):
            across = np.asarray(places, dtype=float) + max(per_column, 1) / 2
            height = np.full(len(across), BINS - 0.4 - 0.8 * line)
            axes.plot(across, height, "v", color=colour, markersize=4, label=name)
    axes.set_yticks(
        np.arange(1, BINS, 3), [f"{edge:.2g}" for edge in MAGNITUDE_EDGES[::3]], fontsize=7
    )
    axes.set_ylabel("diagonals per second", fontsize=8)
    axes.set_xlabel("pairs, clip after clip", fontsize=8)
    axes.tick_params(labelsize=7)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=7, loc="lower right")
    stream = BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _columns(histograms: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """(columns, 16) shares, at most 600 columns of about as many pairs each."""
    if not len(histograms):
        raise InputError("there are no histograms to draw; expected one", reason="no_pairs")
    if {len(one) for one in histograms} != {BINS}:
        raise ShapeError(f"histograms have other than {BINS} bins")
    parts = np.array_split(
        np.asarray(histograms, dtype=np.float64), min(len(histograms), _MOST_COLUMNS)
    )
    merged = np.stack([merge_histograms(part) for part in parts])
    return merged / np.maximum(merged.sum(axis=1, keepdims=True), 1e-12)
