from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.models import MOTION_COLUMNS, Head, feature_names, join_features

COLUMNS = ("speed", "turn")


def _head(*widths: int, seed: int = 0) -> Head:
    rng = np.random.default_rng(seed)
    layers = [
        (rng.normal(size=(a, b)).astype(np.float32), rng.normal(size=b).astype(np.float32))
        for a, b in pairwise(widths)
    ]
    return Head(
        classes=tuple(f"class-{i}" for i in range(widths[-1])),
        mean=rng.normal(size=widths[0]).astype(np.float32),
        scale=np.full(widths[0], 2.0, dtype=np.float32),
        layers=tuple(layers),
        feature_spec={"encoder": "colour", "width": widths[0]},
    )


def test_motion_is_squeezed_beside_the_embedding_and_flagged() -> None:
    motion = pl.DataFrame({"speed": [np.e - 1, None, None], "turn": [1 - np.e, None, np.inf]})
    joined = join_features(np.ones((3, 2), dtype=np.float32), motion, columns=COLUMNS)
    assert joined.dtype == np.float32
    assert joined == pytest.approx(np.array([[1, 1, 1, -1, 1], [1, 1, 0, 0, 0], [1, 1, 0, 0, 0]]))


def test_the_width_does_not_depend_on_whether_there_is_motion() -> None:
    embeddings = np.zeros((2, 3), dtype=np.float32)
    still = join_features(embeddings)
    moving = join_features(embeddings, {"p95_diag_per_s": np.array([0.5, np.nan])})
    assert still.shape == moving.shape == (2, 3 + len(MOTION_COLUMNS) + 1)
    assert len(feature_names(3)) == still.shape[1]
    assert moving[:, -1].tolist() == [1, 0]
    assert join_features(embeddings[:0]).shape == (0, still.shape[1])


def test_a_broken_embedding_or_a_short_column_is_an_input_error() -> None:
    with pytest.raises(InputError, match="1 of 1 embeddings"):
        join_features(np.array([[np.nan]], dtype=np.float32))
    with pytest.raises(ShapeError, match="'speed'"):
        join_features(np.zeros((2, 1), np.float32), {"speed": np.zeros(1)}, columns=COLUMNS)


def test_a_linear_head_is_the_logistic_function_of_its_score() -> None:
    weight = np.array([[0.0, 1.0]], dtype=np.float32)
    layers = ((weight, np.zeros(2, dtype=np.float32)),)
    head = Head(("no", "yes"), np.ones(1, np.float32), np.full(1, 2, np.float32), layers, {})
    features = np.array([[1.0], [3.0], [2001.0]], dtype=np.float32)
    expected = [0.5, 1 / (1 + np.exp(-1)), 1.0]
    assert head.predict_proba(features)[:, 1].tolist() == pytest.approx(expected)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(0, 5), st.integers(2, 4), st.integers(0, 99))
def test_a_head_survives_its_bytes(width: int, hidden: int, classes: int, seed: int) -> None:
    widths = [width, *([hidden] if hidden else []), classes]
    head = _head(*widths, seed=seed)
    again = Head.from_bytes(head.to_bytes())
    features = np.random.default_rng(seed).normal(size=(5, width)).astype(np.float32)
    assert np.array_equal(again.predict_proba(features), head.predict_proba(features))
    assert again.predict_proba(features).sum(axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    assert (again.classes, again.feature_spec) == (head.classes, head.feature_spec)
    assert again.to_bytes() == head.to_bytes()


def test_no_items_give_no_probabilities_and_another_width_is_refused() -> None:
    head = _head(3, 2)
    assert head.predict_proba(np.empty((0, 3), dtype=np.float32)).shape == (0, 2)
    with pytest.raises(ShapeError, match="expected"):
        head.predict_proba(np.zeros((1, 4), dtype=np.float32))
    with pytest.raises(InputError, match="not finite"):
        head.predict_proba(np.full((1, 3), np.inf, dtype=np.float32))


def test_damaged_bytes_are_an_input_error_or_still_a_head() -> None:
    payload = _head(4, 3, 2).to_bytes()
    rng = np.random.default_rng(0)
    for cut in (0, 7, 8, 40, len(payload) - 1):
        with pytest.raises(InputError, match="damaged"):
            Head.from_bytes(payload[:cut])
    for place in rng.integers(0, len(payload), 300):
        damaged = bytearray(payload)
        damaged[place] ^= 1 << int(rng.integers(8))
        try:
            Head.from_bytes(bytes(damaged))
        except InputError as err:
            reason = err.reason
        else:
            reason = "damaged_head"
        assert reason == "damaged_head"


def test_scoring_imports_neither_torch_nor_mlflow() -> None:
    code = (
        "import sys, numpy as np, mlops_assets.models as models\n"
        "import mlops_assets.drift\n"
        "head = models.Head(('a',), np.zeros(1, 'f'), np.ones(1, 'f'),"
        " ((np.ones((1, 1), 'f'), np.zeros(1, 'f')),), {})\n"
        "models.Head.from_bytes(head.to_bytes()).predict_proba(np.ones((1, 1), 'f'))\n"
        "heavy = {'torch', 'lightning', 'mlflow', 'whylogs', 'matplotlib', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"
