"""`mlops train`: ask for a training."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_assets.cli.output import AsJson, print_json, say


def train(
    reason: Annotated[str, typer.Option(help="Why, for people.")], as_json: AsJson = False
) -> None:
    """Ask for a new version of the model; the training run answers."""
    from mlops_assets import operations as ops

    request = ops.train(reason)
    if as_json:
        print_json([{"request_id": request, "reason": reason}])
    else:
        say(f"asked for {request}; the training sensor answers it")
