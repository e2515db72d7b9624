import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlops_assets.privacy.boxes import clipped, squared, strongest, touching, without_nested

_edges = st.tuples(
    st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 60), st.integers(1, 60)
)
_scored = st.lists(st.tuples(_edges, st.integers(1, 100)), max_size=12)


def _boxes(scored: list[tuple[tuple[int, int, int, int], int]]) -> NDArray[np.float32]:
    rows = [(x, y, x + w, y + h, score / 100) for (x, y, w, h), score in scored]
    return np.array(rows, dtype=np.float32).reshape(-1, 5)


@settings(max_examples=40, deadline=None)
@given(_scored)
def test_squares_keep_their_centres_and_hold_their_boxes(scored: list) -> None:
    boxes = _boxes(scored)
    squares = squared(boxes)
    sides = squares[:, 2:4] - squares[:, :2]
    assert np.array_equal(sides[:, 0], sides[:, 1])
    assert np.allclose(squares[:, :2] + squares[:, 2:4], boxes[:, :2] + boxes[:, 2:4])
    assert (squares[:, :2] <= boxes[:, :2]).all()
    assert (squares[:, 2:4] >= boxes[:, 2:4]).all()


@settings(max_examples=40, deadline=None)
@given(_scored)
def test_suppression_keeps_the_best_and_leaves_no_heavy_overlap(scored: list) -> None:
    boxes = _boxes(scored)
    for kept in (strongest(boxes, overlap=0.3), without_nested(boxes, overlap=0.3)):
        assert kept.shape[1] == 5
        assert {tuple(box) for box in kept} <= {tuple(box) for box in boxes}
        assert (np.diff(kept[:, 4]) <= 0).all()
        if len(boxes):
            assert kept[0, 4] == boxes[:, 4].max()
    nested = without_nested(boxes, overlap=0.3)
    for first in range(len(nested)):
        for second in range(first):
            assert _of_smaller(nested[first], nested[second]) <= 0.3 + 1e-6


def test_suppression_can_be_bounded() -> None:
    apart = _boxes([((100 * at, 0, 10, 10), at + 1) for at in range(9)])
    assert strongest(apart, overlap=0.5, most=4)[:, 0].tolist() == [800, 700, 600, 500]


@given(_edges)
def test_a_clipped_box_is_within_the_picture_and_empty_only_outside_it(
    edges: tuple[int, int, int, int],
) -> None:
    boxes = _boxes([(edges, 50)])
    left, top, width, height = clipped(boxes[0], 40, 30)
    assert 0 <= left <= left + width <= 40
    assert 0 <= top <= top + height <= 30
    assert (width * height > 0) == (len(touching(boxes, 40, 30)) == 1)


def _of_smaller(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    sides = np.minimum(one[2:4], other[2:4]) - np.maximum(one[:2], other[:2])
    areas = [float(np.prod(box[2:4] - box[:2])) for box in (one, other)]
    return float(np.prod(np.clip(sides, 0, None))) / min(areas)
