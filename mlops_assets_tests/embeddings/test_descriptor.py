from __future__ import annotations

import contextlib
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlops_assets.embeddings import image_encoder
from mlops_assets.embeddings.descriptor import WEIGHTS, describe_picture
from mlops_assets.embeddings.pictures import check_picture, decode_small
from mlops_assets.errors import InputError

cv2 = pytest.importorskip("cv2")

Picture = NDArray[np.uint8]
ENCODER = image_encoder("descriptor")
SCENES = ("balls", "stripes", "sky", "noise")


def jpeg(picture: Picture, quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(picture: Picture) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def scaled(picture: Picture, by: float) -> Picture:
    return np.asarray(
        cv2.resize(picture, None, fx=by, fy=by, interpolation=cv2.INTER_AREA), np.uint8
    )


def scene(kind: str, seed: int) -> Picture:
    """A rendered picture of a known class; colours vary within the class."""
    rng = np.random.default_rng(seed)
    height, width = 240, 320
    picture = np.full((height, width, 3), rng.integers(40, 216, 3), np.uint8)
    down, across = np.mgrid[:height, :width]
    match kind:
        case "balls":
            for _ in range(6):
                x, y, r = (int(v) for v in (*rng.integers(30, 210, 2), rng.integers(12, 40)))
                cv2.circle(picture, (x, y), r, rng.integers(0, 256, 3).tolist(), -1, cv2.LINE_AA)
        case "stripes":
            angle, period = rng.uniform(0, np.pi), rng.uniform(12, 40)
            wave = np.sin((across * np.cos(angle) + down * np.sin(angle)) * 2 * np.pi / period)
            picture[wave > 0] = rng.integers(0, 256, 3)
        case "sky":
            ramp = (down / height)[..., np.newaxis] * rng.integers(-120, 120, 3)
            picture = np.clip(picture + ramp, 0, 255).astype(np.uint8)
        case _:
            noise = rng.normal(0, 40, (height // 4, width // 4, 3)).astype(np.float32)
            picture = np.clip(picture + cv2.resize(noise, (width, height)), 0, 255).astype(np.uint8)
    return picture


@pytest.mark.parametrize("kind", SCENES)
def test_rows_have_length_one_and_the_promised_size(kind: str) -> None:
    rows = ENCODER.encode([jpeg(scene(kind, seed)) for seed in range(3)])
    assert rows.shape == (3, ENCODER.dimensions)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_no_pictures_give_no_rows() -> None:
    assert ENCODER.encode([]).shape == (0, ENCODER.dimensions)


@pytest.mark.parametrize("kind", SCENES)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_picture_in_another_quality_or_size_stays_the_same(kind: str, seed: int) -> None:
    picture = scene(kind, seed)
    copies = [jpeg(picture, quality) for quality in (95, 75, 50)]
    copies += [jpeg(scaled(picture, by)) for by in (0.5, 0.75, 2.0, 4.0)]
    rows = ENCODER.encode([png(picture), *copies])
    assert (rows @ rows[0]).min() > 0.98


def test_another_picture_is_less_like_it_than_a_shifted_copy() -> None:
    pictures = [scene(kind, seed) for kind in SCENES for seed in range(4)]
    rows = ENCODER.encode([jpeg(picture) for picture in pictures])
    moved = ENCODER.encode([jpeg(np.roll(picture, 4, axis=1)) for picture in pictures])
    assert np.array_equal((moved @ rows.T).argmax(axis=1), np.arange(len(pictures)))


def test_a_linear_head_tells_rendered_scenes_apart() -> None:
    def rows_of(seeds: range) -> NDArray[np.float32]:
        return ENCODER.encode([jpeg(scene(kind, seed)) for kind in SCENES for seed in seeds])

    train, test = rows_of(range(25)), rows_of(range(100, 115))
    wanted = np.repeat(np.eye(len(SCENES)), 25, axis=0)
    head = np.linalg.solve(train.T @ train + 0.01 * np.eye(train.shape[1]), train.T @ wanted)
    found = (test @ head).argmax(axis=1)
    assert np.mean(found == np.repeat(np.arange(len(SCENES)), 15)) > 0.9


@pytest.mark.parametrize("level", [0, 127, 128, 255])
def test_a_picture_of_one_colour_has_a_finite_row_of_length_one(level: int) -> None:
    flat = np.full((48, 64, 3), level, np.uint8)
    rows = ENCODER.encode([png(flat), jpeg(flat), png(flat[:1, :1])])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert (rows @ rows[0]).min() > 0.98


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_every_picture_has_a_finite_row_that_repeats(seed: int, spread: int) -> None:
    picture = np.random.default_rng(seed).integers(0, spread + 1, (128, 128, 3), np.uint8)
    row = describe_picture(picture)
    assert row.size == 48 + 64 + 128 + 59 + 8
    np.testing.assert_allclose(np.linalg.norm(row), 1.0, atol=1e-5)
    assert np.array_equal(row, describe_picture(picture))
    assert len(WEIGHTS) == 5


def test_a_batch_changes_nothing() -> None:
    batch = [jpeg(scene(kind, 7)) for kind in SCENES]
    alone = np.concatenate([ENCODER.encode([data]) for data in batch])
    assert np.array_equal(ENCODER.encode(batch), alone)


def test_gray_pictures_transparent_and_deep_ones_are_read() -> None:
    gray = scene("balls", 3)[:, :, 0]
    clear = np.dstack([scene("balls", 3), np.full((240, 320), 9, np.uint8)])
    deep = cv2.imencode(".png", scene("balls", 3).astype(np.uint16) * 257)[1].tobytes()
    rows = ENCODER.encode([png(gray), png(np.asarray(clear, np.uint8)), deep])
    np.testing.assert_allclose(rows[1], rows[2], atol=1e-5)


def test_the_header_tells_the_size() -> None:
    picture = scene("sky", 1)[:101]
    assert check_picture(jpeg(picture)) == (320, 101)
    assert check_picture(png(picture)) == (320, 101)


def bomb(width: int, height: int) -> bytes:
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    header = b"IHDR" + size + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + zlib.crc32(header).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"GIF89a....", "not_a_picture"),
        (b"\xff\xd8\xff\xe0", "undecodable"),
        (b"\xff\xd8\xff" + b"\xff" * 500, "undecodable"),
        (bomb(0, 5), "undecodable"),
        (bomb(10, 10), "undecodable"),
        (bomb(60_000, 60_000), "too_large"),
    ],
)
def test_a_bad_picture_is_an_input_error_that_names_its_place(data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match="item 1") as caught:
        ENCODER.encode([jpeg(scene("sky", 1)), data])
    assert caught.value.reason == reason


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=8), st.booleans())
def test_a_mangled_picture_gives_pixels_or_an_input_error(at: int, junk: bytes, cut: bool) -> None:
    whole = jpeg(scene("balls", 1)) if at % 2 else png(scene("sky", 1)[:64, :64])
    mangled = whole[:at] + junk + (b"" if cut else whole[at + len(junk) :])
    with contextlib.suppress(InputError):
        assert decode_small(mangled, side_px=128).shape == (128, 128, 3)


def test_a_picture_takes_a_few_milliseconds() -> None:
    data = jpeg(scaled(scene("balls", 1), 2.0))
    seconds = []
    for _ in range(20):
        begin = time.perf_counter()
        ENCODER.encode([data])
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.01
