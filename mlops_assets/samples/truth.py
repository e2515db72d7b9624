"""The truth about a rendered wave, as data."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mlops_assets.samples.scenes import SceneLabel

FILES_PER_SOURCE_AND_WAVE = 40
SOURCES = ("camera-01", "camera-02", "documents")

FileKind = Literal["video", "image", "document", "labels", "other"]
FileStatus = Literal["accepted", "quarantined", "duplicate"]
TimeOrigin = Literal["sidecar", "exif", "container", "name", "file"]
LabelOrigin = Literal["sidecar", "labels.csv", ""]


@dataclass(frozen=True)
class FileTruth:
    """What one landed file is, and what must become of it.

    Attributes:
        source: first folder under the landing zone.
        path: POSIX path relative to the source's folder, NFC-normalised.
        kind: by content, never by suffix; `other` for what no reader knows.
        status: what the gates at the door must decide.
        reason: code of that decision; empty when accepted.
        sha256: of the file's bytes, hexadecimal.
        size_bytes: length of the file.
        duration_s: of a readable video, from its header; else None.
        frame_count: of a readable video, as its header states; 1 for an image; else None.
        motion_px_per_frame: (dx, dy) of the object in a video, columns right, rows down;
            (0, 0) when it shows none; None for anything but a readable video.
        shot_starts_s: start of each shot of a readable video; the first is 0.
        is_damaged: the header is intact, but some pictures are lost.
        label: what the annotator said, sometimes wrong; None when nobody said anything.
        true_label: what the picture shows; None for documents and unreadable files.
        label_from: where the label stands.
        caption: from the sidecar; empty without one.
        tags: from the sidecar.
        has_sidecar: a sidecar lies beside the file, readable or not.
        sidecar_problem: `invalid_json`, or empty.
        captured_at: ISO 8601; with an offset from a sidecar, container or file time, without one
            (local time) from EXIF or a name; None for files nobody captured.
        captured_at_from: the best origin of that time; None with captured_at.
        pages: of a PDF; else None.
    """

    source: str
    path: str
    kind: FileKind
    status: FileStatus
    reason: str
    sha256: str
    size_bytes: int
    duration_s: float | None = None
    frame_count: int | None = None
    motion_px_per_frame: tuple[float, float] | None = None
    shot_starts_s: tuple[float, ...] = ()
    is_damaged: bool = False
    label: SceneLabel | None = None
    true_label: SceneLabel | None = None
    label_from: LabelOrigin = ""
    caption: str = ""
    tags: tuple[str, ...] = ()
    has_sidecar: bool = False
    sidecar_problem: str = ""
    captured_at: str | None = None
    captured_at_from: TimeOrigin | None = None
    pages: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields under their names, made of JSON types only; tuples become lists."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class WaveTruth:
    """What one wave of sample media holds.

    Attributes:
        wave: 1 or 2.
        files: every landed file of every source, sidecars apart.
        drifted_sources: sources whose media differ from wave 1 on purpose.
        drifted_features: what differs there.
    """

    wave: int
    files: tuple[FileTruth, ...]
    drifted_sources: tuple[str, ...] = ()
    drifted_features: tuple[str, ...] = ()

    @property
    def counts_by_status(self) -> dict[str, dict[str, int]]:
        """Files per source and status."""
        return self._counts("status")

    @property
    def counts_by_kind(self) -> dict[str, dict[str, int]]:
        """Files per source and kind."""
        return self._counts("kind")

    @property
    def counts_by_reason(self) -> dict[str, dict[str, int]]:
        """Files per source and reason; accepted files have none and are left out."""
        return self._counts("reason")

    @property
    def labelled(self) -> tuple[FileTruth, ...]:
        """Accepted files with a label."""
        return tuple(
            file for file in self.files if file.label is not None and file.status == "accepted"
        )

    @property
    def best_possible_accuracy(self) -> float:
        """Share of labelled media whose label is true: what a perfect model scores, 0 to 1.

        NaN when nothing is labelled.
        """
        right = [file.label == file.true_label for file in self.labelled]
        return sum(right) / len(right) if right else float("nan")

    def of_source(self, source: str) -> tuple[FileTruth, ...]:
        """The files of one source, in the order they were written; empty for an unknown one."""
        return tuple(file for file in self.files if file.source == source)

    def to_json(self) -> dict[str, Any]:
        """Everything, aggregates included, made of JSON types only."""
        return {
            "wave": self.wave,
            "drifted_sources": list(self.drifted_sources),
            "drifted_features": list(self.drifted_features),
            "best_possible_accuracy": self.best_possible_accuracy,
            "counts_by_status": self.counts_by_status,
            "counts_by_kind": self.counts_by_kind,
            "counts_by_reason": self.counts_by_reason,
            "files": [file.to_json() for file in self.files],
        }

    def _counts(self, field: Literal["status", "kind", "reason"]) -> dict[str, dict[str, int]]:
        return {source: _count(self.of_source(source), field) for source in SOURCES}


@dataclass(frozen=True)
class Inbox:
    """Where one source of one wave lands.

    Attributes:
        folder: the landing zone.
        source: first folder under it.
        wave: 1 or 2.
    """

    folder: Path
    source: str
    wave: Literal[1, 2]

    def at(self, path: str) -> Path:
        """Where a file of this source lies; its folder exists afterwards."""
        place = self.folder / self.source / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def truth(self, path: str, kind: FileKind, **facts: Any) -> FileTruth:
        """Truth about a file that lies here, with hash and size of its bytes.

        Args:
            path: POSIX path below the source's folder.
            kind: what its content is.
            facts: further fields of `FileTruth`; accepted without a reason unless said otherwise.

        Returns:
            The truth.
        """
        content = self.at(path).read_bytes()
        return FileTruth(
            source=self.source,
            path=path,
            kind=kind,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            **{"status": "accepted", "reason": "", **facts},
        )


def _count(files: Iterable[FileTruth], field: str) -> dict[str, int]:
    counted = Counter(str(getattr(file, field)) for file in files)
    return {name: count for name, count in sorted(counted.items()) if name}
