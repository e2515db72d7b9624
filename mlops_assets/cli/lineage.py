"""`mlops trace`, `impact`, `explain`: where rows come from, what became of media, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_assets.cli.completion import AnyPartition, TableName, partition_keys
from mlops_assets.cli.output import AsJson, print_json, say, show

_LISTED, _LISTED_IN_JSON = 10, 100_000

Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY", help="The row's key, 8 or more characters of its beginning, or source/path."
    ),
]


def trace(
    table: TableName,
    key: Key,
    partition: AnyPartition = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most rows per table; 10, or with --json all.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Everything a row was made from, up to the file in the vault and the second in it."""
    from mlops_assets import operations as ops

    most = limit or (_LISTED_IN_JSON if as_json else _LISTED)
    found = ops.trace(table, key, partition=partition, limit=most)
    if as_json:
        print_json(found)
        return
    show(found)
    listed = found.group_by("step", "table", "partition").len()
    if listed["len"].max() == most:
        say(f"at most {most} rows of a table are listed; --limit shows more")


def impact(
    what: Annotated[
        str,
        typer.Argument(
            metavar="MEDIA|PARTITION|SNAPSHOT",
            help="A media_id, 8 digits of it, source/path, camera-01@2026-11-20 or scene-0003.",
            autocompletion=partition_keys,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Every row count, snapshot and model made from a medium, a partition or a snapshot."""
    from mlops_assets import operations as ops

    found = ops.impact(what)
    if as_json:
        print_json(found)
    elif found.is_empty():
        say(f"nothing was made from {what} yet")
    else:
        show(found)


def explain(
    table: TableName, key: Key, partition: AnyPartition = None, as_json: AsJson = False
) -> None:
    """Why a row is as it is: current, due, skipped, unwanted, orphaned or missing."""
    from mlops_assets import operations as ops

    found = ops.explain(table, key, partition=partition)
    if as_json:
        print_json(found)
    else:
        show(found)
