"""Motion over time as a picture."""

import io

import numpy as np
import pytest
from PIL import Image

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow.describing.histograms import BINS
from mlops_assets.flow.describing.pictures import magnitude_picture


def at_speed(bin_):
    return [float(place == bin_) for place in range(BINS)]


def drawn(histograms, **more):
    picture = Image.open(io.BytesIO(magnitude_picture(histograms, **more)))
    assert picture.format == "PNG"
    return np.asarray(picture.convert("L"), dtype=float)


def test_faster_pairs_are_drawn_higher():
    picture = drawn([at_speed(2)] * 10 + [at_speed(12)] * 10)
    middle = picture[8:-60, 100:-20]
    left, right = middle[:, : middle.shape[1] // 2 - 5], middle[:, middle.shape[1] // 2 + 5 :]

    darkest_left, darkest_right = (half.mean(axis=1).argmin() for half in (left, right))

    assert picture.shape == (320, 900)
    assert darkest_right < darkest_left


def test_the_same_pairs_give_the_same_bytes_and_flags_show():
    pairs = [at_speed(5)] * 4
    plain = magnitude_picture(pairs)

    assert magnitude_picture(pairs) == plain
    assert magnitude_picture(pairs, starts=[2], flagged={"cut": [2], "none": []}) != plain


@pytest.mark.parametrize("count", [1, 2, 5000])
def test_any_number_of_pairs_fits(count):
    assert drawn([at_speed(k % BINS) for k in range(count)]).shape == (320, 900)


def test_nothing_or_other_bins_are_refused():
    with pytest.raises(InputError) as error:
        magnitude_picture([])
    assert error.value.reason == "no_pairs"
    with pytest.raises(ShapeError):
        magnitude_picture([[1.0] * 15])
