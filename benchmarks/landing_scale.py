"""Small pictures and short clips by the tens of thousands, in one landing, through the door."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.landing import bring_door, cpu_of, walk
from benchmarks.measuring import Options
from benchmarks.processes import (
    ROOT,
    cpu_seconds,
    file_system,
    in_fresh_process,
    peak_memory_mb,
)
from benchmarks.results import Figure, Result

METHOD = """A landing zone of JPEG pictures (160 x 120, about 6 kB) and, for each hundred, an MPEG-4
clip (128 x 96, 8 frames), all with bytes of their own, a hundred pictures and a clip in a
source: 100,000 pictures are 1,000 sources. In a fresh process for each size the zone is registered
in one look (listed, hashed, copied into the vault, stated), then `raw_media` is brought up: every
file through all gates of the door in worker processes, every row committed. CPU seconds of the
process and its workers, the latter with their ends and starts; the floor, in the same process,
hashes every file and decodes it once (Pillow, PyAV) and keeps nothing. Seconds a file at the larger
size over those at the smallest tell whether it grows in proportion. Peak memory is that of the
process itself. Then a look at the same files when all are known, over a bare walk (scandir and stat
of each file). Restart: a process that does all of it over the smallest size is killed (SIGKILL) at
a random instant, again and again, and goes on each time; then every file must have one row, and the
ledger one statement. The folder lies where `TMPDIR` says: see `landing`."""

_A_SOURCE = 100
_KILLS = 12


def run(options: Options) -> Result:
    """Measure it."""
    sizes = (200, 400) if options.quick else (10_000, 30_000, 100_000)
    told: dict[int, dict[str, Any]] = {}
    for size in sizes:
        home = options.folder(f"scale-{size}")
        render(home / "zone", size)
        told[size] = in_fresh_process(take_all, home=str(home))
        if size != sizes[0]:
            shutil.rmtree(home)
    other, kills = options.scratch / f"scale-{sizes[0]}", 1 if options.quick else _KILLS
    restarted = _restarted(options.folder("restarted"), other, kills)
    details = {"sizes": told, "restarted": restarted, "file_system": file_system(options.scratch)}
    return Result("landing_scale", METHOD, tuple(_figures(told, restarted)), details)


def _figures(told: dict[int, dict[str, Any]], restarted: dict[str, Any]) -> Iterator[Figure]:
    smallest, *larger = told
    for size in larger:
        for name in ("register", "door"):
            each = told[size][f"{name}_cpu_s"] / told[size]["files"]
            first = told[smallest][f"{name}_cpu_s"] / told[smallest]["files"]
            title = f"{name}, {size:,} over {smallest:,} pictures, CPU a file"
            yield Figure(title, each / first, "x", 1.3)
    most = told[larger[-1]]
    ours = most["register_cpu_s"] + most["decode_cpu_s"]
    floor = most["hash_cpu_s"] + most["decode_cpu_s"]
    title = f"{larger[-1]:,} pictures and clips"
    yield Figure(f"{title}, taking in, CPU", ours / floor, "x hash + decode")
    whole = (ours + most["door_cpu_s"]) / floor
    yield Figure(f"{title}, taking in and the door's gates, CPU", whole, "x hash + decode", 1.6)
    cpu_s = most["register_cpu_s"] + most["door_cpu_s"]
    yield Figure(f"{title}, taking in and the door's gates", most["files"] / cpu_s, "files a CPU s")
    yield Figure(f"{title}, peak", most["peak_mb"], "MB")
    look = most["again_cpu_s"] / most["walk_cpu_s"]
    yield Figure(f"{title}, look when all is known, CPU", look, "x scandir + stat")
    yield Figure("files lost or twice after kills", restarted["lost"] + restarted["twice"], "", 0)


def render(zone: Path, pictures: int) -> None:
    """Few scenes, every file with bytes of its own in a place where they change nothing."""
    from mlops_assets.samples import render_clip, render_still

    zone.mkdir(parents=True)
    scene, moving = zone.with_name("scene.jpg"), zone.with_name("moving.mp4")
    render_clip(moving, motion=(3.0, 0.0), seed=1, frames=8, rate=Fraction(8), size=(128, 96))
    clip, still = moving.read_bytes(), b""
    for number in range(pictures):
        if number % 1000 == 0:
            render_still(scene, seed=number, size=(160, 120))
            still = scene.read_bytes()
        mine = number.to_bytes(8, "big")
        folder = zone / f"camera-{number // _A_SOURCE}"
        if number % _A_SOURCE == 0:
            folder.mkdir()
            (folder / "clip.mp4").write_bytes(clip + b"\x00\x00\x00\x10free" + mine)
        comment = b"\xff\xfe\x00\x0a" + mine  # behind the start of the image
        (folder / f"{number:06}.jpg").write_bytes(still[:2] + comment + still[2:])


def take_all(home: str) -> dict[str, Any]:
    """Take a landing zone in and bring its `raw_media` up, beside the floor; say what all took."""
    os.environ["MLOPS_HOME"] = home
    from mlops_assets.lake import Lake
    from mlops_assets.landing import register
    from mlops_assets.tables.raw_media import raw_media

    lake, zone = Lake.at(f"{home}/lake"), Path(home) / "zone"
    files = sorted(zone.rglob("*.*"))

    def look() -> None:
        register(lake, zone, settle_s=0, budget_s=3600)

    told = {
        "files": len(files),
        "hash_cpu_s": cpu_of(lambda: [_hash(file) for file in files]),
        "decode_cpu_s": cpu_of(lambda: [_decode(file) for file in files]),
        "register_cpu_s": cpu_of(look),
        "door_cpu_s": _cpu_of_all(lambda: bring_door(lake)),
        "peak_mb": round(peak_memory_mb(), 1),
    }
    look()
    again = {"again_cpu_s": cpu_of(look), "walk_cpu_s": cpu_of(lambda: walk(zone))}
    rows = raw_media.rows(lake).select("status", "source", "path").collect()
    told["accepted"] = rows.filter(status="accepted").n_unique()
    return {**told, **again}


def _hash(file: Path) -> str:
    from mlops_assets.lake.vault import hash_file

    return hash_file(file)


def _decode(file: Path) -> None:
    import av
    from PIL import Image

    if file.suffix == ".jpg":
        with Image.open(file) as picture:
            picture.load()
    else:
        with av.open(str(file)) as container:
            sum(1 for _ in container.decode(video=0))


def _cpu_of_all(call: Callable[[], object]) -> float:
    began = cpu_seconds()
    call()
    return cpu_seconds() - began


def _restarted(home: Path, other: Path, most: int) -> dict[str, Any]:
    """Take the zone of another home in, killed at random instants, and count what came of it."""
    (other / "zone").rename(home / "zone")
    rng, kills, limit_s = random.Random(0), 0, 2.0
    while kills < most:
        process = _start(home)
        try:
            process.wait(rng.uniform(0.0, limit_s))
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills, limit_s = kills + 1, limit_s * 1.3
    _start(home).wait()
    return {"kills": kills, **in_fresh_process(count, home=str(home))}


def _start(home: Path) -> subprocess.Popen[bytes]:
    code = f"from benchmarks.landing_scale import take_on; take_on({str(home)!r})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
    return process


def take_on(home: str) -> None:
    """Go on with taking a landing zone in, from wherever the last one was killed."""
    os.environ["MLOPS_HOME"] = home
    from mlops_assets.lake import Lake
    from mlops_assets.landing import register

    lake = Lake.at(f"{home}/lake")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    register(lake, Path(home) / "zone", settle_s=0, budget_s=3600)
    bring_door(lake)


def count(home: str) -> dict[str, int]:
    """Files that have no row, or that were stated or have rows more than once."""
    from mlops_assets.lake import Lake
    from mlops_assets.landing import ARRIVALS
    from mlops_assets.tables.raw_media import raw_media

    lake = Lake.at(f"{home}/lake")
    landed = {(one.parent.name, one.name) for one in (Path(home) / "zone").rglob("*.*")}
    rows = raw_media.rows(lake).select("source", "path").collect()
    stated = ARRIVALS.statements(lake).select("source", "path")
    found = {*rows.iter_rows()} & {*stated.iter_rows()}
    twice = rows.height - rows.n_unique() + stated.height - stated.n_unique()
    return {"files": len(landed), "lost": len(landed - found), "twice": twice}
