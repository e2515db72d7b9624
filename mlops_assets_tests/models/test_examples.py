"""Examples in a registered model are blanked, and it predicts as before."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mlops_assets.models import Examples, ModelRegistry, TrainingOptions, TrainingRecord, train_head
from mlops_assets.models.examples import FORGOTTEN_TAG, blank_examples

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}")
    for name in ("mlflow", "sqlalchemy")
]


def test_no_feature_is_left_in_the_files_and_the_model_works(tmp_path: Path) -> None:
    import mlflow
    import torch

    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 5)).astype(np.float32)
    groups = [str(row) for row in range(40)]
    labels = ["cat" if row % 2 else "dog" for row in range(40)]
    trained = train_head(
        Examples(features, labels, groups), options=TrainingOptions(hidden=0, max_epochs=2), seed=0
    )
    registry = ModelRegistry(f"sqlite:///{tmp_path / 'm.db'}", "scene", (tmp_path / "a").as_uri())
    with registry.training_run():
        logged = registry.log_training(TrainingRecord(trained, features[:2]))
    registry.register("scene", logged)
    piece = features[0].tobytes()
    assert files_with(tmp_path, piece)
    assert blank_examples(registry, "scene", 1, forgotten=3) == 3
    assert blank_examples(registry, "scene", 1, forgotten=3) == 0
    assert blank_examples(registry, "scene", 2, forgotten=3) == 0
    assert files_with(tmp_path, piece) == []
    (example,) = tmp_path.rglob("input_example.json")
    assert np.count_nonzero(json.loads(example.read_text())) == 0
    assert registry.versions("scene")[0].tags[FORGOTTEN_TAG] == "3"
    (program,) = tmp_path.rglob("model.pt2")
    said = torch.export.load(program).module()(torch.from_numpy(features)).detach().numpy()
    assert np.abs(said - trained.head.predict_proba(features)).max() < 1e-5
    assert mlflow.active_run() is None


def files_with(folder: Path, piece: bytes) -> list[str]:
    """The files with some bytes in them, or the numbers they stand for."""
    number = repr(float(np.frombuffer(piece, np.float32)[0])).encode()
    return [
        file.name
        for file in sorted(folder.rglob("*"))
        if file.is_file() and (piece in file.read_bytes() or number in file.read_bytes())
    ]
