"""Robustness and calibration as plots."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlops_assets.errors import InputError
from mlops_assets.flow.evaluation.calibration import Tile, rank_correlation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#4f43dd", "#e4572e", "#17bebb", "#ffc914", "#76b041", "#7f7f7f")
_LEAST_PX = 1e-3  # logarithms end somewhere


def robustness_plot(errors_px: Mapping[str, Mapping[str, float | None]]) -> bytes:
    """Bars of end-point error, logarithmic: a group per disturbance, a bar per method.

    Args:
        errors_px: method to disturbance to mean end-point error; None is left out.

    Returns:
        PNG, 900 pixels wide.

    Raises:
        InputError: `empty_plot`: there is no number.
    """
    named = [pair for errors in errors_px.values() for pair in errors.items()]
    groups = list(dict.fromkeys(name for name, error in named if error is not None))
    if not groups:
        raise InputError("no errors; expected at least one", reason="empty_plot")
    figure = _figure(height_px=330)
    axes = figure.add_subplot()
    width = 0.8 / len(errors_px)
    for index, (method, errors) in enumerate(errors_px.items()):
        bars = [(place, errors.get(name)) for place, name in enumerate(groups)]
        shown = [(place, error) for place, error in bars if error is not None]
        left = [place + (index - (len(errors_px) - 1) / 2) * width for place, _ in shown]
        colour = _COLOURS[index % len(_COLOURS)]
        axes.bar(left, [error for _, error in shown], width, label=method, color=colour)
    axes.set_xticks(range(len(groups)), [name.replace("_", " ") for name in groups])
    axes.set_ylabel("mean end-point error, px")
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    return _png(figure)


def calibration_plot(tiles: Mapping[str, Sequence[Tile]]) -> bytes:
    """A dot a tile: mean miss of the forward-backward check, and true error.

    Args:
        tiles: method to its tiles; one without a miss is left out.

    Returns:
        PNG, 900 pixels wide; the rank correlation of each method is in the legend.

    Raises:
        InputError: `empty_plot`: there is no tile.
    """
    dots = {
        method: [(one.miss_px, one.epe_px) for one in some if one.miss_px is not None]
        for method, some in tiles.items()
    }
    if not any(dots.values()):
        raise InputError("no tiles; expected at least one", reason="empty_plot")
    figure = _figure(height_px=400)
    axes = figure.add_subplot()
    for index, (method, shown) in enumerate(dots.items()):
        misses, errors = [miss for miss, _ in shown], [error for _, error in shown]
        rank = rank_correlation(misses, errors)
        label = f"{method}, {len(shown)} tiles" + ("" if rank is None else f": {rank:.2f}")
        x, y = ([max(value, _LEAST_PX) for value in values] for values in (misses, errors))
        colour = _COLOURS[index % len(_COLOURS)]
        axes.scatter(x, y, s=8, alpha=0.5, color=colour, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("mean forward-backward miss, px")
    axes.set_ylabel("mean end-point error, px")
    axes.legend(fontsize=8, title="rank correlation")
    return _png(figure)


def _figure(*, height_px: int) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(9, height_px / 100), dpi=100, layout="constrained")


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
