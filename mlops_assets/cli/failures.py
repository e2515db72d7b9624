"""What a failure looks like on the command line: one line, no traceback, a telling exit code."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from mlops_assets.errors import ConfigurationError, InputError, TransientError

PROBLEMS, WRONG, NOT_FOUND, AGAIN = 1, 2, 3, 4
"""Problems found; wrong usage or configuration; nothing of that name; try again."""


class Commands(TyperGroup):
    """A group of commands that turns errors a person can mend into a message and an exit code.

    An error of any other class is our bug and keeps its traceback.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InputError as err:
            raise _failed(str(err), NOT_FOUND if err.reason == "not_found" else WRONG) from err
        except ConfigurationError as err:
            raise _failed(str(err), WRONG) from err
        except TransientError as err:
            raise _failed(f"{err}; try again", AGAIN) from err


def _failed(message: str, code: int) -> typer.Exit:
    typer.echo(f"mlops: {message}", err=True)
    return typer.Exit(code)
