"""Taking files in, over bare hashing and decoding; how it grows; what an idle look costs."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measuring import Options, Spread
from benchmarks.processes import in_fresh_process, peak_memory_mb
from benchmarks.results import Figure, Result

METHOD = """CPU seconds of one process. A landing zone of small JPEG pictures (320 x 240, about 20
kB, each with bytes of its own), 1,000 in a folder, is taken in: listed, hashed, copied into the
vault, placed into partitions and stated. The floor opens and hashes the same files and decodes
each once with Pillow; both take turns, each of our rounds with a new lake, the first does not
count. Gates are not part of it. Growth: the same with many tiny files in a fresh process each,
where the ledger is written every 5,000 files, in seconds of user CPU: what the kernel takes to make
the vault's files varies fourfold from run to run and stands in the details; then a look at the
same files when all are known. Idle look: 1,000 sources of one known file."""

_FOLDER_FILES = 1_000


def run(options: Options) -> Result:
    """Measure it."""
    pictures = 100 if options.quick else 2_000
    few, many = (100, 400) if options.quick else (10_000, 100_000)
    sources = 20 if options.quick else 1_000
    ours, hashed, decoded = _turns(options, pictures)
    grown = {count: _grown(options, count) for count in (few, many)}
    per_file = {count: told["user_s"] / count for count, told in grown.items()}
    floor = Spread.of([a + b for a, b in zip(hashed.runs, decoded.runs, strict=True)])
    return Result(
        "landing",
        METHOD,
        (
            Figure.of("taking in, CPU", _sum(ours, decoded).over(floor), "x hash + decode", 1.3),
            Figure.of("taking in alone, CPU", ours.over(hashed), "x hash"),
            Figure(
                f"{many:,} over {few:,}, user CPU a file", per_file[many] / per_file[few], "x", 1.3
            ),
            Figure(f"{many:,} files, peak", grown[many]["peak_mb"], "MB"),
            Figure(f"look at {many:,} known files, CPU", grown[many]["again_cpu_s"], "s"),
            Figure(f"idle look at {sources:,} sources, CPU", _idle(options, sources), "s"),
        ),
        {
            "pictures": pictures,
            "cpu_s": {"ours": ours.runs, "hash": hashed.runs, "decode": decoded.runs},
            "grown": grown,
        },
    )


def _sum(one: Spread, other: Spread) -> Spread:
    """What taking in and decoding cost together, decoding being the gates' and the tables'."""
    return Spread.of([a + b for a, b in zip(one.runs, other.runs, strict=True)])


def _turns(options: Options, count: int) -> tuple[Spread, Spread, Spread]:
    from mlops_assets.lake import Lake
    from mlops_assets.landing import register

    zone = options.folder("pictures-zone")
    files = _render(zone, count)
    runs: list[tuple[float, float, float]] = []
    for turn in range(options.times + 1):
        hashed = _cpu_of(lambda: [_hash(file) for file in files])
        decoded = _cpu_of(lambda: [_decode(file) for file in files])
        lake = Lake.at(str(options.folder(f"pictures-{turn}")))
        ours = _cpu_of(
            lambda lake=lake: register(lake, zone, settle_s=0, budget_s=3600)  # type: ignore[misc]
        )
        runs += [(ours, hashed, decoded)] if turn else []
    ours, hashed, decoded = (Spread.of(side) for side in zip(*runs, strict=True))
    return ours, hashed, decoded


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


def _cpu_of(call: Callable[[], object]) -> float:
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
    again = _cpu_of(lambda: register(lake, zone, settle_s=0, budget_s=3600))
    return {
        "user_s": round(after.user - before.user, 3),
        "system_s": round(after.system - before.system, 3),
        "again_cpu_s": round(again, 4),
        "peak_mb": round(peak, 1),
    }
