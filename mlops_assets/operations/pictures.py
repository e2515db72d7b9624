"""A picture of any table: how the values of its narrow columns are distributed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from mlops_assets.rows import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = 6
_BARS = 10
_BINS = 24
_COLOUR = "#4f43dd"


def column_picture(table: Table, rows: pl.LazyFrame) -> bytes | None:
    """Up to six panels: shares of the commonest values of texts, histograms of numbers.

    Columns that name a row, and those with a single value, say nothing and are left out.

    Args:
        table: whose rows they are.
        rows: of a partition.

    Returns:
        PNG, 900 pixels wide; None when no column has anything to show.
    """
    columns = _worth_showing(table)
    values = rows.select(columns).collect()
    shown = [name for name in columns if values[name].drop_nulls().n_unique() > 1][:PANELS]
    return _draw([values[name] for name in shown]) if shown else None


def _worth_showing(table: Table) -> list[str]:
    keys = {*table.key, *table.producer.lineage.by}
    return [
        name
        for name, dtype in table.row.schema().items()
        if name not in keys
        and not name.endswith(("_id", "_num", "_den", "_json", "path", "text", "message"))
        and (dtype.is_numeric() or dtype in (pl.String(), pl.Boolean()))
    ]


def _draw(columns: Sequence[pl.Series]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across = min(3, len(columns))
    down = -(-len(columns) // across)
    figure = Figure(figsize=(9, 2.2 * down), dpi=100, layout="constrained")
    for place, column in enumerate(columns, start=1):
        axes = figure.add_subplot(down, across, place)
        axes.set_title(column.name, fontsize=9)
        axes.tick_params(labelsize=7)
        _bars(axes, column) if _is_choice(column) else _histogram(axes, column)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


def _is_choice(column: pl.Series) -> bool:
    return not column.dtype.is_numeric()


def _bars(axes: Axes, column: pl.Series) -> None:
    counted = column.cast(pl.String).fill_null("none").value_counts(sort=True).head(_BARS)
    names = [str(name)[:24] for name in counted[column.name]][::-1]
    axes.barh(names, counted["count"].to_list()[::-1], color=_COLOUR)


def _histogram(axes: Axes, column: pl.Series) -> None:
    numbers = column.cast(pl.Float64).drop_nulls()
    axes.hist(numbers.filter(numbers.is_finite()).to_numpy(), bins=_BINS, color=_COLOUR)
