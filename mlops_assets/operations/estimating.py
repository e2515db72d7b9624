"""What a folder would cost, per table: a few of its files, measured in a scratch lake."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mlops_assets.lake import MEDIA, Lake, use_lake
from mlops_assets.landing import desired_digests, list_landing, register
from mlops_assets.landing.folder import Found, is_sidecar
from mlops_assets.media.probing.probe import sniff_file
from mlops_assets.operations.behind import media_producers
from mlops_assets.rows import Options, bring
from mlops_assets.rows.executors import SerialExecutor

SAMPLE_FILES = 2
SAMPLE_BYTES = 50_000_000


@dataclass(frozen=True)
class Cost:
    """What a folder would cost.

    Attributes:
        kinds: `kind`, `files`, `size_bytes`.
        tables: `table`, `rows`, `seconds` of one core, `size_bytes` on disk.
    """

    kinds: pl.DataFrame
    tables: pl.DataFrame


def estimate_cost(folder: Path) -> Cost:
    """Measure a few files of each kind and scale them up by bytes, images by count.

    Args:
        folder: a landing zone, or any folder; the first folder inside is the source.
    """
    found = list_landing(folder)
    kinds = {
        k: sniff_file(one.file, name=one.path).kind for k, one in _media(found) if one.size_bytes
    }
    by_kind: dict[str, list[Found]] = {}
    for key, kind in kinds.items():
        by_kind.setdefault(kind, []).append(found[key])
    totals: dict[str, Counter[str]] = {}
    for kind, files in by_kind.items():
        if kind in ("video", "image", "document"):
            _add(totals, _measure(_sample(files)), _scale(kind, files))
    return Cost(
        pl.DataFrame(
            [
                {"kind": k, "files": len(f), "size_bytes": sum(one.size_bytes for one in f)}
                for k, f in sorted(by_kind.items())
            ]
        ),
        pl.DataFrame([{"table": name, **counted} for name, counted in totals.items()]),
    )


def _media(found: dict[tuple[str, str], Found]) -> Iterator[tuple[tuple[str, str], Found]]:
    return ((key, one) for key, one in found.items() if not is_sidecar(one, found, set()))


def _sample(files: list[Found]) -> list[Found]:
    """Files of middle size: the smallest say little, the largest take long."""
    ordered = sorted(files, key=lambda one: one.size_bytes)
    middle = ordered[max(0, len(ordered) // 2 - 1) :][:SAMPLE_FILES]
    small = [one for one in middle if one.size_bytes <= SAMPLE_BYTES]
    return small or ordered[:1]


def _scale(kind: str, files: list[Found]) -> float:
    sample = _sample(files)
    if kind == "image":
        return len(files) / len(sample)
    return sum(one.size_bytes for one in files) / max(1, sum(one.size_bytes for one in sample))


def _measure(sample: list[Found]) -> dict[str, Counter[str]]:
    """Rows, seconds and bytes per table, of the second of two runs: imports are not counted."""
    measured: dict[str, Counter[str]] = {}
    for _ in range(2):
        with tempfile.TemporaryDirectory(prefix="mlops-estimate-") as scratch:
            measured = _run(sample, Path(scratch))
    return measured


def _run(sample: list[Found], scratch: Path) -> dict[str, Counter[str]]:
    landing = scratch / "landing" / "sample"
    landing.mkdir(parents=True)
    for place, one in enumerate(sample):
        target = landing / f"{place}-{Path(one.path).name[-100:]}"
        shutil.copyfile(one.file, target)
        os.utime(target, (0, 0))
    lake = Lake.at(str(scratch / "lake"))
    measured: dict[str, Counter[str]] = {}
    with use_lake(lake):
        register(lake, scratch / "landing", settle_s=0.0)
        for row in desired_digests(lake).select("source", "day").iter_rows():
            for producer in media_producers():
                options = Options(executor=SerialExecutor())
                outcome = bring(producer, lake, MEDIA.of(*row), options)
                for table in producer.tables:
                    snapshot = lake.snapshot(table.name)
                    size = 0 if snapshot is None else int(snapshot.files["size_bytes"].sum() or 0)
                    counted = {"rows": outcome.rows[table.name], "size_bytes": size}
                    measured[table.name] = Counter(counted)
                measured[producer.name]["milliseconds"] += round(outcome.seconds * 1000)
    return measured


def _add(totals: dict[str, Counter[str]], measured: dict[str, Counter[str]], scale: float) -> None:
    for name, counted in measured.items():
        scaled = {key: round(value * scale) for key, value in counted.items()}
        totals.setdefault(name, Counter(rows=0, size_bytes=0, milliseconds=0)).update(scaled)


if __name__ == "__main__":
    cost = estimate_cost(Path(sys.argv[1]))
    sys.stdout.write(f"{cost.kinds.write_json()}\n{cost.tables.write_json()}\n")
