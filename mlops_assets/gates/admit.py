"""The door: what a landed file is, and whether it is fit."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from mlops_assets.errors import InputError
from mlops_assets.filters import Evidence, inspect_media
from mlops_assets.gates.captured import CapturedFrom, Clock, captured_at
from mlops_assets.gates.labels_file import LabelsFile, is_labels_file, read_labels_csv
from mlops_assets.gates.limits import Limits
from mlops_assets.gates.sidecars import Sidecar, read_sidecar
from mlops_assets.gates.table import GATES
from mlops_assets.media.probing.probe import probe_media, sniff_file
from mlops_assets.media.probing.probed import Probe
from mlops_assets.media.probing.sniff import Kind, Sniffed

AdmittedKind = Literal[Kind, "labels"]
_DEFAULT_CLOCK = Clock()


@dataclass(frozen=True)
class Admission:
    """What the door says of one file.

    Attributes:
        kind: told from the bytes; `labels` for a `labels.csv`.
        mime: media type; empty if not known.
        size_bytes: size of the file.
        status: whether it is let in.
        reason: code out of `GATES`; empty if accepted.
        message: what a person reads; empty if there is nothing to say.
        flags: codes out of `GATES` of severity `flag`, without that of the sidecar.
        probe: what headers and packets say; None for a refused file and for labels.
        labels: what a labels file says; None for any other.
        sidecar: what the sidecar says; None if there is none or it is bad.
        sidecar_problem: `code: message`; empty if there is none.
        captured_at: aware, UTC; of a refused file too.
        captured_at_from: where that was read.
        has_zone: that time was stated with its zone, or in a field that is UTC by definition.
        finds: the proofs of those flags that content filters raised.
    """

    kind: AdmittedKind
    mime: str
    size_bytes: int
    status: Literal["accepted", "quarantined"]
    reason: str
    message: str
    flags: tuple[str, ...]
    probe: Probe | None
    labels: LabelsFile | None
    sidecar: Sidecar | None
    sidecar_problem: str
    captured_at: datetime
    captured_at_from: CapturedFrom
    has_zone: bool
    finds: tuple[Evidence, ...] = ()


def admit(
    path: Path,
    *,
    name: str,
    sidecar: bytes | None,
    modified_at: datetime,
    limits: Limits,
    clock: Clock = _DEFAULT_CLOCK,
) -> Admission:
    """Say what a landed file is and whether it is fit, from headers and packets only.

    What is written into its headers and its sidecar is read as well, for orders to a model, and
    whether it is a second kind of file.

    A file is never refused for its sidecar. `captured_at` is that of the sidecar, else of EXIF or
    the container, else of the name, else `modified_at`.

    Args:
        path: where the bytes lie.
        name: the path it landed under; says `labels.csv`, a time, and Markdown among texts.
        sidecar: bytes of the sidecar; None if there is none.
        modified_at: the file's time; UTC is assumed if it is naive.
        limits: bounds.
        clock: what times without a zone mean.

    Returns:
        The verdict; bad input of any sort is a verdict, not an exception.

    Raises:
        OSError: the file is gone, or its disk fails: nothing is wrong with the data.
    """
    said, sidecar_problem = _read_sidecar(sidecar, limits)
    seen = _Seen(path, name, limits, _texts_of(said))
    try:
        reason, message = "", seen.look()
    except InputError as err:
        reason, message = err.reason, GATES[err.reason].message(str(err))
    moment, witness, has_zone = captured_at(
        sidecar=said, probe=seen.probe, name=name, modified_at=modified_at, clock=clock
    )
    return Admission(
        kind=seen.kind,
        mime=seen.mime,
        size_bytes=seen.size_bytes,
        status="quarantined" if reason else "accepted",
        reason=reason,
        message=message,
        flags=seen.flags,
        probe=seen.probe,
        labels=seen.labels,
        sidecar=said,
        sidecar_problem=sidecar_problem,
        captured_at=moment,
        captured_at_from=witness,
        has_zone=has_zone,
        finds=seen.finds,
    )


class _Seen:
    """What has been seen of a file so far; kept when looking further fails."""

    def __init__(self, path: Path, name: str, limits: Limits, said: tuple[str, ...]) -> None:
        self._path, self._name, self._limits, self._said = path, name, limits, said
        self.kind: AdmittedKind = "unknown"
        self.mime = ""
        self.size_bytes = 0
        self.probe: Probe | None = None
        self.labels: LabelsFile | None = None
        self.flags: tuple[str, ...] = ()
        self.finds: tuple[Evidence, ...] = ()

    def look(self) -> str:
        """Look from the outside in; return what there is to say of a good file."""
        self._look_outside()
        if is_labels_file(self._name):
            return self._look_at_labels()
        sniffed = sniff_file(self._path, name=self._name)
        self.kind, self.mime = sniffed.kind, sniffed.mime
        _check_size(self.size_bytes, _byte_limit(self.kind, self._limits))
        return self._look_inside(sniffed)

    def _look_outside(self) -> None:
        about = self._path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise InputError("the path is no regular file", reason="not_a_file")
        self.size_bytes = about.st_size
        if self.size_bytes == 0:
            raise InputError("the file has 0 bytes; expected some", reason="empty")
        _check_size(self.size_bytes, self._limits.max_bytes)

    def _look_at_labels(self) -> str:
        self.kind, self.mime = "labels", "text/csv"
        _check_size(self.size_bytes, self._limits.max_labels_bytes)
        labels = read_labels_csv(self._path.read_bytes(), max_bytes=self._limits.max_labels_bytes)
        self.labels = labels
        if not labels.problems:
            return ""
        self.flags = ("bad_label_line",)
        first = labels.problems[0]
        return f"{len(labels.problems)} lines left out; the first is {first.line}: {first.message}"

    def _look_inside(self, sniffed: Sniffed) -> str:
        limits = self._limits.probe
        probe = probe_media(self._path, sniffed.kind, limits=limits, mime=sniffed.mime)
        self.probe, self.kind, self.mime = probe, probe.kind, probe.mime
        self.flags = (*probe.flags, *(["audio_not_read"] if probe.kind == "audio" else []))
        said = [GATES[code].says for code in self.flags]
        texts = (*probe.texts, *self._said)
        self.finds = inspect_media(self._path, probe.kind, texts=texts)
        self.flags = (*self.flags, *(find.code for find in self.finds))
        return " ".join((*said, *(GATES[find.code].message(find.detail) for find in self.finds)))


def _texts_of(sidecar: Sidecar | None) -> tuple[str, ...]:
    """What people wrote beside the file."""
    if sidecar is None:
        return ()
    extra = (text for text in sidecar.extra.values() if isinstance(text, str))
    return (sidecar.caption or "", *sidecar.tags, *extra)


def _byte_limit(kind: AdmittedKind, limits: Limits) -> int:
    if kind == "image":
        return limits.max_image_bytes
    return limits.max_document_bytes if kind == "document" else limits.max_bytes


def _check_size(size_bytes: int, limit: int) -> None:
    if size_bytes > limit:
        raise InputError(
            f"the file has {size_bytes} bytes; the limit is {limit}", reason="too_many_bytes"
        )


def _read_sidecar(raw: bytes | None, limits: Limits) -> tuple[Sidecar | None, str]:
    if raw is None:
        return None, ""
    try:
        return read_sidecar(raw, max_bytes=limits.max_sidecar_bytes), ""
    except InputError as err:
        return None, f"{err.reason}: {err}"
