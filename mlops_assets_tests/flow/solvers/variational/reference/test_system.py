import numpy as np
import pytest

from mlops_assets.flow.solvers.variational.reference.matching import Matches
from mlops_assets.flow.solvers.variational.reference.system import (
    Pair,
    derivatives,
    pulled,
    system,
)
from mlops_assets.flow.solvers.variational.schedule import Energy, Matching

INNER = np.s_[:, 5:-5, 5:-5]


def pictures(function, size=(24, 30)):
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    return function(x, y)[None].astype(np.float32)


def zero(like):
    return np.zeros_like(like), np.zeros_like(like)


def equations(first, second, flow, energy=Energy()):  # noqa: B008 - frozen
    pair = Pair(first, derivatives(first, second), np.ones_like(first), zero(first))
    return system(pair, flow, energy)


def smooth_picture(x, y):
    return 100 + 40 * np.sin(x / 4 + 0.5) + 30 * np.cos(y / 5) + 10 * np.sin((x + 2 * y) / 6)


def test_derivatives_of_a_cubic_are_exact_inside():
    first = pictures(lambda x, y: 0.02 * x**3 + x * y + y * y)
    y, x = np.mgrid[:24, :30].astype(float)

    slopes = derivatives(first, first + 2)

    expected = {
        "x": 0.06 * x**2 + y,
        "y": x + 2 * y,
        "xx": 0.12 * x,
        "xy": 1 + 0 * x,
        "yy": 2 + 0 * x,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(slopes, name)[INNER], values[None][INNER], atol=2e-3)
    np.testing.assert_allclose(slopes.t, 2, atol=1e-4)
    np.testing.assert_allclose(slopes.xt[INNER], 0, atol=1e-4)


def test_equal_pictures_ask_for_no_motion():
    first = pictures(smooth_picture)

    found = equations(first, first.copy(), zero(first))

    assert not found.b1.any()
    assert not found.b2.any()


def test_the_data_alone_are_solved_by_the_true_motion():
    du, dv = 0.08, -0.05
    first = pictures(smooth_picture)
    second = pictures(lambda x, y: smooth_picture(x - du, y - dv))

    found = equations(first, second, zero(first))

    for off in (
        found.a11 * du + found.a12 * dv - found.b1,
        found.a12 * du + found.a22 * dv - found.b2,
    ):
        assert np.abs(off[INNER]).max() < 0.02 * np.abs(found.b1[INNER]).max()


def test_data_are_convex_and_links_are_symmetric_in_the_picture():
    rng = np.random.default_rng(1)
    first, second = rng.uniform(0, 255, (2, 1, 20, 25)).astype(np.float32)
    flow = tuple(rng.normal(size=(2, 1, 20, 25)).astype(np.float32))

    found = equations(first, second, flow)
    turned = equations(
        *(np.swapaxes(one, 1, 2) for one in (first, second)),
        flow=tuple(np.swapaxes(one, 1, 2) for one in (flow[1], flow[0])),
    )

    assert (found.a11 >= 0).all()
    assert (found.a11 * found.a22 - found.a12**2 >= -1e-3 * found.a11 * found.a22).all()
    assert (found.right[:, :, :-1] > 0).all()
    assert not found.right[:, :, -1].any()
    np.testing.assert_allclose(np.swapaxes(turned.below, 1, 2), found.right, rtol=1e-5)
    np.testing.assert_allclose(np.swapaxes(turned.a22, 1, 2), found.a11, rtol=1e-4, atol=1e-4)


def test_smoothness_is_full_on_flat_pictures_and_half_across_an_edge():
    energy = Energy()
    first = pictures(lambda x, _: np.where(x < 10, 50, 50 + energy.edge_contrast))

    found = equations(first, first, zero(first), energy)

    full = energy.smoothness / energy.flow_width_px
    np.testing.assert_allclose(found.right[:, :, 3], full, rtol=1e-5)
    np.testing.assert_allclose(found.right[:, :, 9], full / 2, rtol=1e-5)
    np.testing.assert_allclose(found.below[:, :-1], full, rtol=1e-5)


def test_smoothness_gives_way_where_the_flow_breaks():
    first = pictures(lambda x, _: 0 * x)
    broken = pictures(lambda x, _: np.where(x < 10, 0, 5))

    found = equations(first, first, (broken, np.zeros_like(broken)))

    assert found.right[0, 5, 9] < found.right[0, 5, 3] / 50


@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0])
def test_a_match_pulls_by_its_confidence(confidence):
    first = pictures(lambda x, _: 0 * x)
    matching = Matching(weight=10.0, width_px=1.0)
    found = Matches(first + 4, first - 3, first + np.float32(confidence))
    alone = equations(first, first, zero(first))

    both = pulled(alone, zero(first), found, matching)

    weight = 10 * confidence / np.sqrt(26)
    np.testing.assert_allclose(both.a11 - alone.a11, weight, rtol=1e-5)
    np.testing.assert_allclose(both.b1, 4 * weight, rtol=1e-5)
    np.testing.assert_allclose(both.b2, -3 * weight, rtol=1e-5)
    assert both.a12 is alone.a12
