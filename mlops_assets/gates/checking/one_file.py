"""The whole judgement of one file: the door, then whatever is behind it decoded."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from mlops_assets.errors import InputError
from mlops_assets.filters import (
    Evidence,
    find_hidden_text,
    inspect_document,
    judge_sound,
    read_picture,
    read_text,
)
from mlops_assets.gates.admit import Admission, AdmittedKind, admit
from mlops_assets.gates.checking.walking import reachable
from mlops_assets.gates.limits import Limits
from mlops_assets.gates.pixels import Decoded, Finding, find, judge_decoded
from mlops_assets.gates.sidecars import read_sidecar
from mlops_assets.media.events import (
    DecodeReport,
    PictureQuality,
    Sample,
    SamplingOptions,
    Shot,
)
from mlops_assets.media.images import decode_image
from mlops_assets.media.pictures import decode_bgr
from mlops_assets.media.probing.probe import sniff_file
from mlops_assets.media.sounds import decode_sound, measure_sound
from mlops_assets.media.videos import decode_video
from mlops_assets.text import extract_document

JudgedKind = Literal[AdmittedKind, "sidecar"]

_SAMPLE_SIDE_PX = 640
_PICTURE_SIDE_PX = 1280
_PICTURES_READ = 4
"""Samples of a clip that are searched for hidden text."""
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Work:
    """One file to be judged.

    Attributes:
        root: the folder that is walked.
        path: below the root, with `/`.
        modified_at: the file's time, aware.
        size_bytes: as it was listed; small files share a trip to a worker.
        sidecar: path of its sidecar below the root; empty if it has none.
        is_sidecar: it is said of another file.
        limits: thresholds.
        decode_cpu_s: decoding of a long file stops after so many processor seconds.
    """

    root: Path
    path: str
    modified_at: datetime
    size_bytes: int = 0
    sidecar: str = ""
    is_sidecar: bool = False
    limits: Limits = field(default_factory=Limits)
    decode_cpu_s: float = 25.0


@dataclass(frozen=True)
class Judged:
    """What is said of one file.

    Attributes:
        kind: told from the bytes; `sidecar` for what is said of another file.
        findings: every gate that it did not pass; it is kept out by the first fatal one.
        seconds: by the clock on the wall.
        mime: media type; empty if not known.
        captured_at: aware, UTC; None for a sidecar.
        captured_at_from: where that was read; empty for a sidecar.
    """

    kind: JudgedKind
    findings: tuple[Finding, ...]
    seconds: float
    mime: str = ""
    captured_at: datetime | None = None
    captured_at_from: str = ""


@dataclass(frozen=True)
class Examined:
    """A file's judgement with what it rests on.

    Attributes:
        judged: the judgement; its `seconds` are 0.
        admission: what the door says; None for a sidecar.
        decoded: what decoding came to; None where nothing was decoded, or nothing came out.
    """

    judged: Judged
    admission: Admission | None = None
    decoded: Decoded | None = None


def judge_file(work: Work) -> Judged:
    """Judge one file; to be called in a process that may die.

    Raises:
        OSError: the disk, not the file, failed.
        MemoryError: it takes more than there is.
    """
    began = time.perf_counter()
    with reachable(work.root, work.path) as path:
        judged = examine_file(path, work).judged
    return replace(judged, seconds=time.perf_counter() - began)


def examine_file(path: Path, work: Work) -> Examined:
    """Judge one file and keep what was seen of it; to be called in a process that may die.

    Args:
        path: where the file can be opened.
        work: the file.

    Raises:
        OSError: the disk, not the file, failed.
        MemoryError: it takes more than there is.
    """
    return Examined(_judge_sidecar(path, work)) if work.is_sidecar else _examine(path, work)


def tell_kind(work: Work) -> Judged:
    """What a file is by its first bytes only; for one whose judgement was never finished.

    Raises:
        OSError: the file cannot be read.
    """
    with reachable(work.root, work.path) as path:
        sniffed = sniff_file(path, name=work.path)
    return Judged(sniffed.kind, (), 0.0, sniffed.mime)


def hash_file(work: Work) -> str:
    """SHA-256 of the bytes of one file.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with reachable(work.root, work.path) as path, path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _judge_sidecar(path: Path, work: Work) -> Judged:
    limit = work.limits.max_sidecar_bytes
    try:
        with path.open("rb") as file:
            read_sidecar(file.read(limit + 1), max_bytes=limit)
    except InputError as err:
        return Judged("sidecar", (find(err.reason, str(err)),), 0.0)
    return Judged("sidecar", (), 0.0)


def _examine(path: Path, work: Work) -> Examined:
    sidecar = _read_beside(work) if work.sidecar else None
    admission = admit(
        path,
        name=work.path,
        sidecar=sidecar,
        modified_at=work.modified_at,
        limits=work.limits,
    )
    findings, decoded = _findings(path, work, admission)
    judged = Judged(
        kind=admission.kind,
        findings=findings,
        seconds=0.0,
        mime=admission.mime,
        captured_at=admission.captured_at,
        captured_at_from=admission.captured_at_from,
    )
    return Examined(judged, admission, decoded)


