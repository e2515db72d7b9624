"""Examples that a model carries: rows of features it was shown once. They can be blanked.

MLflow keeps an input example beside a model, and an exported program keeps it inside. Both are
features of real media, so both go when these are forgotten; the model works as before.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import ConfigurationError
from mlops_assets.models.mlflow_bridge import load_mlflow
from mlops_assets.models.registry import ModelRegistry

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

FORGOTTEN_TAG = "forgotten_media"
"""Tag of a registered version: how many media it learned from were forgotten since."""

_EXAMPLES = ("input_example.json", "serving_input_example.json")
_PROGRAM = "data/model.pt2"


def blank_examples(
    registry: ModelRegistry, model_name: str, version: int, *, forgotten: int
) -> int:
    """Write zeros over every example that a registered version carries, and tag the version.

    Its weights, signature and figures stay. Doing it again changes nothing.

    Args:
        registry: where it is registered.
        model_name: of the registered model.
        version: of it.
        forgotten: media it learned from that were forgotten, for the tag.

    Returns:
        Number of files that were written anew; 0 when no such version is registered.

    Raises:
        ConfigurationError: the version's files cannot be read or written.
    """
    load_mlflow()
    from mlflow.exceptions import MlflowException

    if version not in {one.version for one in registry.versions(model_name)}:
        return 0
    try:
        files = _files(registry, model_name, version, forgotten)
        return sum(_blank(files, name) for name in (*_EXAMPLES, _PROGRAM))
    except (MlflowException, OSError) as err:
        raise ConfigurationError(f"MLflow: examples of {model_name}/{version}: {err}") from err


def _files(
    registry: ModelRegistry, model_name: str, version: int, forgotten: int
) -> ArtifactRepository:
    """The files of the logged model behind a version."""
    from mlflow import MlflowClient
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    client = MlflowClient(registry.tracking_uri, registry.tracking_uri)
    client.set_model_version_tag(model_name, str(version), FORGOTTEN_TAG, str(forgotten))
    source = str(client.get_model_version(model_name, str(version)).source)
    if source.startswith("models:/m-"):
        model = client.get_logged_model(source.removeprefix("models:/"))
        source = str(model.artifact_location)
    return get_artifact_repository(source)


def _blank(files: ArtifactRepository, name: str) -> int:
    folder = str(Path(name).parent) if "/" in name else None
    if name not in {one.path for one in files.list_artifacts(folder)}:
        return 0
    with tempfile.TemporaryDirectory() as at:
        local = Path(files.download_artifacts(name, at))
        changed = _blank_program(local) if name == _PROGRAM else _blank_json(local)
        if changed:
            files.log_artifact(str(local), folder)
    return int(changed)


def _blank_json(file: Path) -> bool:
    before = json.loads(file.read_bytes())
    after = _zeros(before)
    file.write_text(json.dumps(after))
    return after != before


def _zeros(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _zeros(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_zeros(one) for one in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return 0.0 if is_number else value


def _blank_program(file: Path) -> bool:
    import torch

    program = torch.export.load(file)
    if program.example_inputs is None:
        return False
    given, named = program.example_inputs
    if not any(bool(torch.count_nonzero(one)) for one in given):
        return False
    program.example_inputs = (tuple(torch.zeros_like(one) for one in given), named)
    torch.export.save(program, file)
    return True
