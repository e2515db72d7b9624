"""One file among many with blobs in the table: what a new and a changed one cost."""

from __future__ import annotations

from benchmarks import synthetic
from benchmarks.measuring import Options, Spread, seconds_of
from benchmarks.results import Figure, Result
from mlops_assets.lake import Lake
from mlops_assets.rows import bring
from mlops_assets.rows.slices import FILE_BYTES

FILES = (100, 300, 1000)

METHOD = """A table of 30 blobs of 20 kB (random, incompressible) per landed file, in one
partition. Then one file lands after the other, and one after the other changes; each time the
partition is planned, computed and committed in this process. Bytes are those of Parquet files
that became active, over the bytes of the new rows' blobs; files rewritten are those that went
out of use. The time includes drawing the random bytes."""


def run(options: Options) -> Result:
    """Measure it."""
    sizes = (5, 10) if options.quick else FILES
    new: dict[int, list[dict[str, float]]] = {}
    changed: dict[int, list[dict[str, float]]] = {}
    for files in sizes:
        lake = Lake.at(str(options.folder(f"increment-{files}")))
        synthetic.LANDED.clear()
        synthetic.LANDED.update({f"file-{n:06}": 0 for n in range(files)})
        _bring(lake)
        names = [f"file-{n:06}" for n in range(files, files + options.times + 1)]
        new[files] = [_step(lake, name, 0) for name in names][1:]
        old = [f"file-{(n * 37) % files:06}" for n in range(options.times + 1)]
        changed[files] = [_step(lake, name, 1 + n) for n, name in enumerate(old)][1:]
    return Result(
        "increment", METHOD, tuple(_figures(new, changed)), {"new": new, "changed": changed}
    )


def _figures(
    new: dict[int, list[dict[str, float]]], changed: dict[int, list[dict[str, float]]]
) -> list[Figure]:
    least, most = min(new), max(new)
    seconds = {files: Spread.of([step["s"] for step in steps]) for files, steps in new.items()}
    growth = seconds[most].median / seconds[least].median
    figures = [
        Figure.of(f"new among {files}", spread, "s", 0.5) for files, spread in seconds.items()
    ]
    return [
        *figures,
        Figure(f"new among {most} over new among {least}", growth, "x", 1.5),
        Figure("new: bytes written", _most(new, "written"), "x its blobs", 1.2),
        Figure("new: files rewritten", _most(new, "removed"), "files", 0),
        Figure("changed: files rewritten", _most(changed, "removed"), "files", 1),
        Figure(
            "changed: largest file written",
            _most(changed, "largest_mb"),
            "MB",
            1.1 * FILE_BYTES / 1e6,
        ),
        Figure.of(f"changed among {most}", Spread.of([s["s"] for s in changed[most]]), "s"),
    ]


def _most(steps: dict[int, list[dict[str, float]]], what: str) -> float:
    return max(step[what] for listed in steps.values() for step in listed)


def _step(lake: Lake, name: str, revision: int) -> dict[str, float]:
    """Land one file and bring the partition up."""
    before = _active(lake)
    synthetic.LANDED[name] = revision
    taken = seconds_of(lambda: _bring(lake))
    after = _active(lake)
    added = [after[path] for path in after.keys() - before.keys()]
    blobs = synthetic.BLOBS_PER_FILE * synthetic.BLOB_BYTES
    return {
        "s": round(taken, 4),
        "written": round(sum(added) / blobs, 4),
        "largest_mb": round(max(added) / 1e6, 3),
        "added": len(added),
        "removed": len(before.keys() - after.keys()),
    }


def _bring(lake: Lake) -> None:
    bring(synthetic.blobs.producer, lake, synthetic.PARTITION)


def _active(lake: Lake) -> dict[str, int]:
    snapshot = lake.snapshot(synthetic.blobs.name)
    files = None if snapshot is None else snapshot.of(synthetic.PARTITION)
    return {} if files is None else dict(files.select("path", "size_bytes").iter_rows())
