"""What a command prints: tables for people, JSON for programs, progress for what takes its time."""

from __future__ import annotations

import contextlib
import json
import math
import re
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

AsJson = Annotated[
    bool, typer.Option("--json", help="Print a JSON list of objects, and nothing else.")
]

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_PATIENCE_S = 2.0
_WIDE = 2000  # what is piped is not cut


def say(message: str) -> None:
    """One line for people."""
    typer.echo(printable(message))


def show(rows: pl.DataFrame, *, title: str = "") -> None:
    """A frame as a table; empty cells for null, hashes shortened to 12 digits.

    A shortened key can be given back to a command as it stands.
    """
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDE)
    console.print(_table(rows, title))


def _table(rows: pl.DataFrame, title: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, dtype in rows.schema.items():
        right = dtype.is_numeric()
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows.iter_rows():
        table.add_row(*[Text(cell(value)) for value in row])
    return table


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return printable(_HASH.sub(r"\1", str(value)))


def printable(text: str) -> str:
    """Text without control characters: names of files are not to move the cursor."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in text)


def print_json(rows: pl.DataFrame | list[dict[str, Any]]) -> None:
    """A JSON list of objects; times as ISO 8601, NaN and infinity as null."""
    listed = rows if isinstance(rows, list) else rows.to_dicts()
    typer.echo(json.dumps(_plain(listed), ensure_ascii=False, indent=1))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return f"{len(value)} bytes" if isinstance(value, bytes) else value


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr for what takes over 2 seconds: call it with what is done and what there is.

    Args:
        what: is going on, such as `verifying`.
    """
    from rich.console import Console
    from rich.progress import Progress

    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        shown: list[tuple[Progress, Any]] = []

        def tell(done: int, total: int) -> None:
            if not shown and time.monotonic() - started < _PATIENCE_S:
                return
            if not shown:
                bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
                shown.append((bar, bar.add_task(what, total=total)))
            bar, task = shown[0]
            bar.update(task, completed=done, total=total)

        yield tell
