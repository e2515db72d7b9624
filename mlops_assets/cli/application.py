"""The application: every command, registered once, and the options of the whole."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_assets import __version__
from mlops_assets.cli.checking import ingest_check
from mlops_assets.cli.erasure import forget
from mlops_assets.cli.failures import Commands
from mlops_assets.cli.flow import flow
from mlops_assets.cli.landing import land
from mlops_assets.cli.lineage import explain, impact, trace
from mlops_assets.cli.moments import moments
from mlops_assets.cli.parameters import set_parameters
from mlops_assets.cli.plans import plan
from mlops_assets.cli.quarantine import quarantine
from mlops_assets.cli.status import status
from mlops_assets.cli.survey import survey
from mlops_assets.cli.training import train
from mlops_assets.cli.verification import verify

EPILOG = (
    "Exit codes: 0 all right, 1 problems found, 2 wrong usage or configuration, "
    "3 nothing of that name, 4 try again."
)

app = typer.Typer(
    name="mlops",
    help="The data platform for unstructured media: versioned tables from files, unattended.",
    epilog=EPILOG,
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"mlops {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """The data platform for unstructured media: versioned tables from files, unattended."""


for _name, _command in {
    "land": land,
    "status": status,
    "plan": plan,
    "set": set_parameters,
    "trace": trace,
    "impact": impact,
    "explain": explain,
    "train": train,
    "verify": verify,
    "forget": forget,
    "ingest-check": ingest_check,
    "survey": survey,
}.items():
    app.command(_name)(_command)
app.add_typer(flow)

app.add_typer(quarantine, name="quarantine")
app.add_typer(moments, name="moments")
