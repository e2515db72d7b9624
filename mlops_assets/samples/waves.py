"""Two waves of sample media in a landing zone: an ordinary one and a drifted one.

Sidecars are written before the file they belong to, so that a file never lands without its own.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mlops_assets.samples.cameras import (
    CAMERAS,
    DRIFTED_FEATURES,
    FRAMES_PER_CLIP,
    WAVE_STARTS,
    Camera,
    Take,
    Wave,
    plan_camera,
)
from mlops_assets.samples.clips import ClipOptions, ClipTruth, encode_clip, scene_shots
from mlops_assets.samples.documents import (
    TOPICS,
    Report,
    as_html,
    as_markdown,
    as_text,
    render_pdf,
    write_report,
)
from mlops_assets.samples.faults import damage_middle, truncate, write_junk, write_pixel_bomb
from mlops_assets.samples.scenes import seed_of
from mlops_assets.samples.sidecars import (
    BROKEN_SIDECAR,
    caption_of,
    labels_csv,
    tags_of,
    take_sidecar,
)
from mlops_assets.samples.stills import save_still
from mlops_assets.samples.truth import SOURCES, FileKind, FileTruth, Inbox, TimeOrigin, WaveTruth

REPORTS = 36
_RACING_HZ = Fraction(12_000)
_DOCUMENTS = SOURCES[-1]
_ODD_REPORTS = {3: "it's a café report {wave}.txt", 7: "plan=b, draft {wave}.md"}
_FORMATS = ((".txt", as_text), (".md", as_markdown), (".html", as_html))
_EXTRAS: dict[tuple[str, Wave], tuple[str, ...]] = {
    ("camera-01", 1): ("copy", "junk", "bomb", "empty"),
    ("camera-01", 2): ("copy", "junk", "bomb", "text"),
    ("camera-02", 1): ("copy", "junk", "labels", "text"),
    ("camera-02", 2): ("copy", "junk", "labels", "bomb"),
    ("documents", 1): ("copy", "junk", "bomb"),
    ("documents", 2): ("copy", "junk", "text"),
}


def render_wave(
    folder: Path, *, wave: Wave, on_progress: Callable[[str], None] | None = None
) -> WaveTruth:
    """Render one wave of sample media as a landing zone, 40 files per source.

    Wave 1 is ordinary. In wave 2 both cameras drift: less than half as bright, faster and vertical
    instead of horizontal motion, object colours exchanged; documents do not drift. No path
    occurs in both waves, so they may land in one folder. The same call writes the same bytes.

    Args:
        folder: the landing zone; made if absent, other files in it are left alone.
        wave: 1 or 2.
        on_progress: is told the `<source>/<path>` of each file once it is complete.

    Returns:
        What was written and what must become of it.
    """
    tell = on_progress or (lambda _: None)
    files = []
    for file in _render(folder, wave):
        tell(f"{file.source}/{file.path}")
        files.append(file)
    drifted = tuple(camera.source for camera in CAMERAS) if wave == 2 else ()
    return WaveTruth(wave, tuple(files), drifted, DRIFTED_FEATURES if wave == 2 else ())


def _render(folder: Path, wave: Wave) -> Iterator[FileTruth]:
    for camera in CAMERAS:
        inbox = Inbox(folder, camera.source, wave)
        takes = plan_camera(camera, wave)
        for take in takes:
            yield _land_take(inbox, camera, take)
        yield from _land_extras(inbox, takes[0].path, labels=labels_csv(takes))
    inbox = Inbox(folder, _DOCUMENTS, wave)
    reports = [_land_report(inbox, index) for index in range(REPORTS)]
    yield from reports
    yield _land_handbook(inbox)
    yield from _land_extras(inbox, reports[0].path)


def _land_take(inbox: Inbox, camera: Camera, take: Take) -> FileTruth:
    """Write a clip or still, and its sidecar before it."""
    has_sidecar = take.has_broken_sidecar or take.time_from == "sidecar"
    if has_sidecar:
        good = take_sidecar(camera, take, inbox.wave)
        _write_sidecar(inbox, take.path, BROKEN_SIDECAR if take.has_broken_sidecar else good)
    facts = _write_take(inbox.at(take.path), camera, take)
    _set_file_time(inbox.at(take.path), take.captured_at)
    if has_sidecar and not take.has_broken_sidecar:
        facts |= {"caption": caption_of(take, inbox.wave), "tags": tags_of(take)}
    return inbox.truth(
        take.path,
        take.kind,
        label=take.label,
        label_from=take.label_from,
        has_sidecar=has_sidecar,
        sidecar_problem="invalid_json" if take.has_broken_sidecar else "",
        captured_at=_as_read(take.captured_at, take.time_from),
        captured_at_from=take.time_from,
        **facts,
    )


def _write_take(path: Path, camera: Camera, take: Take) -> dict[str, Any]:
    """Write the pixels and break the file, if that is planned; what that makes true of it."""
    if take.kind == "image":
        exif_time = take.captured_at if take.time_from == "exif" else None
        save_still(path, take.scene, taken_at=exif_time)
        return {"frame_count": 1, "true_label": take.scene.label}
    created_at = take.captured_at if take.time_from == "container" else None
    shots = scene_shots(take.scene, FRAMES_PER_CLIP, take.cuts, backdrops=camera.places)
    rate = _RACING_HZ if take.fault == "racing" else ClipOptions.rate
    options = ClipOptions(rate=rate, created_at=created_at)
    clip = encode_clip(path, shots, options=options, cuts=take.cuts)
    if take.fault == "racing":
        return {"status": "quarantined", "reason": "impossible_rate"}
    if take.fault == "truncated":
        truncate(path, 0.6)
        return {"status": "quarantined", "reason": "unreadable"}
    if take.fault == "damaged":
        damage_middle(path, share=0.2, seed=take.scene.seed)
    return {
        **_clip_facts(clip),
        "true_label": take.scene.label,
        "is_damaged": take.fault == "damaged",
    }


def _clip_facts(clip: ClipTruth) -> dict[str, Any]:
    return {
        "duration_s": float(clip.duration_s),
        "frame_count": clip.frame_count,
        "motion_px_per_frame": clip.motion_px_per_frame,
        "shot_starts_s": tuple(float(start) for start in clip.shot_starts_s),
    }


def _land_report(inbox: Inbox, index: int) -> FileTruth:
    """Write a document; every second one has a sidecar, every sixth lies in a folder."""
    report = _report(inbox.wave, index)
    suffix, formatted = _FORMATS[index % len(_FORMATS)]
    folder = f"by topic/{report.topic}/" if index % 6 == 5 else ""
    path = f"{folder}report-{inbox.wave}-{index:02}{suffix}"
    path = _ODD_REPORTS.get(index, path).format(wave=inbox.wave)
    facts = _document_sidecar(inbox, path, report, index)
    inbox.at(path).write_text(formatted(report), encoding="utf-8", newline="\n")
    return _land_document(inbox, path, index, facts)


def _land_handbook(inbox: Inbox) -> FileTruth:
    """Write the PDF: two reports, one per page."""
    path = f"handbook-{inbox.wave}.pdf"
    pages = [_report(inbox.wave, index) for index in (REPORTS, REPORTS + 1)]
    facts = _document_sidecar(inbox, path, pages[0], REPORTS)
    render_pdf(inbox.at(path), [as_text(page) for page in pages])
    return _land_document(inbox, path, REPORTS, {**facts, "pages": len(pages)})


def _land_document(inbox: Inbox, path: str, index: int, facts: dict[str, Any]) -> FileTruth:
    at = _document_time(inbox.wave, index)
    origin: TimeOrigin = "sidecar" if facts.get("has_sidecar") else "file"
    _set_file_time(inbox.at(path), at)
    return inbox.truth(
        path, "document", captured_at=_as_read(at, origin), captured_at_from=origin, **facts
    )


def _document_sidecar(inbox: Inbox, path: str, report: Report, index: int) -> dict[str, Any]:
    """Write the sidecar of every second document; the facts it adds to the truth."""
    if index % 2:
        return {}
    tags = (report.topic, "report")
    fields = {
        "captured_at": _document_time(inbox.wave, index).isoformat(),
        "caption": report.title,
        "tags": list(tags),
        "site": "office",
    }
    _write_sidecar(inbox, path, json.dumps(fields, indent=1))
    return {"has_sidecar": True, "caption": report.title, "tags": tags}


def _land_extras(inbox: Inbox, original: str, *, labels: str = "") -> Iterator[FileTruth]:
    """Write the files of a source that are no ordinary media."""
    for extra in _EXTRAS[inbox.source, inbox.wave]:
        if extra == "copy":
            yield _land_copy(inbox, original)
        elif extra == "labels":
            yield _land_labels(inbox, labels)
        elif extra == "text":
            path = f"notes-{inbox.wave}.jpg"
            report = _report(inbox.wave, seed_of(inbox.source))
            inbox.at(path).write_text(as_text(report), encoding="utf-8", newline="\n")
            yield _land_document(inbox, path, REPORTS, {})
        else:
            yield _land_fault(inbox, extra)


def _land_fault(inbox: Inbox, fault: str) -> FileTruth:
    kind: FileKind = "image" if fault == "bomb" else "other"
    seed = seed_of(inbox.source, inbox.wave, fault)
    if fault == "junk":
        path, reason = f"telemetry/dump-{inbox.wave}.mp4", "unknown_kind"
        write_junk(inbox.at(path), seed=seed)
    elif fault == "bomb":
        path, reason = f"plan-{inbox.wave}.png", "too_many_pixels"
        write_pixel_bomb(inbox.at(path), seed=seed)
    else:
        path, reason = f"interrupted-{inbox.wave}.mp4", "empty"
        inbox.at(path).write_bytes(b"")
    return inbox.truth(path, kind, status="quarantined", reason=reason)


def _land_copy(inbox: Inbox, original: str) -> FileTruth:
    """The same bytes again, under a name that sorts after the original and has no sidecar."""
    path = f"z-copies/copy of {original}"
    shutil.copyfile(inbox.at(original), inbox.at(path))
    kind: FileKind = "document" if inbox.source == _DOCUMENTS else "video"
    return inbox.truth(path, kind, status="duplicate", reason="duplicate")


def _land_labels(inbox: Inbox, labels: str) -> FileTruth:
    """Paths in it are relative to the source's folder, wherever the file itself lies."""
    path = "labels.csv" if inbox.wave == 1 else f"wave-{inbox.wave}/labels.csv"
    inbox.at(path).write_text(labels, encoding="utf-8", newline="\n")
    return inbox.truth(path, "labels")


def _report(wave: Wave, index: int) -> Report:
    rng = np.random.default_rng(seed_of("report", wave, index))
    return write_report(rng, list(TOPICS)[(index + index // len(TOPICS)) % len(TOPICS)])


def _document_time(wave: Wave, index: int) -> datetime:
    return WAVE_STARTS[wave] + timedelta(minutes=7 * index)


def _write_sidecar(inbox: Inbox, path: str, content: str) -> None:
    inbox.at(f"{path}.json").write_text(content, encoding="utf-8", newline="\n")


def _set_file_time(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


def _as_read(at: datetime, origin: TimeOrigin) -> str:
    """The time as its origin can tell it: with the offset, in local time, or in UTC."""
    if origin == "sidecar":
        return at.isoformat()
    return (
        at.replace(tzinfo=None) if origin in ("exif", "name") else at.astimezone(UTC)
    ).isoformat()
