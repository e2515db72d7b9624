"""Lakes to measure on: media lands, and a chain of tables is brought up without Dagster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlops_assets.lake import MEDIA, Lake, Partition, use_lake
from mlops_assets.landing import desired_digests, register
from mlops_assets.operations.behind import media_producers
from mlops_assets.rows import Producer, bring
from mlops_assets.rows.parameters import set_parameters
from mlops_assets.tables import table_named

SOURCE = "camera-01"
VECTORS = ("raw_media", "decodings", "screenings", "frame_embeddings")
"""What it takes to have frames and their vectors, with all gates but detectors."""
LOOKED_AT = ("raw_media", "decodings", "sightings", "screenings", "frame_embeddings")
"""And with a look for faces, plates and hidden text in each frame."""


def producers(names: Iterable[str]) -> list[Producer]:
    """The functions that fill these tables, in this order."""
    return [table_named(name).producer for name in names]


def new_lake(folder: Path, parameters: Mapping[str, Mapping[str, Any]]) -> Lake:
    """An empty lake with parameters set: by table, then by name."""
    lake = Lake.at(str(folder / "lake"))
    (folder / "landing" / SOURCE).mkdir(parents=True)
    for name, values in parameters.items():
        set_parameters(table_named(name).producer, lake, values, by="benchmark")
    return lake


def land(folder: Path, files: Iterable[Path]) -> None:
    """Put files into the landing zone, complete at once; a link where the file system can."""
    for file in files:
        target = folder / "landing" / SOURCE / file.name
        try:
            os.link(file, target)
        except OSError:
            shutil.copy2(file, target)


def ingest(lake: Lake, folder: Path, names: Iterable[str] = VECTORS) -> Partition:
    """Register what landed and bring these tables up; from files to committed rows.

    Returns:
        The partition they are in.
    """
    with use_lake(lake):
        register(lake, folder / "landing", settle_s=0, budget_s=3600)
        partition = only_partition(lake)
        for producer in producers(names):
            bring(producer, lake, partition)
        last = table_named(list(names)[-1])
        if last.rows(lake, partition).head(1).collect().is_empty():
            raise SystemExit(f"{last.name} has no row: this chain measures nothing")
    return partition


def only_partition(lake: Lake) -> Partition:
    """The partition of a lake into which one source landed on one day."""
    return MEDIA.of(*desired_digests(lake).select("source", "day").row(0))


def bring_everything(lake: Lake, partition: Partition) -> None:
    """Bring every media table of a partition up."""
    with use_lake(lake):
        for producer in media_producers():
            bring(producer, lake, partition)
