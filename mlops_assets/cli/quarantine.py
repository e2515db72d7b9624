"""`mlops quarantine`: what is out of use and why; put there, released, rejected, tried again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_assets.cli.output import AsJson, print_json, say, show
from mlops_assets.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

    from mlops_assets.landing import Ruling

quarantine = typer.Typer(
    no_args_is_help=True,
    help="What is out of use and why: list, show, sheet, add, release, reject, retry.",
)

_MEDIA = typer.Argument(metavar="MEDIA", help="A media_id, 8 or more digits of it, or source/path.")
Medium = Annotated[str, _MEDIA]
Media = Annotated[list[str], _MEDIA]
Reason = Annotated[str, typer.Option(help="Why, for people.")]
_SHOWN = ["source", "path", "media_id", "table", "reason", "message", "age_days", "ruling"]


@quarantine.command("list")
def list_quarantined(
    reason: Annotated[str | None, typer.Option(help="Only this reason code.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    older_than: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, help="Only what has waited longer.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="What was rejected, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """What waits for a person: files that a gate or somebody stopped, and units that failed."""
    from mlops_assets import operations as ops

    age = None if older_than is None else timedelta(days=older_than)
    rows = ops.quarantined(reason=reason, source=source, older_than=age, every=every)
    if as_json:
        print_json(rows)
        return
    if rows.height:
        show(rows.select(_SHOWN))
        show(_by_reason(rows))
    say(f"{rows.height} in quarantine; see one with: mlops quarantine show MEDIA")


def _by_reason(rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    counted = rows.group_by("reason").agg(items=pl.len(), oldest_days=pl.col("age_days").max())
    return counted.sort("items", "reason", descending=[True, False])


@quarantine.command("show")
def show_case(media: Medium, as_json: AsJson = False) -> None:
    """One medium: why it is out of use, who decided what, and where its bytes are."""
    from mlops_assets import operations as ops

    case = ops.quarantine_case(media)
    if as_json:
        frames = {"items": case.items, "rulings": case.rulings, "files": case.files}
        told = {name: rows.to_dicts() for name, rows in frames.items()}
        print_json([{**told, "vault_uri": case.vault_uri}])
        return
    show(case.files)
    for row in case.items.iter_rows(named=True):
        say(f"{row['table']}: {row['reason']} - {row['message']}")
    if case.items.is_empty():
        say("in use")
    if case.rulings.height:
        show(case.rulings)
    say(f"bytes: {case.vault_uri}")


@quarantine.command("sheet")
def draw_sheet(
    output: Annotated[Path, typer.Option(metavar="FILE", help="Where the PNG goes.")],
    reason: Annotated[str | None, typer.Option(help="Only this reason code.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
) -> None:
    """One picture of what waits for a person: the newest 24, each with reason and name."""
    from mlops_assets import operations as ops

    sheet = ops.quarantine_sheet(reason=reason, source=source)
    if sheet is None:
        say("nothing waits in quarantine; no picture was written")
        return
    try:
        output.write_bytes(sheet)
    except OSError as err:
        raise ConfigurationError(f"cannot write {output}: {err.strerror}") from err
    say(f"{output}: see one with: mlops quarantine show MEDIA")


@quarantine.command("add")
def add(media: Media, reason: Reason, as_json: AsJson = False) -> None:
    """Put media out of use, with everything made from it; `release` undoes it."""
    told = "the next run removes its rows; snapshots and models stay as they were"
    _rule(media, "quarantined", reason, told, as_json)


@quarantine.command("release")
def release(media: Media, reason: Reason, as_json: AsJson = False) -> None:
    """Put media in use again, whether a person or a gate had stopped it."""
    _rule(media, "released", reason, "the next run makes its rows", as_json)


@quarantine.command("reject")
def reject(media: Media, reason: Reason, as_json: AsJson = False) -> None:
    """Put media out of use for good: it waits for nobody, and leaves the list."""
    _rule(media, "rejected", reason, "it stays out of use; the bytes stay in the vault", as_json)


@quarantine.command("retry")
def retry(media: Media, as_json: AsJson = False) -> None:
    """Try again what failed: after a decoder crashed, ran out of time or of memory."""
    import polars as pl

    from mlops_assets import operations as ops

    again = pl.concat([ops.retry(one) for one in media])
    if as_json:
        print_json(again)
        return
    show(again)
    say(f"{again.height} units are due again; the next run tries them")


def _rule(media: list[str], ruling: Ruling, reason: str, what_follows: str, as_json: bool) -> None:
    from mlops_assets import operations as ops

    ruled = [ops.rule_on(one, ruling, reason=reason) for one in media]
    if as_json:
        print_json(
            [
                {
                    "media_id": one.media_id,
                    "ruling": one.ruling,
                    "files": one.files.to_dicts(),
                    "follows": one.follows.to_dicts(),
                }
                for one in ruled
            ]
        )
        return
    for one in ruled:
        show(one.files)
        if one.follows.height:
            show(one.follows)
    say(f"{ruling}: {len(ruled)}; {what_follows}")
