import numpy as np
import pytest
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from mlops_assets.flow.solvers.variational.reference.relaxation import relax
from mlops_assets.flow.solvers.variational.reference.system import System


def random_system(rng, height, width, batch=1):
    """Data as from pictures: a matrix of rank two, sometimes one; links 0 beyond the border."""
    shape = (batch, height, width)
    p, q, r = rng.normal(size=(3, *shape))
    right, below = rng.uniform(0.1, 3, (2, *shape))
    right[:, :, -1] = below[:, -1] = 0
    parts = (
        p * p,
        p * q,
        q * q + r * r * (rng.uniform(size=shape) < 0.5),
        *rng.normal(size=(2, *shape)),
    )
    return System(*(part.astype(np.float32) for part in (*parts, right, below)))


def solved(equations):
    """The exact solution, (2, H, W), by a sparse direct solver."""
    _, height, width = equations.a11.shape
    a11, a12, a22, b1, b2, right, below = (part[0].astype(float).ravel() for part in equations)
    count = height * width
    matrix = lil_matrix((2 * count, 2 * count))
    for one in range(count):
        matrix[one, one] += a11[one]
        matrix[one, one + count] += a12[one]
        matrix[one + count, one] += a12[one]
        matrix[one + count, one + count] += a22[one]
        for other, link in ((one + 1, right[one]), (one + width, below[one])):
            if link:
                for shift in (0, count):
                    matrix[one + shift, one + shift] += link
                    matrix[other + shift, other + shift] += link
                    matrix[one + shift, other + shift] -= link
                    matrix[other + shift, one + shift] -= link
    found = np.asarray(spsolve(matrix.tocsr(), np.concatenate([b1, b2])))
    return found.reshape(2, height, width)


def zeros(height, width, batch=1):
    shape = batch, height, width
    return np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)


@pytest.mark.parametrize("size", [(7, 9), (8, 8), (1, 6), (5, 1), (1, 1)])
@pytest.mark.parametrize("relaxation", [1.0, 1.5])
def test_many_sweeps_solve_the_equations(size, relaxation):
    equations = random_system(np.random.default_rng(1), *size)

    u, v = relax(equations, zeros(*size), sweeps=400, relaxation=relaxation)

    np.testing.assert_allclose(np.stack([u[0], v[0]]), solved(equations), atol=2e-4)


def test_the_solution_stays():
    equations = random_system(np.random.default_rng(2), 12, 10)
    exact = solved(equations).astype(np.float32)

    u, v = relax(equations, (exact[:1], exact[1:]), sweeps=3, relaxation=1.9)

    np.testing.assert_allclose(np.concatenate([u, v]), exact, atol=1e-4)


def test_red_pixels_see_the_start_and_black_pixels_see_red():
    shape = (1, 1, 3)
    ones, none = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    right = np.array([[[1, 1, 0]]], np.float32)
    equations = System(ones, none, ones, np.array([[[2, 0, 4]]], np.float32), none, right, none)

    u, _ = relax(equations, zeros(1, 3), sweeps=1, relaxation=1.0)

    np.testing.assert_allclose(u, [[[1, 1, 2]]])


@pytest.mark.parametrize("sweeps", [1, 2, 3])
def test_a_sweep_carries_news_two_pixels_far(sweeps):
    """What lets a GPU tile do all sweeps at once, given a border of twice as many pixels."""
    equations = random_system(np.random.default_rng(3), 19, 21)
    moved = equations._replace(b1=equations.b1.copy())
    moved.b1[0, 9, 11] += 1  # a red pixel

    one, other = (
        relax(which, zeros(19, 21), sweeps=sweeps, relaxation=1.9)[0]
        for which in (equations, moved)
    )

    y, x = np.nonzero((one != other)[0])
    assert (np.abs(y - 9) + np.abs(x - 11)).max() == 2 * sweeps - 1


def test_the_start_is_not_written_to():
    equations = random_system(np.random.default_rng(4), 6, 6)
    start = zeros(6, 6)

    relax(equations, start, sweeps=1, relaxation=1.9)

    assert not start[0].any()


def test_a_batch_is_its_pairs_bit_for_bit():
    equations = random_system(np.random.default_rng(5), 9, 8, batch=3)

    together = relax(equations, zeros(9, 8, batch=3), sweeps=4, relaxation=1.9)

    for index in range(3):
        one = System(*(part[index : index + 1] for part in equations))
        alone = relax(one, zeros(9, 8), sweeps=4, relaxation=1.9)
        np.testing.assert_array_equal(together[0][index], alone[0][0])
        np.testing.assert_array_equal(together[1][index], alone[1][0])
