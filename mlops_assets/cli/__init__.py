"""The command line, one file per noun, thin over `operations`: `mlops status`, `mlops trace ...`.

Tables for people, `--json` for programs. Exit codes: 0 all right, 1 problems found, 2 wrong usage
or configuration, 3 nothing of that name, 4 try again. Nothing is imported before it is needed.
"""

from __future__ import annotations

from mlops_assets.cli.application import app


def main() -> None:
    """Run the command line; the console script `mlops`."""
    app()


__all__ = ["app", "main"]
