"""`mlops ingest-check` over mutated files of every kind, and what its worker processes cost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from benchmarks.measuring import Options, Spread
from benchmarks.processes import cpu_seconds, in_fresh_process
from benchmarks.results import Figure, Result
from mlops_assets_tests.gates.mutating import SEEDS, write_mutated, write_seeds

METHOD = """Good files of every kind (photos, images of eight formats, clips in four containers,
sound, PDF, text, archive, sidecar, labels) are mutated: bits flipped, cut off, header overwritten,
a hole of zeros, a part twice. The command is run over them as a user runs it. Lost is a file
without a row; hung one that was stopped for its time; a traceback is one on either stream. Cost of
isolation: 200 small good files judged in one process, and by two workers that run already, each in
a fresh process after a warm-up; CPU seconds of the process and all its descendants."""

MUTATED = 5_000
GOOD = 200

Kind = Literal["in-process", "workers"]


def run(options: Options) -> Result:
    """Measure it."""
    folder = options.folder("ingest-check")
    found = _fuzz(folder / "mutated", 60 if options.quick else MUTATED, options.seed)
    taken: dict[str, list[float]] = {"in-process": [], "workers": []}
    _good_files(folder / "good", 20 if options.quick else GOOD)
    for _ in range(min(options.times, 3)):
        for kind, listed in taken.items():
            listed.append(in_fresh_process(measure, folder=str(folder / "good"), kind=kind))
    workers, alone = Spread.of(taken["workers"]), Spread.of(taken["in-process"])
    return Result(
        "ingest_check",
        METHOD,
        (
            Figure("files lost", found["lost"], "files", 0),
            Figure("files hung", found["timed_out"], "files", 0),
            Figure("tracebacks", found["tracebacks"], "", 0),
            Figure("decoders crashed", found["decoder_crashed"], "files"),
            Figure.of("CPU in workers", workers.over(alone), "x in-process", 1.1),
        ),
        {"mutated": found, "good files": GOOD, "cpu_s": taken},
    )


def _fuzz(folder: Path, count: int, seed: int) -> dict[str, int]:
    """What became of the mutated files, by reason."""
    write_mutated(folder, count, seed=seed)
    call = "from mlops_assets.cli import main; main()"
    command = [sys.executable, "-c", call, "ingest-check", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    reasons = Counter(row["reason"] or "accepted" for row in rows)
    names = {path.name for path in folder.iterdir()}
    lost = len(names ^ {row["path"] for row in rows}) + len(rows) - len({r["path"] for r in rows})
    tracebacks = (done.stdout + done.stderr).count("Traceback")
    zeros = {"timed_out": 0, "decoder_crashed": 0}
    return {**zeros, **reasons, "files": len(names), "lost": lost, "tracebacks": tracebacks}


def _good_files(folder: Path, count: int) -> None:
    """Good files as often as it takes, each a little longer than the one before."""
    for turn in range(-(-count // len(SEEDS))):
        write_seeds(folder / f"{turn:02}")


def measure(folder: str, kind: Kind) -> float:
    """CPU seconds of judging good files; a first part of them warms up."""
    from mlops_assets.gates.checking import Isolation
    from mlops_assets.gates.checking.isolation import start_workers
    from mlops_assets.gates.checking.one_file import Work, judge_file

    now = datetime.now(UTC)
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    works = [Work(p.parent, p.name, now, size_bytes=p.stat().st_size) for p in files]
    if kind == "in-process":
        for work in works[: len(SEEDS)]:
            judge_file(work)
        before = cpu_seconds()
        for work in works:
            judge_file(work)
        return round(cpu_seconds() - before, 3)
    with start_workers(Isolation(workers=2)) as workers:
        list(workers.run(judge_file, works[: 4 * len(SEEDS)], weigh=_size))
        before = cpu_seconds()
        list(workers.run(judge_file, works, weigh=_size))
        return round(cpu_seconds() - before, 3)


def _size(work: Any) -> int:
    return work.size_bytes
