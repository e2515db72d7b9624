from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mlops_assets.embeddings import Encoder, image_encoder, text_encoder
from mlops_assets.embeddings.model_files import model_folder
from mlops_assets.errors import ConfigurationError, InputError


def write_tiny_clip(folder: Path) -> None:
    """A CLIP of 2 + 2 layers with random weights, saved as the hub has them."""
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2}
    small |= {"num_attention_heads": 4, "projection_dim": 16}
    marks = {"bos_token_id": 26, "eos_token_id": 27, "pad_token_id": 27}
    config = CLIPConfig(
        text_config={**small, **marks, "vocab_size": 28, "max_position_embeddings": 77},
        vision_config={**small, "image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    letters = [f"{chr(97 + i)}</w>" for i in range(26)]
    vocabulary = [*letters, "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPModel(config).save_pretrained(folder)
    CLIPTokenizer.from_pretrained(folder).save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    write_tiny_clip(folder)
    return folder


@pytest.fixture(scope="module")
def clip(clip_folder: Path) -> Encoder[bytes]:
    return image_encoder(str(clip_folder))


def picture(seed: int, *, form: str = "PNG", mode: str = "RGB") -> bytes:
    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8)
    stored = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stored, form)
    return stored.getvalue()


def test_pictures_become_unit_rows_whatever_their_form(clip: Encoder[bytes]) -> None:
    rows = clip.encode([picture(1), picture(2, form="JPEG"), picture(3, mode="L")])
    assert rows.shape == (3, clip.dimensions) == (3, 16)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    assert clip.encode([]).shape == (0, 16)


def test_a_batch_longer_than_the_models_changes_nothing(clip: Encoder[bytes]) -> None:
    batch = [picture(seed) for seed in range(35)]
    alone = np.concatenate([clip.encode([data]) for data in batch[:3] + batch[-3:]])
    rows = clip.encode(batch)
    np.testing.assert_allclose(np.concatenate([rows[:3], rows[-3:]]), alone, atol=1e-5)


def test_the_same_model_takes_texts_into_the_same_space(clip_folder: Path) -> None:
    assert text_encoder(str(clip_folder)).encode(["a b", "c"]).shape == (2, 16)


@pytest.mark.parametrize("data", [picture(1)[:200], picture(1, form="JPEG")[:700], b"GIF89a"])
def test_a_bad_picture_is_an_input_error_that_names_its_place(
    clip: Encoder[bytes], data: bytes
) -> None:
    with pytest.raises(InputError, match="item 1"):
        clip.encode([picture(1), data])


def test_a_model_of_texts_is_no_image_encoder() -> None:
    with pytest.raises(ConfigurationError, match="no pictures"):
        image_encoder(str(model_folder("all-MiniLM-L6-v2")))


def test_broken_weights_are_a_configuration_error(clip_folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(clip_folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(ConfigurationError, match="does not load"):
        image_encoder(str(broken))
