"""Shot changes: how many are found, and how many are made up, on rendered clips."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Options
from benchmarks.results import Figure, Result

METHOD = """Clips of nine shots of rendered scenes (textured backdrops of seeds that no threshold
was chosen on, a moving object, a slow pan, sensor noise), H.264, 25 pictures a second, joined by
hard cuts, dissolves of 0.3 to 1.8 s, or fades through black or white of 0.4 to 2 s. A change is
found when a shot of `decode_video` starts inside it or within 0.3 s after it (a cut: within one
frame). F1 = 2 TP / (2 TP + FP + FN) over all clips of a kind; the figure is 1 - F1."""

RATE = 25
SHOTS = 9
SIZE = (320, 180)
PLACES = ("north-gate", "loading-dock", "car-park", "side-street")


@dataclass(frozen=True)
class Change:
    """A change of shot in frames, from the first mixed picture to the first pure one."""

    start: int
    end: int


def run(options: Options) -> Result:
    """Measure it."""
    clips = 1 if options.quick else 6
    counts = {kind: _found(options, kind, clips) for kind in ("cut", "dissolve", "fade")}
    targets = {"cut": 0.05, "dissolve": 0.2, "fade": 0.2}
    figures = [
        Figure(f"{kind}: 1 - F1", 1 - _f1(*counted), "", targets[kind])
        for kind, counted in counts.items()
    ]
    details: dict[str, Any] = {
        kind: dict(zip(("found", "made_up", "missed"), counted, strict=True))
        for kind, counted in counts.items()
    }
    if options.clips is not None:
        details["changes_in_real_clips_s"] = {
            file.name: _starts(file)[1:] for file in sorted(options.clips.iterdir())
        }
    return Result("shots", METHOD, tuple(figures), details)


def _f1(found: int, made_up: int, missed: int) -> float:
    return 2 * found / max(1, 2 * found + made_up + missed)


def _found(options: Options, kind: str, clips: int) -> tuple[int, int, int]:
    found = made_up = missed = 0
    folder = options.folder(f"shots-{kind}")
    for number in range(clips):
        rng = random.Random(f"{options.seed}/{kind}/{number}")
        path = folder / f"{number}.mp4"
        changes = _write(path, kind, rng)
        hits, extra = _match(_starts(path)[1:], changes)
        found, made_up, missed = found + hits, made_up + extra, missed + len(changes) - hits
    return found, made_up, missed


def _match(starts: Sequence[float], changes: Sequence[Change]) -> tuple[int, int]:
    """Changes found, and starts that belong to none."""
    left = [round(start * RATE) for start in starts]
    hits = 0
    for change in changes:
        late = 8 if change.end > change.start else 1
        near = [at for at in left if change.start - 1 <= at <= change.end + late]
        if near:
            hits += 1
            left.remove(near[0])
    return hits, len(left)


def _starts(path: Path) -> list[float]:
    from mlops_assets.media import SamplingOptions, Shot, decode_video

    events = decode_video(path, options=SamplingOptions(with_successors=False))
    return [float(event.start) for event in events if isinstance(event, Shot)]


def _write(path: Path, kind: str, rng: random.Random) -> list[Change]:
    pictures: list[NDArray[np.uint8]] = []
    changes = []
    for number in range(SHOTS):
        shot = list(_shot(rng, number))
        length = _length(kind, rng)
        if pictures and kind == "dissolve":
            changes.append(Change(len(pictures) - length, len(pictures)))
            tail = pictures[-length:]
            pictures[-length:] = _mixed(tail, shot[:length], _rising(length))
            shot = shot[length:]
        elif pictures and kind == "fade":
            changes.append(Change(len(pictures) - length, len(pictures) + length))
            flat = [np.full_like(shot[0], rng.choice((0, 255)))] * length
            pictures[-length:] = _mixed(pictures[-length:], flat, _rising(length))
            shot[:length] = _mixed(flat, shot[:length], _rising(length))
        elif pictures:
            changes.append(Change(len(pictures), len(pictures)))
        pictures += shot
    _encode(path, pictures)
    return changes


def _length(kind: str, rng: random.Random) -> int:
    return rng.randint(8, 45) if kind == "dissolve" else rng.randint(5, 25)


def _rising(length: int) -> list[float]:
    return [(step + 1) / (length + 1) for step in range(length)]


def _mixed(
    first: Sequence[NDArray[np.uint8]], second: Sequence[NDArray[np.uint8]], shares: list[float]
) -> list[NDArray[np.uint8]]:
    return [
        np.rint((1 - share) * a.astype(np.float32) + share * b).astype(np.uint8)
        for a, b, share in zip(first, second, shares, strict=True)
    ]


def _shot(rng: random.Random, number: int) -> Iterator[NDArray[np.uint8]]:
    """Three to four seconds of one place, with a slow pan and a moving object."""
    from mlops_assets.samples.scenes import Scene, draw_scene

    width, height = SIZE
    scene = Scene(
        label=rng.choice(("vehicle", "pedestrian", "empty")),
        backdrop=PLACES[number % len(PLACES)],
        size=(width + 64, height),
        centre=(rng.uniform(80, width), rng.uniform(60, height - 60)),
        motion=(rng.uniform(-1.5, 1.5), rng.uniform(-0.3, 0.3)),
        colour=(rng.randrange(256), rng.randrange(256), rng.randrange(256)),
        brightness=rng.uniform(0.6, 1.2),
        seed=rng.randrange(10**6),
    )
    frames = rng.randint(75, 100)
    pan = rng.uniform(-0.6, 0.6)
    for at in range(frames):
        left = round(32 + pan * (at - frames / 2))
        yield draw_scene(scene, at)[:, left : left + width]


def _encode(path: Path, pictures: Sequence[NDArray[np.uint8]]) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(RATE))
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
