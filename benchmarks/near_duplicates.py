"""Near duplicates: how many are found and made up, how quickly, and what hashing costs."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Options, Spread
from benchmarks.near_duplicate_scenes import (
    RATE,
    SECONDS,
    VARIANTS,
    Film,
    Variant,
    dull_pictures,
    film,
    pictures_of,
    same_place,
    scene,
    write_clip,
)
from benchmarks.results import Figure, Result
from mlops_assets.duplicates import Catalogue, HashIndex, Medium, Seen, find_match
from mlops_assets.media import DecodeReport, decode_image, decode_video
from mlops_assets.media.looks import LOOK_SIDE_PX, LookRecorder

METHOD = """Rendered places with figures on them, as JPEG and H.264 files through the decode pass,
then through catalogue and comparison as the table uses them. Each original is landed a day before
13 variants of it (resized, re-encoded at quality 15, cropped by 5 %, relit), each clip of 8 s
before cuts out of it (other rate, codec, size, crop, light) and frames of it as pictures. Landed
with them: the same places with other things in them (4 to 12 % of the picture, or moving through),
black, blank, sloping pictures and pages of text. Recall: variants of which the original is named;
precision: named pairs that are one scene. Thresholds were set on tuned scenes; held-out scenes
have other seeds and are drawn in another way. The index: 1 M hashes at random, one picture asked,
against counting bits over all of them at once in NumPy, CPU seconds, turn about. Hashing: CPU
seconds of the decode pass over rendered clips of 1280x720 with and without looks, turn about."""

AS_IT_IS = Variant("", lambda picture: picture)
SIZE, CLIP_SIZE = (480, 320), (320, 192)
HASHES = 1_000_000


@dataclass
class Score:
    """Pairs by kind of variant."""

    wanted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    made_up: list[str] = field(default_factory=list)

    @property
    def missed_share(self) -> float:
        """1 - recall."""
        return 1 - self.found.total() / max(1, self.wanted.total())

    @property
    def made_up_share(self) -> float:
        """1 - precision."""
        return len(self.made_up) / max(1, len(self.made_up) + self.found.total())


@dataclass(frozen=True)
class Landed:
    """One file: its name, what it shows, how it was changed, and its looks."""

    name: str
    shows: str
    kind: str
    seen: Seen


def run(options: Options) -> Result:
    """Measure it."""
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for name, is_held_out in (("tuned", False), ("held out", True)):
        scores = {
            "pictures": _score(*_pictures(options, is_held_out=is_held_out)),
            "clips": _score(*_clips(options, is_held_out=is_held_out)),
        }
        target = 0.05 if is_held_out else None
        for of, score in scores.items():
            figures.append(Figure(f"{of}, {name}: 1 - recall", score.missed_share, "", target))
            figures.append(Figure(f"{of}, {name}: 1 - precision", score.made_up_share, "", target))
            details[f"{of}, {name}"] = {
                "recall": {k: f"{score.found[k]}/{n}" for k, n in sorted(score.wanted.items())},
                "made_up": sorted(score.made_up)[:60],
            }
    asked, brute = _index_ms(options)
    figures.append(Figure.of("a picture against 1 M hashes, CPU", asked, "ms", 5.0))
    figures.append(Figure.of("the same, over a plain count of bits", asked.over(brute), "x floor"))
    figures.append(Figure.of("decode pass with looks, CPU", _hashing(options), "x without", 1.03))
    return Result("near_duplicates", METHOD, tuple(figures), details)


def _score(earlier: list[Landed], later: list[Landed]) -> Score:
    catalogue, score = Catalogue(), Score()
    media = {one.name: one for one in (*earlier, *later)}
    for day, landed in (("1", earlier), ("2", later)):
        rows = [
            (Medium((day, "bench"), one.name, 0, day, len(one.seen.times_s)), one.seen.hashes)
            for one in landed
        ]
        catalogue.add(day, rows)
    score.wanted.update(one.kind for one in later if one.kind)
    for medium, others in catalogue.candidates(("2", "bench")).items():
        one = media[medium.media_id]
        for other in (media[known.media_id] for known in others if known.place[0] == "1"):
            if find_match(one.seen, other.seen) is None:
                continue
            if one.shows == other.shows and one.kind:
                score.found[one.kind] += 1
            else:
                score.made_up.append(f"{one.name} for {other.name}")
    return score


def _pictures(options: Options, *, is_held_out: bool) -> tuple[list[Landed], list[Landed]]:
    earlier: list[Landed] = []
    later: list[Landed] = []
    folder = options.folder(f"pictures-{is_held_out}")
    for number in range(4 if options.quick else 100):
        rng = np.random.default_rng((options.seed, number, is_held_out))
        original = scene(rng, SIZE, is_held_out=is_held_out)
        earlier.append(_landed_picture(folder, f"{number}", "", original, AS_IT_IS))
        for variant in VARIANTS:
            later.append(_landed_picture(folder, f"{number}", variant.name, original, variant))
        for other in range(3):
            place = same_place(original, rng)
            later.append(_landed_picture(folder, f"{number}/place{other}", "", place, VARIANTS[0]))
        for name, dull in dull_pictures(rng, SIZE).items():
            to = earlier if number % 2 else later
            to.append(_landed_picture(folder, f"{number}/{name}", "", dull, VARIANTS[0]))
    return earlier, later


def _landed_picture(folder: Path, shows: str, kind: str, picture: Any, variant: Variant) -> Landed:
    import cv2

    path = folder / "picture.jpg"
    cv2.imwrite(str(path), variant.change(picture), [cv2.IMWRITE_JPEG_QUALITY, variant.quality])
    return Landed(f"{shows} {kind}".strip(), shows, kind, seen_of(path))


def seen_of(path: Path, *, is_video: bool = False) -> Seen:
    """What the decode pass sees of a file."""
    *_, report = (decode_video if is_video else decode_image)(path)
    if not isinstance(report, DecodeReport):
        raise TypeError(f"{path.name}: the decode pass ended with {type(report).__name__}")
    looks = report.looks
    hashes = np.array([looks.hashes, looks.inner_hashes], np.int64).T.copy().view(np.uint64)
    pictures = np.frombuffer(looks.pictures, np.uint8).reshape(-1, LOOK_SIDE_PX, LOOK_SIDE_PX)
    return Seen(np.array(looks.times_s), hashes, pictures)


def _clips(options: Options, *, is_held_out: bool) -> tuple[list[Landed], list[Landed]]:
    earlier: list[Landed] = []
    later: list[Landed] = []
    folder = options.folder(f"clips-{is_held_out}")
    for number in range(2 if options.quick else 24):
        rng = np.random.default_rng((options.seed, 1, number, is_held_out))
        place = scene(rng, CLIP_SIZE, is_held_out=is_held_out) if number % 2 else None
        one = film(rng, CLIP_SIZE, place, is_held_out=is_held_out)
        earlier.append(_landed_clip(folder, f"{number}", "", one, Cut()))
        for cut in CUTS:
            later.append(_landed_clip(folder, f"{number}", cut.name, one, cut))
        for variant in (VARIANTS[2], VARIANTS[4], VARIANTS[-1]):
            still = one.picture(float(rng.uniform(0.5, SECONDS - 0.5)), CLIP_SIZE)
            kind = f"frame, {variant.name}"
            later.append(_landed_picture(folder, f"{number}", kind, still, variant))
        for other in range(2 if place is not None else 0):
            elsewhen = film(rng, CLIP_SIZE, place, is_held_out=is_held_out)
            name = f"{number}/film{other}"
            later.append(_landed_clip(folder, name, "", elsewhen, CUTS[other]))
            still = elsewhen.picture(1.0, CLIP_SIZE)
            later.append(_landed_picture(folder, f"{name} frame", "", still, VARIANTS[2]))
    return earlier, later


@dataclass(frozen=True)
class Cut:
    """A stretch of a film, how it is changed, and how it is encoded."""

    name: str = ""
    start_s: float = 0.0
    length_s: float = SECONDS
    rate: int = RATE
    codec: str = "libx264"
    quality: str = "23"
    variant: Variant = AS_IT_IS


CUTS = (
    Cut("re-encoded", quality="38"),
    Cut("trimmed, 15 a second", 2.13, 4.0, rate=15),
    Cut("trimmed, MPEG-4", 3.37, 3.0, codec="mpeg4"),
    Cut("resized, 10 a second", rate=10, variant=VARIANTS[0]),
    Cut("cropped", variant=VARIANTS[3]),
    Cut("cropped, trimmed", 1.71, 5.0, variant=VARIANTS[4]),
    Cut("brighter, trimmed", 0.9, 4.0, variant=VARIANTS[7]),
)


def _landed_clip(folder: Path, shows: str, kind: str, one: Film, cut: Cut) -> Landed:
    path = folder / "clip.mp4"
    shown = pictures_of(one, CLIP_SIZE, cut.start_s, cut.length_s, cut.rate)
    told = {"crf": cut.quality, "preset": "veryfast"} if cut.codec == "libx264" else {}
    write_clip(path, map(cut.variant.change, shown), cut.rate, cut.codec, **told)
    return Landed(f"{shows} {kind}".strip(), shows, kind, seen_of(path, is_video=True))


def _index_ms(options: Options) -> tuple[Spread, Spread]:
    """Milliseconds of CPU for one picture against 1 M hashes: the index, and a plain count."""
    rng = np.random.default_rng(options.seed)
    hashes = rng.integers(1, 2**64, (HASHES // 2, 2), dtype=np.uint64)
    index = HashIndex()
    for start in range(0, len(hashes), 50):
        index.add(hashes[start : start + 50])
    whole, inner = np.ascontiguousarray(hashes.T)
    asked = hashes[[HASHES // 3]]

    def count() -> int:
        of_whole = np.bitwise_count(whole ^ asked[0, 0])
        of_inner = np.bitwise_count(inner ^ asked[0, 0])
        turned = np.bitwise_count(whole ^ asked[0, 1])
        return int(np.flatnonzero((of_whole <= 16) | (of_inner <= 16) | (turned <= 16))[0])

    runs: tuple[list[float], list[float]] = ([], [])
    for _ in range(3 * options.times):
        runs[0].append(1e3 * _cpu_s(lambda: index.near(asked, most_bits=16)))
        runs[1].append(1e3 * _cpu_s(count))
    return Spread.of(runs[0]), Spread.of(runs[1])


def _hashing(options: Options) -> Spread:
    """CPU seconds of the decode pass as a multiple of those of a pass that takes no looks."""
    size = (640, 360) if options.quick else (1280, 720)
    rng = np.random.default_rng(options.seed)
    path = options.folder("hashing") / "clip.mp4"
    one = film(rng, size, None, is_held_out=True)
    frames = pictures_of(one, size, 0, SECONDS, RATE)
    write_clip(path, frames, RATE, "libx264", preset="veryfast")
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(3 * options.times + 1):
        sides[0].append(_cpu_s(lambda: list(decode_video(path))))
        with _without_looks():
            sides[1].append(_cpu_s(lambda: list(decode_video(path))))
    return Spread.of(sides[0][1:]).over(Spread.of(sides[1][1:]))


class _without_looks:  # noqa: N801 - reads as a statement
    """The decode pass as it was: no picture is looked at for its hash."""

    def __enter__(self) -> None:
        self._offer = LookRecorder.offer
        LookRecorder.offer = lambda *_, **__: None

    def __exit__(self, *_: object) -> None:
        LookRecorder.offer = self._offer


def _cpu_s(call: Any) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began
