"""Peak memory: bounded whatever the length of a clip, and the size of the landing zone."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.chains import SOURCE, land, new_lake
from benchmarks.clips import clips
from benchmarks.measuring import Options
from benchmarks.processes import in_fresh_process, peak_memory_mb
from benchmarks.results import Figure, Result

METHOD = """Peak resident memory (VmHWM) of a fresh process each. A clip of 10 s and the same
clip ten times over (packets copied behind each other) are computed by the function of
`decodings`, `frames` and `moments` as a worker process does it, staged files included; 10
pictures a second as JPEG of quality 100, so that the short clip fills more than one staged file.
A landing zone of 1,000 and of 10,000 tiny files is registered, and `raw_media` planned."""

DECODING = {"rate_hz": 10.0, "pair_gap_s": 0.0, "jpeg_quality": 100}


def run(options: Options) -> Result:
    """Measure it."""
    clip = clips(options, 1)[0]
    long = options.folder("long") / "long.mp4"
    repeat_clip(clip, long, 10)
    decoded = {times: _decoded(options, file, times) for times, file in ((1, clip), (10, long))}
    counts = (50, 100) if options.quick else (1_000, 10_000)
    landed = {count: _landed(options, count) for count in counts}
    few, many = counts
    return Result(
        "memory",
        METHOD,
        (
            Figure("clip of 10 s", decoded[1]["peak_mb"], "MB"),
            Figure("clip of 100 s", decoded[10]["peak_mb"], "MB"),
            Figure("100 s over 10 s", decoded[10]["peak_mb"] / decoded[1]["peak_mb"], "x", 1.3),
            Figure(f"{few:,} landed files", landed[few]["peak_mb"], "MB"),
            Figure(f"{many:,} landed files", landed[many]["peak_mb"], "MB"),
            Figure(
                f"{many:,} over {few:,}", landed[many]["peak_mb"] / landed[few]["peak_mb"], "x", 1.5
            ),
        ),
        {"decoded": decoded, "landed": landed},
    )


def repeat_clip(clip: Path, to: Path, times: int) -> None:
    """The packets of a clip so many times behind each other, without encoding anything."""
    import av

    with av.open(str(clip)) as source, av.open(str(to), "w") as target:
        read = source.streams.video[0]
        written = target.add_stream_from_template(read)
        length = int(Fraction(read.frames) / (read.average_rate or 25) / (read.time_base or 1))
        for turn in range(times):
            source.seek(0)
            for packet in source.demux(read):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.dts += turn * length
                packet.pts += turn * length
                packet.stream = written
                target.mux(packet)


def _decoded(options: Options, file: Path, times: int) -> dict[str, Any]:
    home = options.folder(f"memory-{times}")
    new_lake(home, {})
    land(home, [file])
    return in_fresh_process(decode_clip, home=str(home))


def decode_clip(home: str) -> dict[str, Any]:
    """Compute the decode pass over what landed, as a worker does, and say what it took."""
    os.environ["MLOPS_HOME"] = home
    from benchmarks.chains import ingest, producers
    from mlops_assets.lake import current_lake
    from mlops_assets.rows import make_plan
    from mlops_assets.rows.slices import Slice, compute

    lake = current_lake()
    partition = ingest(lake, Path(home), ["raw_media"])
    producer = producers(["decodings"])[0]
    plan = make_plan(producer, lake, partition)
    units = producer.lineage.locate(lake, partition, plan.due)
    work = Slice(
        producer.address, lake, partition, units, plan.version, {**plan.values, **DECODING}
    )
    before = peak_memory_mb()
    output = compute(work, producer)
    staged = output.files["frames"]
    return {
        "before_mb": round(before, 1),
        "peak_mb": round(peak_memory_mb(), 1),
        "pictures": sum(file.rows for file in staged),
        "staged_mb": round(sum(file.size_bytes for file in staged) / 1e6, 1),
        "staged_files": len(staged),
    }


def _landed(options: Options, count: int) -> dict[str, Any]:
    home = options.folder(f"landed-{count}")
    new_lake(home, {})
    for number in range(count):
        (home / "landing" / SOURCE / f"note-{number:06}.txt").write_text(f"note {number}\n")
    return in_fresh_process(register_all, home=str(home))


def register_all(home: str) -> dict[str, Any]:
    """Register a landing zone, plan `raw_media`, and say what it took."""
    os.environ["MLOPS_HOME"] = home
    os.environ["MLOPS_PARTITION_MAX_FILES"] = "100000"
    from benchmarks.chains import only_partition, producers
    from mlops_assets.lake import current_lake
    from mlops_assets.landing import register
    from mlops_assets.rows import make_plan

    lake = current_lake()
    before = peak_memory_mb()
    landed = register(lake, Path(home) / "landing", settle_s=0, budget_s=3600)
    plan = make_plan(producers(["raw_media"])[0], lake, only_partition(lake))
    return {
        "before_mb": round(before, 1),
        "peak_mb": round(peak_memory_mb(), 1),
        "files": landed.files,
        "due": plan.due.height,
    }
