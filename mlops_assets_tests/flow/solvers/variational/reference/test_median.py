import numpy as np
import pytest
from scipy.ndimage import median_filter

from mlops_assets.flow.solvers.variational.reference.median import median


@pytest.mark.parametrize("size", [(20, 31), (3, 3), (1, 5), (1, 1)])
def test_it_is_scipys_median(size):
    flow = np.random.default_rng(1).normal(size=(3, *size)).astype(np.float32)

    expected = median_filter(flow, size=(1, 3, 3), mode="nearest")

    np.testing.assert_array_equal(median(flow), expected)


def test_equal_values_do_not_matter():
    flow = np.random.default_rng(2).integers(0, 3, (1, 40, 40)).astype(np.float32)

    expected = median_filter(flow, size=(1, 3, 3), mode="nearest")

    np.testing.assert_array_equal(median(flow), expected)
