"""First run and one clip more, over the floor: decode everything once, encode the pictures once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.chains import LOOKED_AT, ingest, land, new_lake
from benchmarks.clips import clips
from benchmarks.measuring import Options, Spread, seconds_of
from benchmarks.processes import cpu_seconds
from benchmarks.results import Figure, Result
from mlops_assets.embeddings import image_encoder
from mlops_assets.lake import Lake
from mlops_assets.rows.executors import ProcessExecutor, executor_for, worker_count
from mlops_assets.tables import table_named

CLIPS = 8
RATE_HZ = 2.0
PAIRED = "first run with successors"
DETECTED = "first run with detectors"

METHOD = """From files in the landing zone to frames (2 a second) and vectors committed in the
lake: register (hash, vault), raw_media, decodings with frames and moments, screenings,
frame_embeddings, each planned, computed and committed as in a run. The floor decodes the same
clips once with PyAV in the same pool of worker processes, FFmpeg choosing its threads, and encodes
the same pictures in one batch with the same encoder (the built-in descriptor; no image model is
packaged) in this process, storing nothing. Imports are outside on both sides and the workers run
already. Floor and ours take turns in one process; each of our runs has a new lake; ratios are
formed round by round. CPU is that of the process and its workers, which a busy machine disturbs
less. For `one clip more` a ninth clip lands in the lake of the first run. Successor pictures (for
optical flow) are off, as peers have none, and on in a variant of its own. Another variant has
sightings too: faces and plates in every frame, hidden text in every tenth."""


@dataclass
class _Runs:
    """Wall and CPU seconds, one entry a round."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def time(self, name: str, call: Callable[[], object]) -> None:
        """Call it, and add what it took in this process and its workers."""
        began = cpu_seconds()
        self.wall.setdefault(name, []).append(seconds_of(call))
        self.cpu.setdefault(name, []).append(cpu_seconds() - began)


def run(options: Options) -> Result:
    """Measure it."""
    files = clips(options, CLIPS if not options.quick else 2)
    extra = clips(options, len(files) + 1)[-1]
    floor = _floor(options, files)
    runs = _Runs()
    for turn in range(options.times + 1):
        counts = turn > 0  # the first round warms up
        _round(options, turn, files, extra, floor, runs if counts else _Runs())
    wall = {name: Spread.of(taken) for name, taken in runs.wall.items()}
    cpu = {name: Spread.of(taken) for name, taken in runs.cpu.items()}
    return Result("ingest", METHOD, tuple(_figures(wall, cpu)), _details(options, files, wall, cpu))


def _figures(wall: dict[str, Spread], cpu: dict[str, Spread]) -> Iterator[Figure]:
    for name, target in (
        *(("first run", 1.3), ("one clip more", 0.17)),
        *((PAIRED, None), (DETECTED, None)),
    ):
        yield Figure.of(name, wall[name].over(wall["floor"]), "x floor", target)
        yield Figure.of(f"{name}, CPU", cpu[name].over(cpu["floor"]), "x floor")
    yield Figure.of("floor", wall["floor"], "s")


def _details(
    options: Options, files: Sequence[Path], wall: dict[str, Spread], cpu: dict[str, Spread]
) -> dict[str, Any]:
    return {
        "clips": len(files),
        "rendered": options.clips is None,
        "bytes": sum(file.stat().st_size for file in files),
        "workers": worker_count(),
        "wall_s": {name: spread.runs for name, spread in wall.items()},
        "cpu_s": {name: spread.runs for name, spread in cpu.items()},
        "aims": {"first run": 1.15, "one clip more": 0.15},
    }


def _round(
    options: Options,
    turn: int,
    files: Sequence[Path],
    extra: Path,
    floor: Callable[[], object],
    runs: _Runs,
) -> None:
    runs.time("floor", floor)
    folder = options.folder(f"ingest-{turn}")
    lake = _lake(folder, 0.0)
    land(folder, files)
    runs.time("first run", lambda: ingest(lake, folder))
    land(folder, [extra])
    runs.time("one clip more", lambda: ingest(lake, folder))
    other = options.folder(f"paired-{turn}")
    paired = _lake(other, 1 / 15)
    land(other, files)
    runs.time(PAIRED, lambda: ingest(paired, other))
    third = options.folder(f"detected-{turn}")
    detected = _lake(third, 0.0)
    land(third, files)
    runs.time(DETECTED, lambda: ingest(detected, third, LOOKED_AT))


def _lake(folder: Path, pair_gap_s: float) -> Lake:
    return new_lake(folder, {"decodings": {"rate_hz": RATE_HZ, "pair_gap_s": pair_gap_s}})


def _floor(options: Options, files: Sequence[Path]) -> Callable[[], object]:
    """The least anyone can do: every frame decoded once, every picture encoded once."""
    folder = options.folder("pictures")
    lake = _lake(folder, 0.0)
    land(folder, files)
    partition = ingest(lake, folder)
    pictures = (
        table_named("frames").rows(lake, partition).select("jpeg").collect()["jpeg"].to_list()
    )
    encoder, executor = image_encoder("descriptor"), executor_for("processes")

    def floor() -> None:
        if not isinstance(executor, ProcessExecutor):
            raise TypeError(f"{executor} has no worker processes to decode in")
        waiting = [executor.pool.schedule(decode, args=[str(file)]) for file in files]
        for future in waiting:
            future.result()
        encoder.encode(pictures)

    return floor


def decode(path: str) -> int:
    """Decode every frame of a clip and do nothing with it."""
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        return sum(1 for _ in container.decode(stream))
