"""What is said about a recording: captions, tags, sidecars and `labels.csv`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from mlops_assets.samples.cameras import LOOKS, Camera, Take, Wave
from mlops_assets.samples.scenes import seed_of

BROKEN_SIDECAR = '{"captured_at": "2026-11-05T10:15:00+01:00", "device": '
LABEL_COLUMNS = ("path", "label", "annotator", "labelled_at")

_CAPTIONS = {
    "vehicle": (
        "A {colour} vehicle drives past the {place}",
        "{colour_up} delivery van on the move, {place}",
        "One {colour} car with a trailer crosses the {place}",
    ),
    "pedestrian": (
        "A person in a {colour} coat walks across the {place}",
        "Pedestrian dressed in {colour}, {place}",
        "Somebody in {colour} clothes strolls by the {place}",
    ),
    "empty": (
        "Nobody at the {place}",
        "The {place} is empty and quiet",
        "Nothing moves in front of the {place}",
    ),
}
_TAGS = {"vehicle": ("car", "road"), "pedestrian": ("person", "walking"), "empty": ("quiet",)}


def caption_of(take: Take, wave: Wave) -> str:
    """One English sentence about what the take shows, true whatever its label says."""
    templates = _CAPTIONS[take.scene.label]
    colour = LOOKS[wave].colour_names.get(take.scene.label, "")
    return templates[seed_of("caption", take.path) % len(templates)].format(
        colour=colour, colour_up=colour.capitalize(), place=take.scene.backdrop.replace("-", " ")
    )


def tags_of(take: Take) -> tuple[str, ...]:
    """Two or three words: what the take shows, and whether it moves."""
    return (*_TAGS[take.scene.label], "clip" if take.kind == "video" else "photo")


def annotator_of(take: Take) -> str:
    """Who labelled the take: alice or bob."""
    return ("alice", "bob")[seed_of("annotator", take.path) % 2]


def labelled_at(take: Take) -> datetime:
    """When the take was labelled: a day after it was captured."""
    return take.captured_at + timedelta(days=1)


def take_sidecar(camera: Camera, take: Take, wave: Wave) -> str:
    """The sidecar of a take, as JSON; with its label only where the label stands there."""
    fields: dict[str, Any] = {
        "captured_at": take.captured_at.isoformat(),
        "device": camera.device,
        "caption": caption_of(take, wave),
        "tags": list(tags_of(take)),
        "site": camera.places[0],
    }
    if take.label is not None and take.label_from == "sidecar":
        at = labelled_at(take).isoformat()
        label = {"label": take.label, "annotator": annotator_of(take), "labelled_at": at}
        fields["labels"] = [label]
    return json.dumps(fields, ensure_ascii=False, indent=1)


def labels_csv(takes: Iterable[Take]) -> str:
    """A label file: one line per take labelled there, paths relative to the source's folder."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LABEL_COLUMNS)
    for take in takes:
        if take.label_from == "labels.csv":
            at = labelled_at(take).isoformat()
            writer.writerow((take.path, take.label, annotator_of(take), at))
    return text.getvalue()
