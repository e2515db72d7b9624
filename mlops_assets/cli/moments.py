"""`mlops moments`: what shots a video has, and clips of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_assets.cli.output import AsJson, print_json, progress, say, show

moments = typer.Typer(no_args_is_help=True, help="Shots of a video: list, export.")

Media = Annotated[
    str, typer.Argument(metavar="MEDIA", help="A media_id, 8 or more digits of it, or source/path.")
]


@moments.command("list")
def list_moments(media: Media, as_json: AsJson = False) -> None:
    """The moments of a video: when each starts and ends, its key frame, how fast it changes."""
    from mlops_assets import operations as ops

    rows = ops.moments_of(media)
    if as_json:
        print_json(rows)
    else:
        show(rows.select("index", "start_s", "end_s", "key_frame_id", "change_per_s"))


@moments.command("export")
def export(
    media: Media,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the clips go.")],
    index: Annotated[int | None, typer.Option(help="Only this moment.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write moments as clips: packets copied where that is exact, pictures encoded anew else."""
    from mlops_assets import operations as ops

    with progress("cutting") as told:
        rows = ops.export_moments(media, to, index=index, progress=told)
    if as_json:
        print_json(rows)
        return
    show(rows)
    copied = rows.filter(rows["pictures"] == "copied").height
    say(f"{rows.height} clips in {to}; {copied} without encoding")
