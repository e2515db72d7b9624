"""One file among many with blobs in the table: what a new and a changed one cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks import synthetic
from benchmarks.measuring import Options, Spread, seconds_of
from benchmarks.results import Figure, Result
from mlops_assets.lake import Lake
from mlops_assets.rows import bring

Step = dict[str, float]
FILES = (100, 300, 1000)

METHOD = """A table of 30 blobs of 20 kB (random, incompressible) per landed file, in one
partition. Then one file lands after the other, and one after the other changes; each time the
partition is planned, computed and committed in this process; tables of three sizes take turns.
Bytes are those of Parquet files that became active, over the bytes of the new rows' blobs; files
rewritten are those that went out of use. The time includes drawing the random bytes."""


@dataclass
class _Side:
    """One table of so many files, and what was measured on it."""

    lake: Lake
    landed: dict[str, int]
    new: list[Step] = field(default_factory=list)
    changed: list[Step] = field(default_factory=list)

    def step(self, name: str, revision: int) -> Step:
        """Land one file and bring the partition up."""
        self.landed[name] = revision
        before = _active(self.lake)
        taken = seconds_of(self.bring)
        after = _active(self.lake)
        added = [after[path] for path in after.keys() - before.keys()]
        blobs = synthetic.BLOBS_PER_FILE * synthetic.BLOB_BYTES
        return {
            "s": round(taken, 4),
            "written": round(sum(added) / blobs, 4),
            "largest_mb": round(max(added) / 1e6, 3),
            "removed": len(before.keys() - after.keys()),
        }

    def bring(self) -> None:
        """Bring the partition to the state that what landed implies."""
        synthetic.LANDED.clear()
        synthetic.LANDED.update(self.landed)
        bring(synthetic.blobs.producer, self.lake, synthetic.PARTITION)


def run(options: Options) -> Result:
    """Measure it."""
    sides = {files: _filled(options, files) for files in ((5, 10) if options.quick else FILES)}
    for turn in range(1 + 2 * options.times):
        for files, side in sides.items():
            side.new.append(side.step(f"file-{files + turn:06}", 0))
    for turn in range(1 + options.times):
        for files, side in sides.items():
            side.changed.append(side.step(f"file-{turn * 37 % files:06}", 1 + turn))
    new = {files: side.new[1:] for files, side in sides.items()}
    changed = {files: side.changed[1:] for files, side in sides.items()}
    details = {"new": new, "changed": changed}
    return Result("increment", METHOD, tuple(_figures(new, changed)), details)


def _filled(options: Options, files: int) -> _Side:
    lake = Lake.at(str(options.folder(f"increment-{files}")))
    side = _Side(lake, {f"file-{number:06}": 0 for number in range(files)})
    side.bring()
    return side


def _figures(new: dict[int, list[Step]], changed: dict[int, list[Step]]) -> list[Figure]:
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
            70,
        ),
        Figure.of(f"changed among {most}", Spread.of([s["s"] for s in changed[most]]), "s"),
    ]


def _most(steps: dict[int, list[Step]], what: str) -> float:
    return max(step[what] for listed in steps.values() for step in listed)


def _active(lake: Lake) -> dict[str, int]:
    snapshot = lake.snapshot(synthetic.blobs.name)
    files = None if snapshot is None else snapshot.of(synthetic.PARTITION)
    return {} if files is None else dict(files.select("path", "size_bytes").iter_rows())
