from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ConfigurationError, ShapeError
from mlops_assets.privacy import DEFAULT_DETECTOR, Region, look
from mlops_assets_tests.privacy.drawings import Picture, scene, shared, with_face, with_plate

Spoil = Callable[[Picture], Picture]


def _dimmed(gain: float) -> Spoil:
    return lambda picture: np.rint(picture * gain).astype(np.uint8)


def _compressed(quality: int) -> Spoil:
    import cv2

    def spoil(picture: Picture) -> Picture:
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)

    return spoil


def _blurred(sigma: float) -> Spoil:
    import cv2

    return lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), dtype=np.uint8)


def _noisy(sigma: float) -> Spoil:
    noise = np.random.default_rng(3)
    return lambda picture: np.clip(picture + noise.normal(0, sigma, picture.shape), 0, 255).astype(
        np.uint8
    )


@pytest.mark.parametrize("width", [40, 55, 90, 150])
def test_a_face_of_the_promised_size_is_found_where_it_is(width: int) -> None:
    picture, face = with_face(scene(), centre=(250, 180), width=width)
    seen = look(picture)
    assert (seen.verdict, len(seen.regions), seen.why) == ("found", 1, "1 face")
    assert shared(seen.regions[0], face) > 0.6
    assert 0 < seen.regions[0].confidence <= 1


def test_several_faces_and_a_plate_come_faces_first() -> None:
    picture, left = with_face(scene(640, 480), centre=(150, 120), width=80)
    picture, right = with_face(picture, centre=(420, 130), width=60)
    picture, plate = with_plate(picture, left=220, top=340, width=200)
    seen = look(picture)
    assert [region.kind for region in seen.regions] == ["face", "face", "plate"]
    assert seen.why == "2 faces and 1 plate"
    for true in (left, right, plate):
        assert max(shared(region, true) for region in seen.regions) > 0.4


@pytest.mark.parametrize("width", [170, 200, 240])
def test_a_plate_is_found_where_it_is(width: int) -> None:
    picture, plate = with_plate(scene(), left=110, top=150, width=width)
    found = [region for region in look(picture).regions if region.kind == "plate"]
    assert [shared(region, plate) > 0.3 for region in found] == [True]


def test_an_empty_scene_is_clear_and_says_down_to_which_size() -> None:
    seen = look(scene())
    assert (seen.verdict, seen.regions) == ("clear", ())
    assert seen.why == "no frontal face of 40 px or more, no plate of 80 px or more"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_dimmed(0.03), "too dark: brightness 0.0"),
        (lambda picture: np.full_like(picture, 128), "too flat: contrast 0.00; limit 0.05"),
        (_blurred(8), "too blurred: edges of "),
        (_compressed(2), "too compressed: blocks "),
        (_noisy(60), "too noisy: "),
        (lambda picture: picture[:95], "too small: 480 x 95 px; limit 96 px"),
    ],
)
def test_where_it_could_not_see_it_says_unknown_and_why(spoil: Spoil, why: str) -> None:
    seen = look(spoil(scene()))
    assert (seen.verdict, seen.regions) == ("unknown", ())
    assert seen.why.startswith(why)


@settings(max_examples=8, deadline=None)
@given(gain=st.floats(0.0, 0.04), seed=st.integers(0, 9))
def test_no_dark_picture_is_ever_clear(gain: float, seed: int) -> None:
    picture, _ = with_face(scene(240, 200, seed=seed), centre=(120, 100), width=60)
    assert look(_dimmed(gain)(picture)).verdict != "clear"


@pytest.mark.parametrize("spoil", [_dimmed(0.1), _blurred(1.5), _compressed(15), _noisy(15)])
def test_within_the_working_range_a_small_face_is_still_found(spoil: Spoil) -> None:
    picture, face = with_face(scene(), centre=(250, 180), width=44)
    assert [shared(region, face) > 0.5 for region in look(spoil(picture)).regions] == [True]


def test_what_is_found_counts_even_where_nothing_would_prove_nothing() -> None:
    picture, _ = with_face(scene(90, 90), centre=(45, 45), width=50)
    assert look(picture).verdict == "found"


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(1, 130),
    width=st.integers(1, 130),
    seed=st.integers(0, 2**32 - 1),
    levels=st.sampled_from([2, 40, 256]),
)
def test_any_picture_has_a_verdict_and_regions_lie_within_it(
    height: int, width: int, seed: int, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, levels, (height, width, 3), dtype=np.uint8) * (255 // (levels - 1))
    picture = picture.astype(np.uint8)
    before = picture.copy()
    seen = look(picture)
    assert seen.why
    assert (seen.verdict == "found") == bool(seen.regions)
    assert all(_within(region, width, height) for region in seen.regions)
    assert look(picture) == seen
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(picture: Picture) -> None:
    with pytest.raises(ShapeError, match=r"expected \(H, W, 3\) of uint8"):
        look(picture)


def test_an_unknown_detector_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=f"expected module:name, or one of .*{DEFAULT_DETECTOR}"
    ):
        look(scene(), detector="nobody")


def _within(region: Region, width: int, height: int) -> bool:
    return (
        min(region.left_px, region.top_px) >= 0
        and min(region.width_px, region.height_px) >= 1
        and region.left_px + region.width_px <= width
        and region.top_px + region.height_px <= height
    )
