"""`mlops ingest-check`: what would become of every file of a folder, with no platform behind it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_assets.cli.output import AsJson, progress, say, show

if TYPE_CHECKING:
    from mlops_assets.gates.checking import FileVerdict


def ingest_check(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to look through.", exists=True)
    ],
    as_json: AsJson = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core.")] = 0,
    cpu_s: Annotated[float, typer.Option(min=1, help="Processor seconds one file may take.")] = 90,
    memory_gb: Annotated[float, typer.Option(min=0.5, help="Memory one process may take.")] = 4,
) -> None:
    """Judge every file of a folder: its header, then all of it decoded, in killable processes.

    One row per file, good or bad: accepted, quarantined with a reason, or a duplicate. Nothing is
    written and no link is followed. Ends with 0 whatever the files are.
    """
    from mlops_assets.gates.checking import Isolation, check_folder

    bounds = Isolation(workers=workers, cpu_s=cpu_s, memory_bytes=int(memory_gb * 1e9))
    with progress("looking through the folder") as tell:
        rows = check_folder(folder, isolation=bounds, progress=tell)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], default=str, indent=1))
        return
    _show(rows)


def _show(rows: list[FileVerdict]) -> None:
    import polars as pl

    shown = ("path", "kind", "status", "reason", "message", "seconds")
    listed: list[dict[str, Any]] = [{n: _plain(getattr(r, n)) for n in shown} for r in rows]
    if listed:
        show(pl.DataFrame(listed))
    counts = Counter(row.status for row in rows)
    say(", ".join(f"{count} {status}" for status, count in counts.items()) or "no files")


def _plain(value: object) -> object:
    """Text that a terminal can show: a name may hold bytes that are no UTF-8."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
