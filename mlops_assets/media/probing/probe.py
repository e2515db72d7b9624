"""What a media file is, from headers and packets only, never from decoded pixels."""

from __future__ import annotations

import mmap
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.errors import InputError
from mlops_assets.media.probing.images import probe_image
from mlops_assets.media.probing.pages import is_motion_jpeg
from mlops_assets.media.probing.probed import Probe, ProbeFlag, ProbeLimits, check_pages
from mlops_assets.media.probing.sniff import HEAD_BYTES, Kind, Sniffed, is_nothing, sniff_kind
from mlops_assets.media.probing.streams import probe_streams
from mlops_assets.media.probing.tags import pdf_time
from mlops_assets.media.probing.texts import bounded_texts

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

__all__ = ["Probe", "ProbeFlag", "ProbeLimits", "probe_media", "sniff_file"]

_TAIL_BYTES = 1_024
_PDF_PASSWORD_ERROR = 4
_READ_AS_TEXT = ("text/plain", "text/markdown", "text/html")


def sniff_file(path: Path, *, name: str = "") -> Sniffed:
    """Tell the kind of a file on disk from its first and last bytes.

    Args:
        path: a regular file.
        name: its name where it came from; see `sniff_kind`.

    Returns:
        Kind and media type; `unknown` for an empty file.

    Raises:
        OSError: the file cannot be read.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(max(len(head), size_bytes - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
    if is_nothing(head, tail):
        return Sniffed("unknown", "")
    sniffed = sniff_kind(head, size_bytes=size_bytes, tail=tail, name=name)
    if sniffed.mime == "image/jpeg" and is_motion_jpeg(path):
        return Sniffed("video", "video/x-motion-jpeg")
    return sniffed


def probe_media(
    path: Path, kind: Kind, *, limits: ProbeLimits | None = None, mime: str = ""
) -> Probe:
    """Read what a file's headers and packets say.

    Args:
        path: a regular file that is there.
        kind: what `sniff_kind` said.
        limits: bounds; the defaults of `ProbeLimits` if None.
        mime: what `sniff_kind` said; found again from the bytes if empty.

    Returns:
        What was found. `kind` and `mime` are those of the streams: a WebM with sound only is
        `audio`, `audio/webm`.

    Raises:
        InputError: the file is unfit; `reason` is one of `empty`, `blank`, `unknown_kind`,
            `archive`, `office_document`, `unreadable`, `unsupported_format`,
            `no_streams`, `no_frames`, `too_many_pixels`, `too_long`, `too_many_pages`,
            `too_many_packets`, `impossible_rate`, `encrypted`.
        OSError: the file cannot be opened.
    """
    limits = limits or ProbeLimits()
    if path.stat().st_size == 0:
        raise InputError("the file has 0 bytes; expected some", reason="empty")
    mime = mime or sniff_file(path).mime
    if kind == "video" or kind == "audio":
        return probe_streams(path, mime=mime, limits=limits)
    if kind == "image":
        return probe_image(path, mime=mime, limits=limits)
    if kind == "document" and mime == "application/pdf":
        return _probe_pdf(path, limits)
    if kind == "document" and mime in _READ_AS_TEXT:
        return Probe(kind, mime)
    raise _refusal(path, kind, mime)


def _refusal(path: Path, kind: Kind, mime: str) -> InputError:
    """Why a file of no readable kind is not taken."""
    if kind == "archive":
        return InputError(f"it is {mime}", reason="archive")
    if kind == "document":
        code = "unsupported_format" if mime == "application/postscript" else "office_document"
        return InputError(f"it is {mime}; PDF, HTML, Markdown and plain text are read", reason=code)
    if _is_blank(path):
        return InputError("no byte of it says anything", reason="blank")
    return InputError(
        f"the bytes are {mime or 'of no format known here'}; expected video, image, sound, PDF or "
        "text",
        reason="unknown_kind",
    )


def _is_blank(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(-min(_TAIL_BYTES, len(head)), os.SEEK_END)
        return is_nothing(head, file.read())


def _probe_pdf(path: Path, limits: ProbeLimits) -> Probe:
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(path) as document:
            page_count = len(document)
            captured_at = _pdf_created_at(document)
            texts = bounded_texts([_pdf_tags(document)])
    except pypdfium2.PdfiumError as err:
        raise _pdf_error(err, path) from err
    if page_count < 1:
        raise InputError("the document has 0 pages; expected some", reason="unreadable")
    check_pages(page_count, limits)
    return Probe(
        kind="document",
        mime="application/pdf",
        container="pdf",
        page_count=page_count,
        captured_at=captured_at,
        captured_at_from="container" if captured_at else None,
        has_zone=True,
        texts=texts,
    )


def _pdf_tags(document: PdfDocument) -> dict[str, str]:
    try:
        return document.get_metadata_dict(skip_empty=True)
    except UnicodeError:
        return {}


def _pdf_error(err: Exception, path: Path) -> InputError:
    """PDFium may report the error of the file before, so the file itself is asked too."""
    is_locked = getattr(err, "err_code", None) == _PDF_PASSWORD_ERROR
    if is_locked and _declares_encryption(path):
        return InputError("the document asks for a password", reason="encrypted")
    return InputError("the document cannot be opened as PDF", reason="unreadable")


def _declares_encryption(path: Path) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"/Encrypt") >= 0


def _pdf_created_at(document: PdfDocument) -> datetime | None:
    try:
        return pdf_time(document.get_metadata_value("CreationDate"))
    except UnicodeError:
        return None
