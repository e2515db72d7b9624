"""A source of labelled stills, just enough to learn from, and a day on which it went dark."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlops_assets.samples import render_still
from mlops_assets_tests.defs.workbench import Workbench

STILLS = 24
CLASS_FILES = STILLS + 1
"""With their labels; a partition is full then, so what lands later opens the next one."""

SIDES = ("vehicle", "empty")


def land_class(bench: Workbench) -> None:
    """Stills of two kinds, and a file that labels them."""
    lines = ["path,label"]
    for number in range(STILLS):
        side = SIDES[number % 2]
        still = bench.home / "still.jpg"
        render_still(still, label=side, size=(128, 96), seed=number)
        bench.drop(f"gate/{number}.jpg", still.read_bytes())
        lines.append(f"{number}.jpg,{side}")
    bench.drop("gate/labels.csv", "\n".join(lines))


def darken(bench: Workbench) -> None:
    """As many stills of the same source, nearly black, without labels."""
    for number in range(STILLS):
        bench.drop(f"gate/dark-{number}.jpg", _dark(bench.home / "dark.jpg", number))


def _dark(still: Path, number: int) -> bytes:
    from PIL import Image

    render_still(still, label=SIDES[number % 2], size=(128, 96), seed=100 + number)
    with Image.open(still) as picture:
        Image.fromarray(np.asarray(picture) // 16).save(still, quality=90)
    return still.read_bytes()
