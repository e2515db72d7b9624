"""The code location: everything under `defs/`."""

from __future__ import annotations

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Load every definition under mlops_assets/defs/."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
