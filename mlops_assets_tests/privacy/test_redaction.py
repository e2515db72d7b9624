import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.privacy import How, Region, look, redact
from mlops_assets_tests.privacy.drawings import Picture, scene, shared, with_face, with_plate

WAYS: tuple[How, ...] = ("blur", "box")

_places = st.integers(-30, 60)
_sides = st.integers(0, 70)
_regions = st.lists(
    st.builds(Region, st.just("face"), _places, _places, _sides, _sides, st.just(0.9)), max_size=4
)
_seeds = st.integers(0, 2**32 - 1)
_shapes = st.tuples(st.integers(1, 50), st.integers(1, 50))


def _random(shape: tuple[int, int], seed: int) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _mask(shape: tuple[int, int], regions: list[Region], margin: float) -> np.ndarray:
    """Pixels in a region grown by a margin, pixel by pixel."""
    rows, columns = np.indices(shape)
    inside = np.zeros(shape, dtype=bool)
    for one in regions:
        across, down = round(one.width_px * margin), round(one.height_px * margin)
        inside |= (
            (columns >= one.left_px - across)
            & (columns < one.left_px + one.width_px + across)
            & (rows >= one.top_px - down)
            & (rows < one.top_px + one.height_px + down)
        )
    return inside


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("width", [44, 70, 120])
def test_a_second_look_finds_no_redacted_face(how: How, width: int) -> None:
    picture, _ = with_face(scene(), centre=(240, 180), width=width)
    first = look(picture)
    second = look(redact(picture, first.regions, how=how))
    assert first.verdict == "found"
    assert [one for one in second.regions if shared(one, first.regions[0]) > 0.1] == []


@pytest.mark.parametrize("how", WAYS)
def test_a_second_look_finds_no_redacted_plate(how: How) -> None:
    picture, _ = with_plate(scene(), left=110, top=150, width=200)
    first = look(picture)
    second = look(redact(picture, first.regions, how=how))
    assert [one.kind for one in first.regions] == ["plate"]
    assert [one for one in second.regions if shared(one, first.regions[0]) > 0.1] == []


@pytest.mark.parametrize("how", WAYS)
@settings(max_examples=40, deadline=None)
@given(shape=_shapes, regions=_regions, seed=_seeds)
def test_nothing_of_what_was_inside_is_left(
    how: How, shape: tuple[int, int], regions: list[Region], seed: int
) -> None:
    one, other = _random(shape, seed), _random(shape, seed)
    inside = _mask(shape, regions, 0)
    other[inside] = 255 - other[inside]
    assert np.array_equal(redact(one, regions, how=how), redact(other, regions, how=how))


@pytest.mark.parametrize("how", WAYS)
@settings(max_examples=40, deadline=None)
@given(shape=_shapes, regions=_regions, seed=_seeds)
def test_everything_outside_the_grown_regions_is_untouched(
    how: How, shape: tuple[int, int], regions: list[Region], seed: int
) -> None:
    picture = _random(shape, seed)
    before = picture.copy()
    covered = redact(picture, regions, how=how)
    outside = ~_mask(shape, regions, 0.2)
    assert covered.shape == picture.shape
    assert covered.dtype == np.uint8
    assert np.array_equal(covered[outside], before[outside])
    assert np.array_equal(picture, before)
    if how == "box":
        drawn = [one for one in regions if one.width_px and one.height_px]
        assert (covered[_mask(shape, drawn, 0.2)] == 0).all()


def test_no_regions_leave_the_picture_as_it_is() -> None:
    picture = _random((31, 17), 4)
    for how in WAYS:
        assert np.array_equal(redact(picture, [], how=how), picture)


def test_a_region_that_leaves_no_margin_becomes_black() -> None:
    picture = _random((40, 40), 5)
    everything = [Region("face", 0, 0, 40, 40, 0.9)]
    assert (redact(picture, everything, how="blur") == 0).all()


def test_a_blur_takes_its_colours_from_around_the_region() -> None:
    picture = np.full((100, 100, 3), (10, 120, 200), np.uint8)
    picture[30:70, 30:70] = 255
    covered = redact(picture, [Region("face", 30, 30, 40, 40, 0.9)], how="blur")
    assert np.array_equal(covered, np.full_like(picture, (10, 120, 200)))
