from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mlops_assets.embeddings.plots import likeness_map
from mlops_assets.errors import ShapeError


def test_a_map_is_a_picture_of_the_stated_size():
    vectors = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
    picture = Image.open(io.BytesIO(likeness_map(vectors, [str(row % 3) for row in range(50)])))
    assert (picture.format, picture.size) == ("PNG", (640, 480))


@pytest.mark.parametrize("vectors", [np.ones((2, 4)), np.ones((3, 1)), np.zeros((5, 2))])
def test_vectors_without_spread_are_drawn_too(vectors: np.ndarray):
    assert likeness_map(vectors.astype(np.float32), ["a"] * len(vectors)).startswith(b"\x89PNG")


@pytest.mark.parametrize(("shape", "names"), [((1, 4), 1), ((4, 4), 3), ((0, 0), 0)])
def test_too_few_vectors_or_names_are_refused(shape: tuple[int, int], names: int):
    with pytest.raises(ShapeError):
        likeness_map(np.ones(shape, np.float32), ["a"] * names)
