"""What a person asks of the whole: status, plan, trace, impact, verify, quarantine, predict.

`from mlops_assets import operations as ops; ops.status()` works in a notebook and gives Polars
frames. Everything is imported when it is first asked for, and nothing heavy before it is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_assets.operations.deliveries import land
    from mlops_assets.operations.moments import export_moments, moments_of
    from mlops_assets.operations.overview import Status, row_counts, status
    from mlops_assets.operations.parameter_values import parameters, set_parameters
    from mlops_assets.operations.plans import plan
    from mlops_assets.operations.quarantine import (
        Case,
        quarantine_case,
        quarantine_sheet,
        quarantined,
        retry,
    )
    from mlops_assets.operations.requests import train
    from mlops_assets.operations.rulings import Ruled, rule_on
    from mlops_assets.operations.scoring import predict
    from mlops_assets.operations.surveying import (
        Survey,
        survey,
        survey_page,
        survey_record,
        survey_text,
    )
    from mlops_assets.operations.tracing import explain, impact, trace
    from mlops_assets.operations.verification import verify

__all__ = [
    "Case",
    "Ruled",
    "Status",
    "Survey",
    "explain",
    "export_moments",
    "impact",
    "land",
    "moments_of",
    "parameters",
    "plan",
    "predict",
    "quarantine_case",
    "quarantine_sheet",
    "quarantined",
    "retry",
    "row_counts",
    "rule_on",
    "set_parameters",
    "status",
    "survey",
    "survey_page",
    "survey_record",
    "survey_text",
    "trace",
    "train",
    "verify",
]

_MODULES = {
    "deliveries": ("land",),
    "moments": ("export_moments", "moments_of"),
    "overview": ("Status", "row_counts", "status"),
    "parameter_values": ("parameters", "set_parameters"),
    "plans": ("plan",),
    "requests": ("train",),
    "quarantine": ("Case", "quarantine_case", "quarantine_sheet", "quarantined", "retry"),
    "rulings": ("Ruled", "rule_on"),
    "scoring": ("predict",),
    "surveying": ("Survey", "survey_page", "survey_record", "survey_text", "survey"),
    "tracing": ("explain", "impact", "trace"),
    "verification": ("verify",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
