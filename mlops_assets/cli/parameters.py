"""`mlops set`: parameters of tables."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_assets.cli.completion import AnySource, TableName
from mlops_assets.cli.output import AsJson, print_json, say, show


def set_parameters(
    table: TableName,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE...", help="null takes a value back.", show_default=False
        ),
    ] = None,
    source: AnySource = None,
    as_json: AsJson = False,
) -> None:
    """Set parameters of a table for all sources or for one; without values, show what holds.

    What a change makes due is computed by the next run; nothing is computed here.
    """
    from mlops_assets import operations as ops

    if not values:
        rows = ops.parameters(table, source=source)
    else:
        rows = ops.set_parameters(table, dict(map(_parted, values)), source=source)
    if as_json:
        print_json(rows)
    elif rows.is_empty():
        say("nothing changed: it is so already" if values else f"{table} has no parameters")
    else:
        show(rows)
        if values:
            say(f"see what is due now with: mlops plan {table}")


def _parted(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE, such as rate_hz=5")
    return name.strip(), value
