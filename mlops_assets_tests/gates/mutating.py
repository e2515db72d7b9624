"""Good files of every kind, and what a bad disk, a bad network or a bad person makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlops_assets_tests.gates import rendered as r

SEEDS = [
    r.raw(r.photo()),
    r.picture(),
    r.picture(form="WEBP"),
    r.picture(form="TIFF"),
    r.moving("GIF"),
    r.picture(form="BMP"),
    r.picture(form="AVIF"),
    r.picture(form="JPEG2000"),
    lambda path: path.write_bytes(r.heic(path.parent)),
    r.clip("mpeg4", count=6),
    r.clip("mpeg4", "matroska", count=6),
    r.clip("mpeg2video", "mpegts", count=6),
    r.clip("mpeg4", "avi", count=6),
    r.write_sound,
    r.raw(r.pdf()),
    r.zipped({"a.txt": "words"}),
    r.raw("Grüße aus München. ".encode("utf-16") * 9),
    r.raw(b"<html><body><p>words</p></body></html>"),
    r.raw(r.takeout()),
    r.raw(b"path,label\na.jpg,cat\n"),
]
"""Writers of good files."""


def write_seeds(folder: Path) -> list[bytes]:
    """Render every good file once; their bytes."""
    folder.mkdir(parents=True)
    for number, write in enumerate(SEEDS):
        write(folder / f"seed-{number:02}")
    return [(folder / f"seed-{number:02}").read_bytes() for number in range(len(SEEDS))]


def write_mutated(folder: Path, count: int, *, seed: int) -> None:
    """Write at least so many files, each mutated in another way, into a new folder."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    seeds = write_seeds(folder.with_name("seeds"))
    for turn in range(-(-count // len(seeds))):
        for number, raw in enumerate(seeds):
            (folder / f"{number:02}-{turn:04}").write_bytes(mutated(raw, rng))


def mutated(raw: bytes, rng: np.random.Generator) -> bytes:
    """Flipped bits, a cut, a lie in the header, a hole, a part twice."""
    content = bytearray(raw)
    match int(rng.integers(5)):
        case 0:
            for place in rng.integers(0, len(content), 8):
                content[place] ^= 1 << int(rng.integers(8))
        case 1:
            del content[int(rng.integers(len(content))) :]
        case 2:
            place = int(rng.integers(min(len(content), 200)))
            content[place : place + 4] = rng.bytes(4)
        case 3:
            place = int(rng.integers(len(content)))
            content[place : place + len(content) // 8] = bytes(len(content) // 8)
        case _:
            place = int(rng.integers(len(content)))
            content[place:place] = content[place // 2 : place]
    return bytes(content)
