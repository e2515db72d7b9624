from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlops_assets.embeddings import Encoder, text_encoder
from mlops_assets.embeddings.model_files import model_folder
from mlops_assets.embeddings.sentence_models import unit_rows
from mlops_assets.errors import ConfigurationError

SENTENCES = [
    "A dog runs across the meadow.",
    "A puppy is playing in the grass.",
    "The central bank raised interest rates.",
    "",
    "Une caméra filme la rue. " * 8,
    "x",
]


@pytest.fixture(scope="module")
def minilm() -> Encoder[str]:
    return text_encoder("all-MiniLM-L6-v2")


def test_minilm_puts_the_related_sentence_nearer(minilm: Encoder[str]) -> None:
    dog, puppy, bank = minilm.encode(SENTENCES[:3])
    assert dog @ puppy > dog @ bank + 0.3


def test_rows_are_unit_float32_in_order(minilm: Encoder[str]) -> None:
    rows = minilm.encode(SENTENCES)
    assert rows.shape == (len(SENTENCES), minilm.dimensions) == (len(SENTENCES), 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)


def test_a_row_does_not_depend_on_its_neighbours(minilm: Encoder[str]) -> None:
    alone = np.concatenate([minilm.encode([sentence]) for sentence in SENTENCES])
    np.testing.assert_allclose(minilm.encode(SENTENCES), alone, atol=1e-5)
    np.testing.assert_allclose(minilm.encode(SENTENCES[::-1])[::-1], alone, atol=1e-5)


def test_no_texts_give_no_rows(minilm: Encoder[str]) -> None:
    assert minilm.encode([]).shape == (0, 384)
    assert minilm.encode([]).dtype == np.float32


def test_a_lone_surrogate_does_not_stop_a_batch(minilm: Encoder[str]) -> None:
    rows = minilm.encode(["a\ud800b", "a?b"])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)


def test_a_model_is_loaded_once_and_equal_from_its_folder(minilm: Encoder[str]) -> None:
    again = text_encoder("all-MiniLM-L6-v2")
    folder = text_encoder(str(model_folder("all-MiniLM-L6-v2")))
    assert vars(again)["model"] is vars(minilm)["model"]
    np.testing.assert_allclose(
        folder.encode(SENTENCES[:2]), minilm.encode(SENTENCES[:2]), atol=1e-6
    )


def test_a_folder_without_a_model_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="expected a sentence-transformers model"):
        text_encoder(str(tmp_path))


def test_a_model_with_code_of_its_own_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "modeling_own.Own"}]'
    )
    (tmp_path / "modeling_own.py").write_text("raise SystemExit('code of the model ran')\n")
    with pytest.raises(ConfigurationError, match="code of its own"):
        text_encoder(str(tmp_path))


def test_a_hub_name_that_is_not_to_be_had_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigurationError, match="'no-such-owner/no-such-model@v1'"):
        text_encoder("no-such-owner/no-such-model@v1")


def test_a_row_of_zeros_stays_finite() -> None:
    rows = unit_rows(np.array([[0.0, 0.0], [3.0, 4.0]]))
    np.testing.assert_allclose(rows, [[0, 0], [0.6, 0.8]], atol=1e-7)