def _read_beside(work: Work) -> bytes:
    with reachable(work.root, work.sidecar) as path, path.open("rb") as file:
        return file.read(work.limits.max_sidecar_bytes + 1)


def _findings(
    path: Path, work: Work, admission: Admission
) -> tuple[tuple[Finding, ...], Decoded | None]:
    if admission.reason:
        return (Finding(admission.reason, admission.message),), None
    told = [Finding(code, admission.message) for code in admission.flags]
    if len(told) > 1:
        proofs = {one.code: one.detail for one in admission.finds}
        told = [find(code, proofs.get(code, "")) for code in admission.flags]
    if admission.sidecar_problem:
        code, _, detail = admission.sidecar_problem.partition(": ")
        told.append(Finding("bad_sidecar", find(code, detail).message))
    decode = _DECODERS.get(admission.kind)
    if decode is None:
        return tuple(told), None
    try:
        decoded = decode(path, work)
    except InputError as err:
        return (find(_reason(err), str(err)),), None
    return (*judge_decoded(decoded, work.limits), *told), decoded


def _reason(err: InputError) -> str:
    """The table's code: a file without text is blank, since it has bytes."""
    return "blank" if err.reason == "empty" else err.reason


def _decode_picture(path: Path, work: Work) -> Decoded:
    return _watch(decode_image, path, work, side_px=_PICTURE_SIDE_PX)


def _decode_clip(path: Path, work: Work) -> Decoded:
    sound = measure_sound(path)
    seen = _watch(decode_video, path, work, side_px=_SAMPLE_SIDE_PX)
    return replace(seen, finds=(*seen.finds, *(judge_sound(sound) if sound else ())))


def _watch(
    decode: Callable[..., Iterator[Sample | Shot | DecodeReport]],
    path: Path,
    work: Work,
    *,
    side_px: int,
) -> Decoded:
    """What the one decode pass of the platform says, as far as there is time for it."""
    options = SamplingOptions(
        with_successors=False,
        max_side_px=side_px,
        max_pixels=work.limits.max_pixels,
        thread_count=1,
    )
    end = time.process_time() + work.decode_cpu_s
    qualities: list[PictureQuality] = []
    picture = b""
    finds: tuple[Evidence, ...] = ()
    for event in decode(path, options=options):
        if isinstance(event, DecodeReport):
            return replace(_of_report(event, tuple(qualities)), picture=picture, finds=finds)
        if isinstance(event, Sample):
            if event.quality.contrast >= max((one.contrast for one in qualities), default=0.0):
                picture = event.jpeg
            if len(qualities) < _PICTURES_READ and not finds:
                finds = _in_picture(event.jpeg)
            qualities.append(event.quality)
        if time.process_time() > end:
            break
    flags = ("not_seen_to_the_end",)
    return Decoded(flags=flags, qualities=tuple(qualities), picture=picture, finds=finds)


def _in_picture(jpeg: bytes) -> tuple[Evidence, ...]:
    """Hidden text, and what a picture says where a recogniser is installed."""
    bgr = decode_bgr(jpeg)
    return (*find_hidden_text(bgr), *read_text(read_picture(bgr)))


def _of_report(report: DecodeReport, qualities: tuple[PictureQuality, ...]) -> Decoded:
    is_still = report.duration == 0 and report.frames_decoded == 1
    return Decoded(
        flags=report.reasons,
        share_lost=report.share_lost,
        unit="of its rows are" if is_still else "of its pictures are",
        qualities=qualities,
        black_s=report.black_s,
        frozen_s=report.frozen_s,
        duration_s=float(report.duration),
        size_px=(report.width_px, report.height_px),
        rate_hz=0.0 if is_still else report.frames_decoded / max(float(report.duration), 1e-9),
    )


def _decode_sound(path: Path, work: Work) -> Decoded:
    end = time.process_time() + work.decode_cpu_s
    flags: tuple[str, ...] = ()
    share_lost = 0.0
    finds: tuple[Evidence, ...] = ()
    for report in decode_sound(path):
        share_lost = report.share_lost
        finds = judge_sound(report.levels) if report.levels else ()
        if time.process_time() > end:
            flags = ("not_seen_to_the_end",)
            break
    return Decoded(flags=flags, share_lost=share_lost, unit="of its packets are", finds=finds)


def _read_text(path: Path, work: Work) -> Decoded:
    limits = work.limits
    try:
        read = extract_document(
            path, name=work.path, max_pages=limits.max_pages, max_chars=limits.max_chars
        )
    except InputError as err:
        if err.reason == "no_text_layer":
            return Decoded(flags=("no_text_layer",))
        raise
    return Decoded(
        flags=("pages_lost",) if read.pages_lost else (),
        share_lost=read.pages_lost / read.page_count,
        unit="of its pages are",
        text=read.quality,
        language=read.language,
        language_confidence=read.language_confidence,
        finds=inspect_document(path, read, name=work.path),
    )


_DECODERS: dict[str, Callable[[Path, Work], Decoded]] = {
    "image": _decode_picture,
    "video": _decode_clip,
    "audio": _decode_sound,
    "document": _read_text,
}
