"""`mlops quarantine`, `mlops release`: media out of use, and in use again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_assets.cli.output import AsJson, print_json, say, show

if TYPE_CHECKING:
    from mlops_assets.operations import Ruled

Media = Annotated[
    str,
    typer.Argument(metavar="MEDIA", help="A media_id, 8 or more digits of it, or source/path."),
]
Reason = Annotated[str, typer.Option(help="Why, for people.")]


def quarantine(media: Media, reason: Reason, as_json: AsJson = False) -> None:
    """Put media out of use, with everything made from it; `release` undoes it."""
    from mlops_assets import operations as ops

    ruled = ops.quarantine(media, reason=reason)
    _tell(ruled, "the next run removes its rows; snapshots and models stay as they were", as_json)


def release(media: Media, reason: Reason, as_json: AsJson = False) -> None:
    """Put media in use again, whether a person or a gate had quarantined it."""
    from mlops_assets import operations as ops

    ruled = ops.release(media, reason=reason)
    _tell(ruled, "the next run makes its rows", as_json)


def _tell(ruled: Ruled, what_follows: str, as_json: bool) -> None:
    if as_json:
        told = {"media_id": ruled.media_id, "ruling": ruled.ruling}
        frames = {"files": ruled.files.to_dicts(), "follows": ruled.follows.to_dicts()}
        print_json([{**told, **frames}])
        return
    show(ruled.files)
    if ruled.follows.height:
        show(ruled.follows)
    say(f"{ruled.ruling}; {what_follows}")
