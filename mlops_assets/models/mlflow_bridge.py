"""The one place that imports MLflow: telemetry and progress bars are switched off before."""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType

_SWITCHES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",  # no warning on machines without git
}


@cache
def load_mlflow() -> ModuleType:
    """Import MLflow with telemetry off."""
    for name, value in _SWITCHES.items():
        os.environ.setdefault(name, value)
    import mlflow

    return mlflow
