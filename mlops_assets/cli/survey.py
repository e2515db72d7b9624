"""`mlops survey`: look before you leap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mlops_assets.cli.output import progress, say
from mlops_assets.errors import ConfigurationError


def survey(  # noqa: PLR0913 - each is an option of the command
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="The folder to look over.", exists=True, file_okay=False
        ),
    ],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page to show around.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and nothing else.")
    ] = False,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Time there is; a larger folder is sampled.")
    ] = 10,
    files: Annotated[
        int | None, typer.Option(min=1, help="Look at so many at most, the same every time.")
    ] = None,
    costs: Annotated[
        bool, typer.Option(help="Estimate the full run, by running it over a few files.")
    ] = True,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core.")] = 0,
) -> None:
    """Look a folder over: what is there, what is broken, is it ready for AI, what will it cost.

    Needs no settings and no platform, and writes nothing into the folder. A large folder is
    sampled across its folders and months, and the report says so. Ends with 0 whatever the files
    are.
    """
    from mlops_assets import operations as ops

    with progress("looking the folder over") as tell:
        found = ops.survey(
            folder,
            minutes=minutes,
            max_files=files,
            with_costs=costs,
            workers=workers,
            progress=tell,
        )
    if html is not None:
        _write(html, ops.survey_page(found))
    if as_json:
        typer.echo(json.dumps(ops.survey_record(found), ensure_ascii=False, indent=1))
        return
    say(ops.survey_text(found).rstrip())
    if html is not None:
        say(f"\nThe page: {html}")


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as err:
        raise ConfigurationError(f"cannot write {file}: {err.strerror}") from err
