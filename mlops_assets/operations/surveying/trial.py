"""The program that a rehearsal runs in a process of its own: the real tables over folders of files.

`python -m mlops_assets.operations.surveying.trial FOLDER...` prints, for each folder once it is
done, a line of JSON: table to rows, bytes on disk and seconds.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from mlops_assets.lake import MEDIA, Lake, use_lake
from mlops_assets.landing import desired_digests, register
from mlops_assets.operations.behind import media_producers
from mlops_assets.rows import Options, bring
from mlops_assets.rows.executors import SerialExecutor

Measured = dict[str, dict[str, float]]


def measure_tables(landing: Path) -> Measured:
    """Make every table from a few files, in a scratch lake, and say what each took.

    Args:
        landing: a landing zone.

    Returns:
        Table to `rows`, `size_bytes` and `seconds`; tables made together have theirs on the first.
    """
    measured: Measured = {}
    with tempfile.TemporaryDirectory(prefix="mlops-survey-") as scratch:
        lake = Lake.at(str(Path(scratch) / "lake"))
        with use_lake(lake):
            register(lake, landing, settle_s=0.0)
            for row in desired_digests(lake).select("source", "day").iter_rows():
                _bring_all(lake, row, measured)
    return measured


def _bring_all(lake: Lake, partition: tuple[str, ...], measured: Measured) -> None:
    for producer in media_producers():
        outcome = bring(producer, lake, MEDIA.of(*partition), Options(executor=SerialExecutor()))
        for table in producer.tables:
            snapshot = lake.snapshot(table.name)
            size = 0 if snapshot is None else int(snapshot.files["size_bytes"].sum() or 0)
            measured[table.name] = {
                "rows": outcome.rows[table.name],
                "size_bytes": size,
                "seconds": 0.0,
            }
        measured[producer.name]["seconds"] = outcome.seconds


if __name__ == "__main__":
    measure_tables(Path(sys.argv[1]))  # what is imported, and read once, is not to be counted
    for folder in sys.argv[1:]:
        sys.stdout.write(json.dumps(measure_tables(Path(folder))) + "\n")
        sys.stdout.flush()
