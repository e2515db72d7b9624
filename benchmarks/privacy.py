"""Faces and plates: how many are missed, how many are made up, and what a look costs."""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Options, Spread
from benchmarks.results import Figure, Result
from mlops_assets.privacy import Kind, Picture, Region, Sighting, look, redact

METHOD = """`--clips` is a folder of pictures with `boxes.csv`: set, picture (a path in the folder),
kind (face, plate, or empty: nothing is there), left_px, top_px, width_px, height_px, counts (0: a
region in profile, hidden or out of focus, neither missed nor made up). A region counts as found
when a box of its kind overlaps it by 0.3 of their union; faces from 40 px of height, plates from 80
px of width count. A box that overlaps none is a false alarm, in sets that hold its kind or nothing.
The sets whose names begin with `tuned` are those that thresholds were chosen on. The committed
figures: `dlib-faces` are the boxed pictures of dlib's examples; `close-ups` its 55 portraits of
five men; `portraits` the test pictures of deepface; `groups` sample pictures of the
Ultra-Light-Fast-Generic-Face-Detector, mostly of WIDER FACE (the boxes of the last three were
proposed by the detector at a low threshold, then corrected by eye, so they say nothing of how well
a box fits); `plates` the European, American and Brazilian pictures of openalpr/benchmarks; `media`
photographs and one frame a second of clips, in which cartoon faces are false alarms. Compared:
OpenCV's frontal and profile cascades. Cost: CPU seconds over those of decoding and encoding the
same JPEG in the same run, of a picture of four faces and of one without. Spoilt: the pictures of
one face, reduced until it is 44 px high (where that leaves 96 px a side), then darkened, made pale,
blurred, compressed and made noisy in steps; details say the verdicts of each step."""

LEAST = {"face": ("height_px", 40), "plate": ("width_px", 80)}
SIZES = ((640, 360), (1280, 720))
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Truth:
    """What is in one picture: boxes that count, and boxes that do not."""

    path: Path
    boxes: dict[str, list[Box]] = field(default_factory=lambda: defaultdict(list))
    others: list[Box] = field(default_factory=list)


@dataclass
class Count:
    """Found, there, and made up, over the pictures of one set."""

    pictures: int = 0
    there: int = 0
    found: int = 0
    false_alarms: int = 0

    @property
    def missed(self) -> float:
        """Share of what is there."""
        return 1 - self.found / max(1, self.there)


def run(options: Options) -> Result:
    """Measure it; without a folder of pictures, only what a look costs."""
    figures = _cost(options)
    details: dict[str, Any] = {}
    if options.clips is not None:
        sets = _sets(options.clips)
        for name, truths in sets.items():
            kept = truths[:2] if options.quick else truths
            measured, told = _measured(name, kept)
            figures += measured
            details[name] = told
        spoilt, details["spoilt"] = _spoilt(options, [one for all in sets.values() for one in all])
        figures += spoilt
    return Result("privacy", METHOD, tuple(figures), details)


def _measured(name: str, truths: Sequence[Truth]) -> tuple[list[Figure], dict[str, Any]]:
    kinds: list[Kind] = [kind for kind in ("face", "plate") if any(t.boxes[kind] for t in truths)]
    counts: dict[str, Count] = defaultdict(Count)
    verdicts: dict[str, int] = defaultdict(int)
    again = 0
    for truth in truths:
        picture = _read(truth.path)
        seen = look(picture)
        verdicts[seen.verdict] += 1
        for kind in kinds or ("face", "plate"):
            _add(counts[kind], truth, kind, [_box(one) for one in seen.regions if one.kind == kind])
        if "face" in kinds:
            _add(counts["face, cascades"], truth, "face", _cascades(picture))
        again += _found_again(picture, seen)
    limit = {"face": 0.1}
    figures = []
    for kind, count in counts.items():
        figures.append(Figure(f"{name}, {kind}: missed", count.missed, "", limit.get(kind)))
        alarms = count.false_alarms / count.pictures
        figures.append(Figure(f"{name}, {kind}: false alarms", alarms, "a picture"))
    figures.append(Figure(f"{name}: regions found again after redaction", again, "", 0))
    told = {kind: vars(count) for kind, count in counts.items()}
    return figures, {**told, "verdicts": dict(verdicts)}


def _add(count: Count, truth: Truth, kind: str, seen: Sequence[Box]) -> None:
    there = truth.boxes[kind]
    side = 3 if kind == "face" else 2
    counted = [box for box in there if box[side] >= LEAST[kind][1]]
    count.pictures += 1
    count.there += len(counted)
    count.found += sum(any(_overlap(box, one) > 0.3 for one in seen) for box in counted)
    known = [*there, *truth.others]
    count.false_alarms += sum(all(_overlap(box, one) <= 0.1 for box in known) for one in seen)


def _spoilt(options: Options, truths: Sequence[Truth]) -> tuple[list[Figure], dict[str, Any]]:
    """What is said of small pictures of faces, ever darker, paler, softer, coarser, noisier."""
    alone = [one for one in truths if len(one.boxes["face"]) == 1 and not one.others]
    reduced = [one for truth in alone if (one := _reduced(truth)) is not None]
    pictures = reduced[:3] if options.quick else reduced
    told: dict[str, Any] = {"pictures": len(pictures)}
    wrong = asked = 0
    for name, (spoil, levels) in _spoils(np.random.default_rng(options.seed)).items():
        for level in levels:
            verdicts = [look(spoil(picture, level)).verdict for picture in pictures]
            told[f"{name} {level}"] = {one: verdicts.count(one) for one in sorted(set(verdicts))}
            wrong, asked = wrong + verdicts.count("clear"), asked + len(verdicts)
    return [Figure("spoilt pictures of a face called clear", wrong / max(1, asked), "", 0.05)], told


