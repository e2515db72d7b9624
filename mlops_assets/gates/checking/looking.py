"""More than a verdict: what a survey shows of one file, small enough to be sent between processes.

The judgement is that of `judge_file`; what it came upon on the way is kept instead of dropped.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from statistics import median

from mlops_assets.gates.admit import Admission
from mlops_assets.gates.checking.one_file import Examined, Judged, Work, examine_file
from mlops_assets.gates.checking.walking import reachable
from mlops_assets.gates.pixels import Decoded
from mlops_assets.media.events import PictureQuality

_THUMBNAIL_PX = 200
_THUMBNAIL_QUALITY = 72
_LABELS_KEPT = 50


@dataclass(frozen=True)
class Look:
    """One file looked at.

    Attributes:
        judged: the verdict, in seconds of wall clock.
        cpu_s: processor seconds it took.
        codec: video codec, image format or container; empty if not known.
        width_px: as stored; 0 for what has no picture.
        height_px: as stored; 0 for what has no picture.
        duration_s: seconds; 0 for what has none.
        page_count: pages of a document; 0 for anything else.
        device: make and model of the camera; empty if not known.
        has_gps: a place is known.
        brightness: median over the sampled pictures, 0 to 1; None for what has no picture.
        contrast: likewise, 0 to 0.5.
        sharpness: likewise, >= 0.
        has_sidecar: a readable sidecar lies beside it.
        labels: what its sidecar, or the lines of a labels file, name: label and how often; the 50
            most frequent.
        label_count: all of them.
        thumbnail: JPEG, at most 200 px a side; empty for what has no picture.
    """

    judged: Judged
    cpu_s: float
    codec: str = ""
    width_px: int = 0
    height_px: int = 0
    duration_s: float = 0.0
    page_count: int = 0
    device: str = ""
    has_gps: bool = False
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    has_sidecar: bool = False
    labels: tuple[tuple[str, int], ...] = ()
    label_count: int = 0
    thumbnail: bytes = b""


def look_at(work: Work) -> Look:
    """Judge one file and tell what was seen; to be called in a process that may die.

    Raises:
        OSError: the disk, not the file, failed.
        MemoryError: it takes more than there is.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    with reachable(work.root, work.path) as path:
        look = _look(examine_file(path, work))
    judged = replace(look.judged, seconds=time.perf_counter() - began)
    return replace(look, judged=judged, cpu_s=time.process_time() - cpu_began)


def _look(seen: Examined) -> Look:
    look = Look(seen.judged, 0.0)
    if seen.admission is not None:
        look = _with_door(look, seen.admission)
    return look if seen.decoded is None else _with_pictures(look, seen.decoded)


def _with_door(look: Look, admission: Admission) -> Look:
    labels = _labels(admission)
    look = replace(
        look,
        has_sidecar=admission.sidecar is not None,
        has_gps=admission.sidecar is not None and admission.sidecar.place is not None,
        labels=tuple(labels.most_common(_LABELS_KEPT)),
        label_count=labels.total(),
    )
    probe = admission.probe
    if probe is None:
        return look
    is_document = probe.kind == "document"
    sound = probe.audio_codec or probe.container
    return replace(
        look,
        codec=(sound if probe.kind == "audio" else probe.video_codec or probe.container) or "",
        width_px=0 if is_document else probe.width_px or 0,
        height_px=0 if is_document else probe.height_px or 0,
        duration_s=probe.duration_s or 0.0,
        page_count=(probe.page_count or 0) if is_document else 0,
        device=probe.device or "",
        has_gps=look.has_gps or probe.gps is not None,
    )


def _labels(admission: Admission) -> Counter[str]:
    if admission.labels is not None:
        return Counter(line.label for line in admission.labels.lines)
    return (
        Counter(one.label for one in admission.sidecar.labels) if admission.sidecar else Counter()
    )


def _with_pictures(look: Look, decoded: Decoded) -> Look:
    if not decoded.qualities:
        return look
    seen = decoded.qualities
    return replace(
        look,
        duration_s=decoded.duration_s or look.duration_s,
        **{name: _middle(seen, name) for name in ("brightness", "contrast", "sharpness")},
        thumbnail=_thumbnail(decoded.picture),
    )


def _middle(qualities: tuple[PictureQuality, ...], name: str) -> float:
    return float(median(getattr(one, name) for one in qualities))


def _thumbnail(jpeg: bytes) -> bytes:
    from mlops_assets.media.pictures import decode_jpeg, encode_jpeg

    if not jpeg:
        return b""
    return encode_jpeg(decode_jpeg(jpeg, max_side_px=_THUMBNAIL_PX), _THUMBNAIL_QUALITY)
