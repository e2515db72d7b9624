"""What the shell completes: names of tables, partitions and sources."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_assets.errors import MlopsError


def table_names(incomplete: str) -> list[str]:
    """Tables that begin so."""
    from mlops_assets.tables import all_tables

    try:
        return [name for name in all_tables() if name.startswith(incomplete)]
    except MlopsError:  # a completion has nobody to tell
        return []


def partition_keys(incomplete: str) -> list[str]:
    """Media partitions that begin so."""
    from mlops_assets.lake import MEDIA, current_lake
    from mlops_assets.operations.naming import known_partitions

    try:
        keys = [one.key for one in known_partitions(MEDIA, current_lake())]
    except MlopsError:
        return []
    return [key for key in keys if key.startswith(incomplete)]


def source_names(incomplete: str) -> list[str]:
    """Sources that begin so."""
    return sorted({key.rpartition("@")[0] for key in partition_keys(incomplete)})


TableName = Annotated[
    str, typer.Argument(metavar="TABLE", help="Name of a table.", autocompletion=table_names)
]
AnyTable = Annotated[
    str | None,
    typer.Argument(metavar="[TABLE]", help="Only this table.", autocompletion=table_names),
]
AnyPartition = Annotated[
    str | None,
    typer.Option(
        "--partition",
        metavar="KEY",
        help="Only this partition, such as camera-01@2026-11-20.",
        autocompletion=partition_keys,
    ),
]
AnySource = Annotated[
    str | None,
    typer.Option("--source", help="For this source only.", autocompletion=source_names),
]
