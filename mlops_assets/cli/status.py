"""`mlops status`: the whole at one look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_assets.cli.output import AsJson, print_json, say, show

if TYPE_CHECKING:
    import polars as pl

    from mlops_assets.operations import Status

_SHOWN = 30


def status(
    as_json: AsJson = False,
    every: Annotated[
        bool, typer.Option("--all", help="Every partition, not the latest 30.")
    ] = False,
) -> None:
    """What landed, what became of it, which partitions are behind, drift, and the model in use."""
    from mlops_assets import operations as ops

    found = ops.status()
    if as_json:
        print_json(found.to_json())
    elif found.partitions.is_empty():
        _say_empty(found)
    else:
        _show(found, every=every)


def _say_empty(found: Status) -> None:
    from mlops_assets.settings import settings

    say(f"nothing has landed yet; the landing zone is {settings().landing_folder}")
    say(f"the lake is {found.lake}; land something with: mlops land PATH --source NAME")


def _show(found: Status, *, every: bool) -> None:
    import polars as pl

    partitions = found.partitions if every else found.partitions.tail(_SHOWN)
    show(_for_people(partitions, found.reasons))
    hidden = found.partitions.height - partitions.height
    if hidden:
        say(f"and {hidden} earlier partitions; --all shows them")
    totals = found.tables.group_by("table", maintain_order=True).agg(
        partitions=pl.len(), rows=pl.col("rows").sum()
    )
    show(totals)
    _show_failures()
    behind = found.partitions["is_behind"].sum()
    say(f"{behind} of {found.partitions.height} partitions are behind")
    say(f"champion: {found.champion or 'none yet'}; lake: {found.lake}")


def _show_failures() -> None:
    """What connectors could not take in, and when they try again."""
    from mlops_assets.lake import current_lake
    from mlops_assets.landing import open_failures

    failures = open_failures(current_lake())
    if failures.height:
        columns = ["source", "path", "reason", "message", "tries", "retry_at"]
        show(failures.select(columns).head(_SHOWN))
        say(f"{failures.height} could not be taken in")


def _for_people(partitions: pl.DataFrame, reasons: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    said = pl.concat_str("files", "reason", separator=" ")
    per_place = reasons.group_by("source", "day").agg(because=said.str.join(", "))
    drifted = pl.concat_str(
        [
            pl.when(pl.col(verdict) > 0).then(pl.concat_str(verdict, pl.lit(f" {verdict}")))
            for verdict in ("drift", "warn", "unknown")
        ],
        separator=", ",
        ignore_nulls=True,
    )
    rows = partitions.join(per_place, on=["source", "day"], how="left", maintain_order="left")
    return rows.select(
        "source", "day", "files", "accepted", "quarantined", "because", "duplicates",
        drift=drifted,
        behind=pl.when(pl.col("is_behind")).then(pl.col("why")),
    )  # fmt: skip
