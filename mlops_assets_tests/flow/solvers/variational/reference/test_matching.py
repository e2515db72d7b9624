import numpy as np
import pytest

from mlops_assets.flow.solvers.variational.reference.matching import Matches, cells, matches, spread
from mlops_assets.flow.solvers.variational.schedule import Matching
from mlops_assets_tests.flow.scenes import translated_pair

SMALL = Matching(cells_across=1000, smallest_cell_px=4, radius_cells=5, window_cells=2)


def found_in(pair, matching=SMALL):
    return Matches(*(part[0] for part in matches(pair[:1], pair[1:], matching)))


def test_cells_are_sums_with_the_last_pixels_repeated():
    picture = np.arange(15, dtype=np.uint8).reshape(1, 3, 5)

    assert cells(picture, 2).tolist() == [
        [[0 + 1 + 5 + 6, 2 + 3 + 7 + 8, 2 * (4 + 9)], [2 * (10 + 11), 2 * (12 + 13), 4 * 14]]
    ]


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, -2), (-5, 4), (1, 5)])
def test_a_shift_by_whole_cells_is_found_and_believed(right, down):
    pair = translated_pair(120, 160, 4 * right, 4 * down)

    found = found_in(pair)

    inner = np.s_[8:-8, 8:-8]
    assert (found.u[inner] == right).all()
    assert (found.v[inner] == down).all()
    assert found.confidence[inner].mean() > 0.9
    assert found.confidence.min() >= 0
    assert found.confidence.max() <= 1


def test_what_leaves_the_picture_is_not_believed():
    found = found_in(translated_pair(120, 160, 20, 0))

    assert found.confidence[:, -5:].mean() < 0.1
    assert found.confidence[:, 4:-8].mean() > 0.8


def test_light_does_not_change_the_matches():
    pair = translated_pair(120, 160, 12, -8)
    darker = np.stack([pair[0], (pair[1] * 0.7 + 20).astype(np.uint8)])

    found = found_in(darker)

    inner = np.s_[8:-8, 8:-8]
    assert (found.u[inner] == 3).mean() > 0.98
    assert (found.v[inner] == -2).mean() > 0.98


@pytest.mark.parametrize("levels", [(0, 0), (10, 200)])
def test_flat_pictures_match_in_place_without_belief(levels):
    pair = np.empty((2, 50, 60), dtype=np.uint8)
    pair[:] = np.array(levels)[:, None, None]

    found = found_in(pair)

    inner = np.s_[7:-7, 7:-7]
    assert not found.u.any()
    assert not found.v.any()
    assert not found.confidence[inner][:, :1].any()


def test_a_window_is_matched_to_the_least_cost_by_hand():
    """One cell, searched the slow way: descriptions, window, ties, the second best."""
    rng = np.random.default_rng(3)
    pair = rng.integers(0, 256, (2, 36, 44), dtype=np.uint8)
    matching = Matching(1000, 4, 2, 1, threshold=3.0, uniqueness=0.1)
    sums = cells(pair, 4).astype(int)
    row, column = 4, 5

    def described(which, y, x):
        y, x = np.clip(y, 0, 8), np.clip(x, 0, 10)
        around = [
            sums[which, np.clip(y + dy, 0, 8), np.clip(x + dx, 0, 10)] - sums[which, y, x]
            for dy in range(-2, 3)
            for dx in range(-2, 3)
        ]
        return np.sign(around) * (np.abs(around) > 3 * 16)

    def cost(dy, dx):
        return sum(
            np.abs(
                described(0, row + y, column + x) - described(1, row + y + dy, column + x + dx)
            ).sum()
            for y in (-1, 0, 1)
            for x in (-1, 0, 1)
        )

    shifts = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)]
    best = min(shifts, key=lambda shift: (cost(*shift), shift[0] ** 2 + shift[1] ** 2, shift))
    found = found_in(pair, matching)

    assert (found.v[row, column], found.u[row, column]) == best
    if found.confidence[row, column]:
        apart = [one for one in shifts if max(abs(one[0] - best[0]), abs(one[1] - best[1])) > 1]
        second = min(cost(*one) for one in apart)
        lead = (second - cost(*best)) / cost(*best) / 0.1
        assert found.confidence[row, column] == pytest.approx(min(lead, 1), rel=1e-5)


def test_matches_reach_the_pixels_above_their_cells():
    """Every pixel of a level takes the cell that its centre lies in, and its own pixel's length."""
    found = Matches(*(np.arange(12, dtype=np.float32).reshape(1, 3, 4) for _ in range(3)))

    here = spread(found, (6, 8), (48, 64), Matching(1000, smallest_cell_px=16))

    np.testing.assert_array_equal(here.confidence, found.confidence.repeat(2, 1).repeat(2, 2))
    np.testing.assert_allclose(here.u, here.confidence * 2)
    np.testing.assert_allclose(here.v, here.confidence * 2)


def test_a_batch_is_its_pairs():
    pairs = np.stack([translated_pair(60, 70, 4 * dx, 4) for dx in (-1, 0, 2)])

    together = matches(pairs[:, 0], pairs[:, 1], SMALL)

    for index, pair in enumerate(pairs):
        for one, part in zip(found_in(pair), together, strict=True):
            np.testing.assert_array_equal(one, part[index])
