"""`mlops verify`: is everything as it should be?"""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_assets.cli.completion import AnyPartition, AnyTable
from mlops_assets.cli.failures import PROBLEMS
from mlops_assets.cli.output import AsJson, print_json, progress, say, show


def verify(
    table: AnyTable = None,
    partition: AnyPartition = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Read no bytes: no row contents, no hashes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that rows are what parents, versions and parameters imply, and that the vault holds.

    Exits with 1 when it finds a problem.
    """
    from mlops_assets import operations as ops

    with progress("verifying") as tell:
        found = ops.verify(table=table, partition=partition, quick=quick, progress=tell)
    if as_json:
        print_json(found)
    elif found.is_empty():
        say("all right" if not quick else "all right, as far as can be seen without reading bytes")
    else:
        show(found)
        say(f"{found.height} problems")
    if found.height:
        raise typer.Exit(PROBLEMS)
