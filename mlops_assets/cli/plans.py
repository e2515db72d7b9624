"""`mlops plan`: what is due, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_assets.cli.completion import AnyTable, partition_keys
from mlops_assets.cli.output import AsJson, print_json, progress, say, show


def plan(
    table: AnyTable = None,
    partition: Annotated[
        str | None,
        typer.Argument(
            metavar="[PARTITION]",
            help="Only this partition, such as camera-01@2026-11-20.",
            autocompletion=partition_keys,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a run would compute and remove, per table and partition, and why; computes nothing."""
    from mlops_assets import operations as ops

    with progress("planning") as tell:
        found = ops.plan(table, partition, progress=tell)
    if as_json:
        print_json(found)
        return
    due = found if table else found.filter(found["summary"] != "nothing due")
    if due.is_empty():
        say("nothing due")
        return
    show(due.select("table", "partition", "summary"))
