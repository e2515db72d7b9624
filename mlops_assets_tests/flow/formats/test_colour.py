"""Flow colours are those of the Middlebury wheel."""

import io

import numpy as np
import pytest
from PIL import Image

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import colour_picture, flow_sheet
from mlops_assets_tests.flow.scenes import jpeg, translated_pair, uniform_flow


@pytest.mark.parametrize(
    ("shift", "colour"),
    [
        ((5, 0), (255, 0, 0)),  # right: hue 0 of the wheel
        ((0, 5), (255, 229, 0)),  # down: a quarter round, between hues 13 and 14
        ((-5, 0), (0, 209, 255)),  # left: half round, hue 27
        ((0, -5), (88, 0, 255)),  # up: three quarters round, hue 40.5
    ],
)
def test_a_direction_has_its_hue(shift, colour):
    picture = colour_picture(uniform_flow(3, 4, *shift))

    assert picture.dtype == np.uint8
    assert picture.shape == (3, 4, 3)
    np.testing.assert_allclose(picture[1, 1], colour, atol=1)


def test_stillness_is_white_and_unknown_is_black():
    flow = uniform_flow(3, 4, 0, 0)
    flow[1, 0, 0] = np.nan
    flow[0, 0, 1] = 1e10

    picture = colour_picture(flow)

    assert not picture[0, :2].any()
    assert (picture[1:] == 255).all()


def test_magnitude_is_saturation_and_too_much_is_dark():
    flow = np.zeros((2, 1, 3), dtype=np.float32)
    flow[0, 0] = 1, 2, 4

    half, full, beyond = colour_picture(flow, max_px=2)[0]

    assert half.tolist() == [255, 127, 127]
    assert full.tolist() == [255, 0, 0]
    assert beyond.tolist() == [191, 0, 0]


def test_an_impossible_scale_or_shape_is_refused():
    for max_px in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError):
            colour_picture(uniform_flow(3, 4, 1, 1), max_px=max_px)
    with pytest.raises(ShapeError):
        colour_picture(np.zeros((3, 4), dtype=np.float32))


def test_a_sheet_has_a_row_a_pair_with_the_flow_on_the_right():
    gray = translated_pair(30, 40, 0, 0)[0]
    flows = [uniform_flow(30, 40, 5, 0), uniform_flow(15, 20, -5, 0)]

    sheet = Image.open(io.BytesIO(flow_sheet([jpeg(gray)] * 2, flows, cell_height_px=60)))

    assert sheet.format == "JPEG"
    assert sheet.size == (160, 120)
    pixels = np.asarray(sheet, dtype=int)
    np.testing.assert_allclose(pixels[30, 120], (255, 0, 0), atol=12)
    np.testing.assert_allclose(pixels[90, 120], (0, 209, 255), atol=12)
    left = pixels[:60, :72]
    assert np.ptp(left, axis=2).max() < 30  # gray, away from the seam
    assert left.std() > 10


def test_a_sheet_shows_the_first_pairs_and_survives_odd_shapes():
    strip = np.zeros((1, 3000), dtype=np.uint8)
    flows = [uniform_flow(1, 3000, 0, 0), uniform_flow(9, 9, np.nan, 0), uniform_flow(9, 9, 1, 0)]

    sheet = Image.open(io.BytesIO(flow_sheet([jpeg(strip)] * 3, flows, cell_height_px=40, limit=2)))

    assert sheet.size == (320, 80)


def test_a_caption_stands_above_its_pair():
    white = np.full((30, 40), 255, dtype=np.uint8)
    flows = [uniform_flow(30, 40, 0, 0)] * 2  # still: white as well

    made = flow_sheet([jpeg(white)] * 2, flows, captions=["", "camera still"], cell_height_px=60)

    sheet = Image.open(io.BytesIO(made))
    assert sheet.size == (160, 156)
    lines = np.asarray(sheet.convert("L"))
    assert lines[:78].min() > 200
    assert lines[78:96].min() < 100
    assert lines[100:].min() > 200
    with pytest.raises(ShapeError, match="2 flows and 1 captions"):
        flow_sheet([jpeg(white)] * 2, flows, captions=["one"])


def test_a_sheet_of_nothing_or_of_damage_is_an_input_error():
    flow = uniform_flow(9, 9, 1, 0)

    with pytest.raises(InputError) as error:
        flow_sheet([], [])
    assert error.value.reason == "empty_sheet"
    with pytest.raises(InputError) as error:
        flow_sheet([b"not a picture"], [flow])
    assert error.value.reason == "damaged_jpeg"
    with pytest.raises(ShapeError):
        flow_sheet([b""], [flow, flow])
    with pytest.raises(ShapeError):
        flow_sheet([jpeg(np.zeros((9, 9), np.uint8))], [flow[0]])
