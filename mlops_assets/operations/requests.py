"""Ask for a training by hand."""

from __future__ import annotations

from mlops_assets.datasets import ask_for_training
from mlops_assets.lake import Lake, current_lake
from mlops_assets.operations.parameter_values import user
from mlops_assets.settings import settings


def train(reason: str, *, by: str | None = None, lake: Lake | None = None) -> str:
    """Ask for a new version of the model of the settings; the training run answers.

    Args:
        reason: why, for people.
        by: who; the user of this process for None.
        lake: which; the current one for None.

    Returns:
        The request's id, such as `scene-0003`: also the id of its snapshot.
    """
    lake = lake or current_lake()
    return ask_for_training(lake, settings().model, cause="person", reason=reason, by=by or user())
