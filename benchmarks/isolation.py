"""What worker processes cost over computing in this process, on many small files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.chains import SOURCE, ingest, new_lake, producers
from benchmarks.clips import ClipSize, clips
from benchmarks.measuring import Options, Spread, seconds_of
from benchmarks.processes import cpu_seconds, in_fresh_process
from benchmarks.results import Figure, Result

METHOD = """Small files of four kinds (PNG, JPEG, text, 1-second clips) are probed (`raw_media`)
and decoded in a new lake, once in this process and once in worker processes that run already and
have imported what they need; a fresh process for each. CPU seconds of the process and all its
descendants, by the second of two lakes."""

Kind = Literal["serial", "processes"]


def run(options: Options) -> Result:
    """Measure it."""
    clip = clips(options, 1, ClipSize(320, 180, 1))[0].read_bytes()
    taken: dict[str, list[dict[str, float]]] = {"serial": [], "processes": []}
    count = 8 if options.quick else 200
    for turn in range(min(options.times, 3)):
        for kind, listed in taken.items():
            homes = [options.folder(f"isolation-{kind}-{turn}-{place}") for place in range(2)]
            for place, home in enumerate(homes):
                new_lake(home, {})
                _small_files(home / "landing" / SOURCE, clip, count, options.seed + place)
            listed.append(in_fresh_process(measure, homes=[str(h) for h in homes], kind=kind))
    cpu = {kind: Spread.of([one["cpu_s"] for one in listed]) for kind, listed in taken.items()}
    wall = {kind: Spread.of([one["wall_s"] for one in listed]) for kind, listed in taken.items()}
    return Result(
        "isolation",
        METHOD,
        (
            Figure.of("CPU in workers", cpu["processes"].over(cpu["serial"]), "x in-process"),
            Figure.of(
                "wall time in workers", wall["processes"].over(wall["serial"]), "x in-process"
            ),
        ),
        {"files": count, "runs": taken},
    )


def _small_files(folder: Path, clip: bytes, count: int, seed: int) -> None:
    import cv2

    rng = np.random.default_rng(seed)
    for number in range(count):
        picture = rng.integers(0, 255, (60, 80, 3), np.uint8)
        kind = (".png", ".jpg", ".txt", ".mp4")[number % 4]
        content = {".txt": f"note {seed} {number}\n".encode(), ".mp4": clip + _free(rng)}.get(kind)
        if content is None:
            content = cv2.imencode(kind, picture)[1].tobytes()
        (folder / f"file-{number:04}{kind}").write_bytes(content)


def _free(rng: np.random.Generator) -> bytes:
    """An MP4 box that players skip, so that no two clips have the same bytes."""
    return (16).to_bytes(4, "big") + b"free" + rng.bytes(8)


def measure(homes: list[str], kind: Kind) -> dict[str, float]:
    """Probe and decode two landing zones; the first warms up."""
    from dataclasses import replace

    from mlops_assets.lake import Lake

    names = ("raw_media", "decodings")
    for producer in producers(names):
        producer.how = replace(producer.how, executor=kind)
    ingest(Lake.at(f"{homes[0]}/lake"), Path(homes[0]), names)
    before = cpu_seconds()
    wall = seconds_of(lambda: ingest(Lake.at(f"{homes[1]}/lake"), Path(homes[1]), names))
    return {"cpu_s": round(cpu_seconds() - before, 3), "wall_s": round(wall, 3)}
