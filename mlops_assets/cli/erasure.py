"""`mlops forget`: erase media everywhere, and prove that they are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_assets.cli.failures import PROBLEMS
from mlops_assets.cli.output import AsJson, print_json, say, show
from mlops_assets.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from mlops_assets.operations.erasing import Forgotten

Media = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MEDIA...",
        help="media_ids, 8 or more digits of them, or source/path; to --verify also files.",
        show_default=False,
    ),
]


def forget(  # noqa: PLR0913 - one option each
    media: Media = None,
    reason: Annotated[
        str, typer.Option(help="Why, for people; the audit row keeps it.", show_default=False)
    ] = "",
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="Media by an SQL condition (DuckDB) on the columns of raw_media.",
            show_default=False,
        ),
    ] = None,
    do: Annotated[bool, typer.Option("--yes", help="Do it; otherwise only look.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove that they are gone: read every byte stored.")
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="What was forgotten, by whom and why.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Erase media and everything made from them, for good; a later delivery of them is refused.

    Without --yes only says what would go. Exits with 1 when something is left.
    """
    from mlops_assets.operations import erasing

    if listed:
        _list(as_json)
        return
    if verify:
        _verify(media or [], as_json)
        return
    found = [] if where is None else erasing.media_where(where)
    if not media and where is None:
        raise InputError("forget what? name media, or give --where", reason="no_media")
    done = erasing.forget([*(media or []), *found], reason=reason, do=do)
    if as_json:
        told = {"media": list(done.media), "done": done.done}
        print_json([{**told, "impact": done.impact.to_dicts(), "left": done.traces.to_dicts()}])
    else:
        _tell(done)
    if done.traces.height:
        raise typer.Exit(PROBLEMS)


def _tell(done: Forgotten) -> None:
    if done.impact.height:
        show(done.impact)
    count = len(done.media)
    if not done.done:
        say(f"{count} media; nothing was changed: --yes --reason TEXT forgets them for good")
        return
    _tell_traces(done.traces, count)


def _verify(words: list[str], as_json: bool) -> None:
    """Hashes, or files that are held against what is stored."""
    from mlops_assets.operations import erasing

    left = erasing.verify_forgotten(words)
    if as_json:
        print_json(left)
    else:
        _tell_traces(left, len(words))
    if left.height:
        raise typer.Exit(PROBLEMS)


def _tell_traces(left: pl.DataFrame, count: int) -> None:
    if left.is_empty():
        say(f"{count} media: no trace in any byte stored but the audit row")
        return
    show(left)
    say(f"{left.height} traces are left")


def _list(as_json: bool) -> None:
    from mlops_assets.operations import erasing

    stones, snapshots = erasing.forgotten(), erasing.incomplete_snapshots()
    if as_json:
        print_json([{"forgotten": stones.to_dicts(), "incomplete": snapshots.to_dicts()}])
        return
    show(stones) if stones.height else say("nothing was forgotten yet")
    if snapshots.height:
        show(snapshots, title="Incomplete snapshots, and the models that learned from them")
