"""Pictures with faint, tiny and plainly visible text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

FONTS = {
    "tuned": ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf"),
    "held_out": ("STIXGeneral.ttf", "STIXGeneralBol.ttf", "cmr10.ttf", "cmss10.ttf", "cmtt10.ttf"),
}
SIZE = (1280, 720)


def hidden(half: str, phrases: list[str], count: int, seed: int) -> Iterator[Picture]:
    """Stored pictures with a line of faint text: contrast 5 to 20 levels, 14 to 40 points."""
    rng = random.Random(f"{seed}/{half}/hidden")
    for number in range(count):
        ground = _ground(rng, half)
        tone = float(ground[300:340, 200:400].mean())
        contrast = rng.randint(5, 20)
        ink = round(tone + (contrast if tone < 128 else -contrast))
        phrase = rng.choice([one for one in phrases if one.isascii() and len(one) < 90])
        picture = _written(ground, phrase, FONTS[half][number % len(FONTS[half])], rng, ink)
        yield _stored(picture)


def visible(half: str, phrases: list[str], count: int, seed: int) -> Iterator[Picture]:
    """Stored pictures with text as people set it: captions, titles, notes; and scenes without."""
    from mlops_assets.samples.scenes import Scene, draw_scene

    rng = random.Random(f"{seed}/{half}/visible")
    for number in range(count):
        if number % 3 == 0:
            scene = Scene(
                label="vehicle",
                backdrop=("car-park", "north-gate")[number % 2]
                if half == "tuned"
                else "side-street",
                size=SIZE,
                centre=(rng.uniform(200, 900), rng.uniform(200, 500)),
                motion=(1.0, 0.0),
                colour=(rng.randrange(256), rng.randrange(256), rng.randrange(256)),
                brightness=rng.uniform(0.6, 1.2),
                seed=rng.randrange(10**6),
            )
            ground = draw_scene(scene, 0)
        else:
            ground = _ground(rng, half)
        if number % 3 != 1 or number % 2:
            tone = float(ground[300:340, 200:400].mean())
            ink = 255 if tone < 128 else 0
            phrase = rng.choice([one for one in phrases if one.isascii() and len(one) < 90])
            ground = _written(ground, phrase, FONTS[half][number % len(FONTS[half])], rng, ink)
        yield _stored(ground)


def _ground(rng: random.Random, half: str) -> Picture:
    """One tone, a slope, or a soft texture; with some grain."""
    tone = rng.choice((255, 250, 200, 128, 60, 20) if half == "tuned" else (254, 240, 170, 90, 35))
    width, height = SIZE
    ground = np.full((height, width), tone, np.float64)
    if rng.random() < 0.4:
        slope = rng.uniform(-30, 30)
        along = np.linspace(0, slope, width if half == "tuned" else height)
        ground += along if half == "tuned" else along[:, None]
    grain = np.random.default_rng(rng.randrange(2**32)).normal(
        0, rng.choice((0, 0.5, 1)), ground.shape
    )
    colour = [rng.uniform(0.9, 1.0) for _ in range(3)]
    return np.clip(np.rint((ground + grain)[..., None] * colour), 0, 255).astype(np.uint8)


def _written(ground: Picture, phrase: str, font: str, rng: random.Random, ink: int) -> Picture:
    import matplotlib as mpl
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    size_pt = rng.randint(14, 40)
    face: Any = ImageFont.truetype(str(folder / font), size_pt)
    image = Image.fromarray(ground)
    shade = min(255, max(0, ink))
    at = (rng.randint(20, 120), rng.randint(40, SIZE[1] - 90))
    ImageDraw.Draw(image).text(at, phrase, font=face, fill=(shade, shade, shade))
    return np.asarray(image)


def _stored(rgb: Picture) -> Picture:
    """As a model is shown it: through JPEG, in blue, green, red."""
    from mlops_assets.media.pictures import decode_bgr, encode_jpeg

    return decode_bgr(encode_jpeg(rgb, 90))
