"""Sightings: what detectors see in a frame: faces, licence plates, text that people overlook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
import polars as pl
from annotated_types import Ge

from mlops_assets.errors import ConfigurationError
from mlops_assets.filters import Evidence, find_hidden_text, read_picture, read_text
from mlops_assets.filters.recognition import can_read_pictures
from mlops_assets.lake import Lake, Partition
from mlops_assets.media.pictures import decode_bgr
from mlops_assets.privacy import DEFAULT_DETECTOR, detector_version, look
from mlops_assets.privacy import Sighting as Looked
from mlops_assets.rows import How, Row, each, table
from mlops_assets.tables.decodings import Frame, frames

NOBODY = "none"
_NOT_LOOKED = Looked("unknown", (), "nobody looked: the detector is none")


class Sighting(Row, key="frame_id", judged=("media_id", "privacy", "flags", "evidence")):
    """What was seen in one frame."""

    frame_id: str
    media_id: str
    privacy: Annotated[str, "found, clear, or unknown: below the working range of the detector"]
    why: Annotated[str, "of that, for people"]
    faces: int
    plates: int
    regions_json: Annotated[str, "kind, left_px, top_px, width_px, height_px, confidence of each"]
    flags: Annotated[list[str], "codes of docs/gates.md"]
    evidence: Annotated[list[str], "of each flag, for people"]


def _version(lake: Lake, partition: Partition, values: Mapping[str, Any]) -> str:
    return "" if values["detector"] == NOBODY else detector_version(values["detector"])


@table(
    each(frames.image),
    version="1",
    how=How(executor="processes", slice_units=256, pool="decode"),
    pins={"detector_version": _version},
)
def sightings(
    frame: Frame,
    *,
    detector: Annotated[str, "of faces and plates, by name; none looks for nothing"] = (
        DEFAULT_DETECTOR
    ),
    text_every: Annotated[
        int, Ge(0), "look for hidden text in every n-th frame of a clip; 0: in none"
    ] = 10,
    read_words: Annotated[bool, "also read the words in it; needs the extra `ocr`"] = False,
    detector_version: str = "",
) -> Sighting:
    """Faces and licence plates with their boxes, text hidden in the picture, orders in its words.

    Grain: one row per frame. Key: `frame_id`. Partition: source and arrival day. Replaced when the
    picture or the detector changes. Looked at is the stored picture, as a model is shown it; what
    `redact` of `frames` took out is not found again; text is looked for in every image and in
    every tenth frame of a clip. Limits: see docs/privacy.md; below the working
    range of the detector `privacy` is `unknown`, never `clear`. A look costs many times what
    decoding the frame does; `detector=none` saves that, and leaves every frame `unknown`.
    """
    picture = decode_bgr(frame.jpeg)
    seen = _NOT_LOOKED if detector == NOBODY else look(picture, detector=detector)
    found = _texts(picture, read_words) if _is_due(frame.frame_id, text_every) else ()
    return Sighting(
        frame_id=frame.frame_id,
        media_id=frame.media_id,
        privacy=seen.verdict,
        why=seen.why,
        faces=sum(region.kind == "face" for region in seen.regions),
        plates=sum(region.kind == "plate" for region in seen.regions),
        regions_json=json.dumps([asdict(region) for region in seen.regions]),
        flags=[one.code for one in found],
        evidence=[one.detail for one in found],
    )


def _is_due(frame_id: str, every: int) -> bool:
    return every > 0 and int(frame_id.rpartition("#")[2]) % every == 0


def _texts(picture: np.ndarray, read_words: bool) -> tuple[Evidence, ...]:
    found = find_hidden_text(picture)
    return (*found, *read_text(_words(picture))) if read_words else found


def _words(picture: np.ndarray) -> str:
    if not can_read_pictures():
        raise ConfigurationError(
            "sightings.read_words is on, and nothing here reads pictures; install the extra `ocr`, "
            "or `mlops set sightings read_words=false`"
        )
    return read_picture(picture)


@sightings.check(blocking=True)
def found_means_regions(rows: pl.LazyFrame) -> pl.LazyFrame:
    """A frame has faces or plates exactly where its verdict says so."""
    has_regions = (pl.col("faces") + pl.col("plates")) > 0
    return rows.filter(has_regions != (pl.col("privacy") == "found"))


@sightings.summary
def what_was_seen(rows: pl.LazyFrame) -> dict[str, int | float | str | None]:
    """How many frames show faces or plates, and of how many nobody can say."""
    counts = rows.select(
        faces=pl.col("faces").sum(),
        plates=pl.col("plates").sum(),
        frames_unknown=(pl.col("privacy") == "unknown").sum(),
        frames_with_hidden_text=pl.col("flags").list.contains("hidden_text").sum(),
    )
    return counts.collect().row(0, named=True)
