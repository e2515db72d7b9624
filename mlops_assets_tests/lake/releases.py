"""Lakes as each release wrote them, kept so that every later release can read them.

`python -m mlops_assets_tests.lake.releases 0_1` writes one. A release that was published is never
written again: make a new folder.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from mlops_assets.lake import MEDIA, Lake
from mlops_assets.rows import bring
from mlops_assets.rows.parameters import set_parameters
from mlops_assets_tests.rows import toys

GOLDEN = Path(__file__).parent / "golden"
PARTITION = MEDIA.of("cam 1/é", "2026-11-20")
NOTES = {
    "a": ("one\ntwo 2\nthree", "a caption"),
    "b c": ("four\n5", ""),
    "bad": ("bad bytes", ""),
    "half": ("ok\nfail half way", ""),
}


def write(release: str) -> Path:
    """Write the toy graph's lake of a release; its notes lie beside the tables."""
    folder = GOLDEN / f"release_{release}"
    shutil.rmtree(folder, ignore_errors=True)
    lake = Lake.at(str(folder))
    toys.write_notes(lake, PARTITION, {**NOTES, "a": ("old\ntwo 2", "")})
    bring(toys.lines.producer, lake, PARTITION)
    toys.write_notes(lake, PARTITION, NOTES)
    set_parameters(toys.lines.producer, lake, {"shout": True}, source="cam 1/é", by="release")
    for table in toys.ALL:
        bring(table.producer, lake, PARTITION)
    _forget_where(folder)
    return folder


def _forget_where(folder: Path) -> None:
    """Delta notes where a table was made, which is nobody's business and read by nobody."""
    for log in folder.rglob("_delta_log/*.json"):
        log.write_text(log.read_text().replace(str(folder), "/lake"))


if __name__ == "__main__":
    write(sys.argv[1])