def _reduced(truth: Truth) -> Picture | None:
    """A picture at the size at which its face is 44 px high; None if it is too small to judge."""
    import cv2

    scale = min(1.0, 44 / truth.boxes["face"][0][3])
    picture = _read(truth.path)
    if min(picture.shape[:2]) * scale < 96:
        return None
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _spoils(
    rng: np.random.Generator,
) -> dict[str, tuple[Callable[[Picture, float], Picture], Sequence[float]]]:
    import cv2

    def whole(values: Any) -> Picture:
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    def compressed(picture: Picture, quality: float) -> Picture:
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
        return whole(cv2.imdecode(encoded, cv2.IMREAD_COLOR))

    return {
        "brightness x": (lambda one, gain: whole(one * gain), (0.3, 0.1, 0.06, 0.04, 0.02)),
        "contrast x": (lambda one, gain: whole((one - 128.0) * gain + 128), (0.3, 0.1, 0.05, 0.03)),
        "blur sigma px": (
            lambda one, sigma: whole(cv2.GaussianBlur(one, (0, 0), sigma)),
            (1, 2, 3, 4, 6),
        ),
        "jpeg quality": (compressed, (30, 10, 7, 5, 3, 1)),
        "noise sigma": (
            lambda one, sigma: whole(one + rng.normal(0, sigma, one.shape)),
            (10, 20, 40, 60, 90),
        ),
    }


def _found_again(picture: Picture, seen: Sighting) -> int:
    second = look(redact(picture, seen.regions, how="blur")).regions
    return sum(
        any(one.kind == before.kind and _overlap(_box(one), _box(before)) > 0.3 for one in second)
        for before in seen.regions
    )


def _sets(folder: Path) -> dict[str, list[Truth]]:
    pictures: dict[tuple[str, str], Truth] = {}
    with (folder / "boxes.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            key = (row["set"], row["picture"])
            truth = pictures.setdefault(key, Truth(folder / row["picture"]))
            if row["kind"]:
                left, top, width, height = (int(row[name]) for name in _COLUMNS)
                of_row = truth.boxes[row["kind"]] if row["counts"] == "1" else truth.others
                of_row.append((left, top, width, height))
    found: dict[str, list[Truth]] = defaultdict(list)
    for (name, _), truth in sorted(pictures.items(), key=lambda item: item[0]):
        found[name].append(truth)
    return found


_COLUMNS = ("left_px", "top_px", "width_px", "height_px")


def _box(region: Region) -> Box:
    return region.left_px, region.top_px, region.width_px, region.height_px


def _overlap(one: Box, other: Box) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(0, across) * max(0, down)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


def _cascades(picture: Picture) -> list[Box]:
    """What OpenCV's cascades find: frontal, profile, and profile of the mirrored picture."""
    import cv2

    folder = Path(cv2.__file__).parent / "data"
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    frontal, profile = (
        cv2.CascadeClassifier(str(folder / f"haarcascade_{name}.xml"))
        for name in ("frontalface_alt2", "profileface")
    )
    least = (32, 32)
    boxes = [*frontal.detectMultiScale(luma, 1.1, 3, minSize=least)]
    boxes += [*profile.detectMultiScale(luma, 1.1, 5, minSize=least)]
    for left, top, width, height in profile.detectMultiScale(luma[:, ::-1], 1.1, 5, minSize=least):
        boxes.append((luma.shape[1] - left - width, top, width, height))
    kept: list[Box] = []
    for left, top, width, height in boxes:
        box = (int(left), int(top), int(width), int(height))
        if all(_overlap(box, one) <= 0.3 for one in kept):
            kept.append(box)
    return kept


def _cost(options: Options) -> list[Figure]:
    figures = []
    for width, height in SIZES:
        for what, picture in _pictures(options, width, height):
            ratios = Spread.of(list(_ratios(picture, options.times)))
            name = f"look at {width}x{height}, {what}"
            figures.append(Figure.of(name, ratios, "x decode + encode, CPU"))
    return figures


def _ratios(picture: Picture, times: int) -> Iterator[float]:
    import cv2

    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])

    def code() -> None:
        decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        assert decoded is not None
        cv2.imencode(".jpg", decoded, [cv2.IMWRITE_JPEG_QUALITY, 90])

    look(picture)
    for _ in range(times):
        mine = _cpu_seconds(lambda: look(picture), 3)
        yield mine / _cpu_seconds(code, 30)


def _cpu_seconds(call: Callable[[], object], times: int) -> float:
    """CPU seconds of one call, over several."""
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times


def _pictures(options: Options, width: int, height: int) -> Iterator[tuple[str, Picture]]:
    """A rendered street, and, of a folder, its first picture with four faces."""
    import cv2

    from mlops_assets.samples.scenes import Scene, draw_scene

    scene = Scene(
        label="vehicle",
        backdrop="north-gate",
        size=(width, height),
        centre=(width / 2, height / 2),
        motion=(0.0, 0.0),
        colour=(180, 90, 40),
        brightness=1.0,
        seed=options.seed,
    )
    yield "nobody there", np.ascontiguousarray(draw_scene(scene, 0)[..., ::-1])
    for truths in _sets(options.clips).values() if options.clips else ():
        for truth in truths:
            if len(truth.boxes["face"]) == 4:
                resized = cv2.resize(_read(truth.path), (width, height))
                yield "four faces", np.asarray(resized, dtype=np.uint8)
                return


def _read(path: Path) -> Picture:
    import cv2

    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{path} cannot be read; boxes.csv names it")
    return np.asarray(picture, dtype=np.uint8)
