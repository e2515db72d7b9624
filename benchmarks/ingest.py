"""First run and one clip more, over the floor: decode everything once, encode the pictures once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chains import ingest, land, new_lake
from benchmarks.clips import clips
from benchmarks.measuring import Options, Spread, seconds_of
from benchmarks.results import Figure, Result
from mlops_assets.embeddings import image_encoder
from mlops_assets.lake import Lake
from mlops_assets.rows.executors import ProcessExecutor, executor_for, worker_count
from mlops_assets.tables import table_named

CLIPS = 8
RATE_HZ = 2.0

METHOD = """From files in the landing zone to frames (2 a second) and vectors committed in the
lake: register (hash, vault), raw_media, decodings with frames and moments, frame_embeddings,
each planned, computed and committed as in a run. The floor decodes the same clips once with PyAV
in the same pool of worker processes, FFmpeg choosing its threads, and encodes the same pictures
in one batch with the same encoder (the built-in descriptor; no image model is packaged) in this
process, storing nothing. Imports are outside on both sides and the workers run already. Floor
and ours take turns in one process; each of our runs has a new lake; ratios are formed round by
round. For `one clip more` a ninth clip lands in the lake of the first run. Successor pictures
(for optical flow) are off, as peers have none, and on in a variant of its own."""


@dataclass
class _Runs:
    """Seconds, one entry a round."""

    floor: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    more: list[float] = field(default_factory=list)
    paired: list[float] = field(default_factory=list)


def run(options: Options) -> Result:
    """Measure it."""
    files = clips(options, CLIPS if not options.quick else 2)
    extra = clips(options, len(files) + 1)[-1]
    floor = _floor(options, files)
    runs = _Runs()
    for turn in range(options.times + 1):
        counts = turn > 0  # the first round warms up
        _round(options, turn, files, extra, floor, runs if counts else _Runs())
    spreads = {name: Spread.of(taken) for name, taken in vars(runs).items()}
    over = spreads["floor"]
    return Result(
        "ingest",
        METHOD,
        (
            Figure.of("first run", spreads["first"].over(over), "x floor", 1.3),
            Figure.of("one clip more", spreads["more"].over(over), "x floor", 0.17),
            Figure.of("first run with successors", spreads["paired"].over(over), "x floor"),
            Figure.of("floor", over, "s"),
        ),
        {
            "clips": len(files),
            "rendered": options.clips is None,
            "bytes": sum(file.stat().st_size for file in files),
            "workers": worker_count(),
            "seconds": {name: spread.runs for name, spread in spreads.items()},
            "aims": {"first run": 1.15, "one clip more": 0.15},
        },
    )


def _round(
    options: Options,
    turn: int,
    files: Sequence[Path],
    extra: Path,
    floor: Callable[[], object],
    runs: _Runs,
) -> None:
    runs.floor.append(seconds_of(floor))
    folder = options.folder(f"ingest-{turn}")
    lake = _lake(folder, 0.0)
    land(folder, files)
    runs.first.append(seconds_of(lambda: ingest(lake, folder)))
    land(folder, [extra])
    runs.more.append(seconds_of(lambda: ingest(lake, folder)))
    folder = options.folder(f"paired-{turn}")
    paired = _lake(folder, 1 / 15)
    land(folder, files)
    runs.paired.append(seconds_of(lambda: ingest(paired, folder)))


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
