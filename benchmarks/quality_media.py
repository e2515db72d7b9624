"""Media with one known defect each, rendered: pictures, clips and texts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Maker = Callable[[Path, random.Random], Path]

SIZES = ((640, 360), (800, 600), (1280, 720), (1920, 1080))
RATE, SECONDS = 25, 6
_PLACES = ("north-gate", "loading-dock", "car-park", "side-street")


def render_picture(rng: random.Random, *, size: tuple[int, int] | None = None) -> Picture:
    """A street by some light, with the grain of its sensor.

    Returns:
        (H, W, 3), uint8, RGB.
    """
    from mlops_assets.samples.scenes import draw_scene

    return draw_scene(_scene(rng, size or rng.choice(SIZES)), 0)


def _scene(rng: random.Random, size: tuple[int, int], speed: float = 0.0) -> Any:
    from mlops_assets.samples.scenes import Scene

    return Scene(
        label=rng.choice(("vehicle", "pedestrian", "empty")),
        backdrop=rng.choice(_PLACES),
        size=size,
        centre=(rng.uniform(0.3, 0.7) * size[0], rng.uniform(0.3, 0.7) * size[1]),
        motion=(speed, 0.0),
        colour=(rng.randrange(256), rng.randrange(256), rng.randrange(256)),
        brightness=rng.uniform(0.5, 1.3),
        seed=rng.randrange(10**6),
    )


def _scaled(picture: Picture, low: float, high: float) -> Picture:
    """Luma between two levels instead of 0 and 255."""
    return np.rint(low + picture.astype(np.float32) * ((high - low) / 255)).astype(np.uint8)


def _dark(picture: Picture, rng: random.Random) -> Picture:
    level = rng.uniform(0.005, 0.03) * 255 / float(picture.mean())
    return np.rint(picture * level).astype(np.uint8)


def _bright(picture: Picture, rng: random.Random) -> Picture:
    return _scaled(picture, 255 * rng.uniform(0.96, 0.985), 255)


def _flat(picture: Picture, rng: random.Random) -> Picture:
    middle, half = rng.uniform(60, 200), rng.uniform(1, 6)
    return _scaled(picture, middle - half, middle + half)


def _blurred(picture: Picture, rng: random.Random) -> Picture:
    import cv2

    sigma = rng.uniform(0.012, 0.025) * picture.shape[1]
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), dtype=np.uint8)


def _noisy(picture: Picture, rng: random.Random) -> Picture:
    grain = np.random.default_rng(rng.randrange(10**6))
    noise = grain.normal(0, rng.uniform(16, 40), (*picture.shape[:2], 1))
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def _blocky(picture: Picture, rng: random.Random) -> Picture:
    import cv2

    stored = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(3, 10)])[1]
    hard = np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR))
    factor = rng.choice((0.75, 1.0, 1.0, 1.5))
    area_or_cubic = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(hard, None, fx=factor, fy=factor, interpolation=area_or_cubic)
    return np.asarray(resized, dtype=np.uint8)


def _underexposed(picture: Picture, rng: random.Random) -> Picture:
    black = float(np.quantile(picture.max(axis=2), rng.uniform(0.8, 0.9)))
    return np.clip((picture.astype(np.float32) - black) * 6, 0, 255).astype(np.uint8)


def _overexposed(picture: Picture, rng: random.Random) -> Picture:
    white = float(np.quantile(picture.min(axis=2), rng.uniform(0.25, 0.4)))
    return np.clip(picture.astype(np.float32) * (255 / white), 0, 255).astype(np.uint8)


def _still(change: Callable[[Picture, random.Random], Picture] | None) -> Maker:
    def make(folder: Path, rng: random.Random) -> Path:
        import cv2

        picture = render_picture(rng)
        picture = picture if change is None else change(picture, rng)
        path = folder / "picture.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randint(70, 95)]
        cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]), quality)
        return path

    return make


def _clip(good_share: tuple[float, float], defect: str) -> Maker:
    """A clip of which only a share, from any moment on, shows what it should."""

    def make(folder: Path, rng: random.Random) -> Path:
        pictures = list(_filmed(rng))
        good = round(len(pictures) * rng.uniform(*good_share))
        held = np.zeros_like(pictures[0]) if defect == "black" else pictures[good]
        return _encode(folder / "clip.mp4", [*pictures[:good], *[held] * (len(pictures) - good)])

    return make


def _filmed(rng: random.Random) -> Iterator[Picture]:
    from mlops_assets.samples.scenes import draw_scene

    scene = _scene(rng, (320, 180), speed=rng.uniform(-2, 2))
    return (draw_scene(scene, number) for number in range(RATE * SECONDS))


def _encode(path: Path, pictures: list[Picture]) -> Path:
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(RATE))
        height, width = pictures[0].shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


_LETTERS = str.maketrans({"a": "ä", "o": "ö", "u": "ü", "e": "é"})


def _text(damage: Callable[[list[str], random.Random], list[str]] | None) -> Maker:
    def make(folder: Path, rng: random.Random) -> Path:
        from mlops_assets.samples.documents import TOPICS, as_text, write_report

        draw = np.random.default_rng(rng.randrange(10**6))
        reports = [as_text(write_report(draw, rng.choice(list(TOPICS)))) for _ in range(6)]
        words = " ".join(reports).split()
        words = [word.translate(_LETTERS) if rng.random() < 0.2 else word for word in words]
        words = words if damage is None else damage(words, rng)
        path = folder / "text.txt"
        path.write_text(" ".join(words), "utf-8")
        return path

    return make


def _misread(words: list[str], rng: random.Random) -> list[str]:
    share, codec = rng.uniform(0.3, 1.0), rng.choice(("cp1252", "latin-1", ""))
    return [_wrong(word, codec) if rng.random() < share else word for word in words]


def _wrong(word: str, codec: str) -> str:
    if codec:
        return word.encode().decode(codec, errors="replace")
    return "".join(one if one.isascii() else "\ufffd" for one in word)


def _garbled(words: list[str], rng: random.Random) -> list[str]:
    share = rng.uniform(0.4, 0.8)
    kind = rng.choice(("~|^`$!?{}<>;%#", "bcdfghjklmnpqrstvxz", "\ue000\u0378\ue001"))
    return [
        "".join(rng.choice(kind) for _ in range(max(6, len(word))))
        if rng.random() < share
        else word
        for word in words
    ]


CLEAN: dict[str, Maker] = {
    "picture": _still(None),
    "clip": _clip((1.0, 1.0), "black"),
    "text": _text(None),
}
"""Makers of media without a defect, by kind."""

DAMAGED: dict[str, Maker] = {
    "too_dark": _still(_dark),
    "too_bright": _still(_bright),
    "low_contrast": _still(_flat),
    "blurred": _still(_blurred),
    "clipped_dark": _still(_underexposed),
    "clipped_bright": _still(_overexposed),
    "noisy": _still(_noisy),
    "blocky": _still(_blocky),
    "mostly_black": _clip((0.1, 0.4), "black"),
    "mostly_frozen": _clip((0.02, 0.12), "frozen"),
    "damaged_encoding": _text(_misread),
    "garbled_text": _text(_garbled),
}
"""Makers of media with one defect, by the code that should find it."""
