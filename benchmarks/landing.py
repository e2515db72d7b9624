"""Taking files in, over bare hashing and decoding; how it grows; what an idle look costs."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import Options, Spread
from benchmarks.processes import cpu_seconds, file_system, in_fresh_process, peak_memory_mb
from benchmarks.results import Figure, Result

if TYPE_CHECKING:
    from mlops_assets.lake import Lake

METHOD = """CPU seconds of one process. A landing zone of small JPEG pictures (320 x 240, about 20
kB, each with bytes of its own), 1,000 in a folder, is taken in: listed, hashed, copied into the
vault, placed into partitions and stated. The floor opens and hashes the same files and decodes
each once with Pillow; both take turns, each of our rounds with a new lake, the first does not
count. The gates of the door are `raw_media` brought for the same pictures, workers and commit
included; they stand apart, since they cost a small picture as much as a large one. Growth: the same
with many tiny files in a fresh process each, where the ledger is written every 5,000 files, in
seconds of user CPU; then a look at the same files when all are known, over a bare walk (scandir and
stat of each file) of the same folder. Idle look: 1,000 sources of one known file. What the kernel
takes to make files varies up to tenfold with the file system (ext4 without a journal goes through
the inodes that were freed in the last minutes, one by one): the folder lies where `TMPDIR` says,
in memory for the figures kept here, and the name of its file system stands in the details."""

_FOLDER_FILES = 1_000


def run(options: Options) -> Result:
    """Measure it."""
    pictures = 100 if options.quick else 2_000
    few, many = (100, 400) if options.quick else (10_000, 100_000)
    sources = 20 if options.quick else 1_000
    ours, hashed, decoded, gates = _turns(options, pictures)
    grown = {count: _grown(options, count) for count in (few, many)}
    per_file = {count: told["user_s"] / count for count, told in grown.items()}
    floor = Spread.of([a + b for a, b in zip(hashed.runs, decoded.runs, strict=True)])
    return Result(
        "landing",
        METHOD,
        (
            Figure.of("taking in, CPU", _sum(ours, decoded).over(floor), "x hash + decode", 1.3),
            Figure.of("taking in alone, CPU", ours.over(hashed), "x hash"),
            Figure.of(
                "taking in and the door's gates, CPU",
                _sum(_sum(ours, gates), decoded).over(floor),
                "x hash + decode",
                1.6,
            ),
            Figure(
                f"{many:,} over {few:,}, user CPU a file", per_file[many] / per_file[few], "x", 1.3
            ),
            Figure(f"{many:,} files, peak", grown[many]["peak_mb"], "MB"),
            Figure(f"look at {many:,} known files, CPU", grown[many]["again_cpu_s"], "s"),
            Figure(
                f"look at {many:,} known files, CPU",
                grown[many]["again_cpu_s"] / grown[many]["walk_cpu_s"],
                "x scandir + stat",
            ),
            Figure(f"idle look at {sources:,} sources, CPU", _idle(options, sources), "s"),
        ),
        {
            "pictures": pictures,
            "file_system": file_system(options.scratch),
            "cpu_s": {
                "ours": ours.runs,
                "gates": gates.runs,
                "hash": hashed.runs,
                "decode": decoded.runs,
            },
            "grown": grown,
        },
    )


def _sum(one: Spread, other: Spread) -> Spread:
    """What taking in and decoding cost together, decoding being the gates' and the tables'."""
    return Spread.of([a + b for a, b in zip(one.runs, other.runs, strict=True)])


def _turns(options: Options, count: int) -> tuple[Spread, ...]:
    """Seconds of ours, of hashing, of decoding and of the gates."""
    from mlops_assets.lake import Lake
    from mlops_assets.landing import register

    zone = options.folder("pictures-zone")
    files = _render(zone, count)
    runs: list[tuple[float, float, float, float]] = []
    for turn in range(options.times + 1):
        hashed = cpu_of(lambda: [_hash(file) for file in files])
        decoded = cpu_of(lambda: [_decode(file) for file in files])
        lake = Lake.at(str(options.folder(f"pictures-{turn}")))
        ours = cpu_of(
            lambda lake=lake: register(lake, zone, settle_s=0, budget_s=3600)  # type: ignore[misc]
        )
        began = cpu_seconds()
        bring_door(lake)
        runs += [(ours, hashed, decoded, cpu_seconds() - began)] if turn else []
    return tuple(Spread.of(side) for side in zip(*runs, strict=True))


def bring_door(lake: Lake) -> None:
    """Bring `raw_media` of every partition: all gates of the door, and the rows committed."""
    from mlops_assets.lake import MEDIA, use_lake
    from mlops_assets.landing import desired_digests
    from mlops_assets.rows import bring
    from mlops_assets.tables.raw_media import raw_media

    with use_lake(lake):
        for place in desired_digests(lake).select("source", "day").iter_rows():
            bring(raw_media.producer, lake, MEDIA.of(*place))


def _render(zone: Path, count: int) -> list[Path]:
    """Pictures of a few scenes; bytes behind the end of the picture make each file its own."""
    from mlops_assets.samples import render_still

    scene, content = zone.with_name("scene.jpg"), b""
    files = []
    for number in range(count):
        if number % 100 == 0:
            render_still(scene, seed=number)
            content = scene.read_bytes()
        file = zone / f"camera-{number // _FOLDER_FILES}" / f"{number:06}.jpg"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content + number.to_bytes(4, "big"))
        files.append(file)
    return files


def _hash(file: Path) -> str:
    from mlops_assets.lake.vault import hash_file

    return hash_file(file)


def _decode(file: Path) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(file.read_bytes())) as picture:
        picture.load()


def walk(folder: Path) -> int:
    """Bytes of the files of the folders in a folder, by the least calls there are."""
    folders = [one for one in os.scandir(folder) if one.is_dir(follow_symlinks=False)]
    files = (file for one in folders for file in os.scandir(one))
    return sum(file.stat(follow_symlinks=False).st_size for file in files)


def cpu_of(call: Callable[[], object]) -> float:
    """CPU seconds of this process for one call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def _grown(options: Options, count: int) -> dict[str, Any]:
    home = options.folder(f"grown-{count}")
    for number in range(count):
        file = home / "zone" / f"camera-{number // _FOLDER_FILES}" / f"{number:06}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"note {number}")
    return in_fresh_process(take_in, home=str(home))


def _idle(options: Options, count: int) -> float:
    home = options.folder("idle")
    for number in range(count):
        file = home / "zone" / f"camera-{number}" / "a.txt"
        file.parent.mkdir(parents=True)
        file.write_text(f"note {number}")
    return in_fresh_process(take_in, home=str(home))["again_cpu_s"]


def take_in(home: str) -> dict[str, Any]:
    """Take a landing zone in, look at it again, and say what both took."""
    os.environ["MLOPS_HOME"] = home
    from mlops_assets.lake import Lake
    from mlops_assets.landing import register

    lake, zone = Lake.at(f"{home}/lake"), Path(home) / "zone"
    before = os.times()
    register(lake, zone, settle_s=0, budget_s=3600)
    after = os.times()
    peak = peak_memory_mb()
    register(lake, zone, settle_s=0, budget_s=3600)
    again = cpu_of(lambda: register(lake, zone, settle_s=0, budget_s=3600))
    walked = cpu_of(lambda: walk(zone))
    return {
        "user_s": round(after.user - before.user, 3),
        "system_s": round(after.system - before.system, 3),
        "again_cpu_s": round(again, 4),
        "walk_cpu_s": round(walked, 4),
        "peak_mb": round(peak, 1),
    }
