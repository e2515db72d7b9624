"""`mlops land`: deliver files into the landing zone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_assets.cli.completion import source_names
from mlops_assets.cli.output import AsJson, print_json, progress, say


def land(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files and folders.", show_default=False)
    ],
    source: Annotated[
        str,
        typer.Option(
            help="Where the media come from, such as camera-01.", autocompletion=source_names
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Copy files into the landing zone, sidecars with them; the landing sensor takes them in.

    A file lands under its name, a folder's files under their paths within the folder.
    """
    from mlops_assets import operations as ops
    from mlops_assets.settings import settings

    with progress("landing") as tell:
        done = ops.land(paths, source=source, progress=tell)
    if as_json:
        print_json(done)
        return
    counts = dict(done.group_by("done").len().iter_rows())
    size_mb = int(done["size_bytes"].sum()) / 1e6
    told = {"landed": "landed", "replaced": "replaced", "there": "were there already"}
    said = [f"{counts[code]} {words}" for code, words in told.items() if code in counts]
    where = settings().landing_folder / source
    say(f"{', '.join(said) or 'nothing to land'} ({size_mb:.3g} MB) in {where}")
