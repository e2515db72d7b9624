"""`labels.csv`: labels for many files of one folder, a line each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from mlops_assets.errors import InputError
from mlops_assets.gates.fields import read_text, read_time

MAX_LABELS_BYTES = 100_000_000


@dataclass(frozen=True)
class LabelLine:
    """One good line.

    Attributes:
        path: the file it speaks of, relative to the folder of the labels file, with `/`.
        label: not blank.
        annotator: who said so; None where not stated.
        labelled_at: aware, UTC; None where not stated.
        line: line number in the file, from 1, where the record ends; the header is line 1.
    """

    path: str
    label: str
    annotator: str | None
    labelled_at: datetime | None
    line: int


@dataclass(frozen=True)
class LabelProblem:
    """One line that was left out, and why.

    Attributes:
        line: line number in the file, from 1.
        message: what was wrong and what would have been right.
    """

    line: int
    message: str


@dataclass(frozen=True)
class LabelsFile:
    """What a labels file says: its good lines, and its bad ones with the reason."""

    lines: list[LabelLine]
    problems: list[LabelProblem]


def is_labels_file(name: str) -> bool:
    """Whether the last part of a path is exactly `labels.csv`."""
    return PurePosixPath(name).name == "labels.csv"


def read_labels_csv(raw: bytes, *, max_bytes: int = MAX_LABELS_BYTES) -> LabelsFile:
    """Read a labels file.

    The first line names the columns: `path` and `label`, and if wanted `annotator` and
    `labelled_at` (ISO 8601); others are ignored. Comma-separated, or semicolon-separated as
    spreadsheets of some countries write it. Blank lines are passed over.

    Args:
        raw: UTF-8, with or without a byte order mark.
        max_bytes: size limit.

    Returns:
        Good lines and problems; every line that is not blank is in one of the two.

    Raises:
        InputError: `bad_labels_file`: too large, not UTF-8, or without the two columns.
    """
    text = _decode(raw, max_bytes)
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(head))
    lines: list[LabelLine] = []
    problems: list[LabelProblem] = []
    records = _records(reader, problems)
    columns = _columns(next(records, []))
    for cells in records:
        try:
            lines.append(_line(dict(zip(columns, cells, strict=False)), reader.line_num))
        except InputError as err:
            problems.append(LabelProblem(reader.line_num, str(err)))
    return LabelsFile(lines, sorted(problems, key=lambda problem: problem.line))


def _decode(raw: bytes, max_bytes: int) -> str:
    if len(raw) > max_bytes:
        raise InputError(
            f"the labels file has {len(raw)} bytes; the limit is {max_bytes}",
            reason="bad_labels_file",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise InputError(f"the labels file is not UTF-8: {err}", reason="bad_labels_file") from err


def _delimiter(head: str) -> str:
    return ";" if ";" in head and "," not in head else ","


def _records(reader: Iterator[list[str]], problems: list[LabelProblem]) -> Iterator[list[str]]:
    """Yield the records that are not blank; a record the reader chokes on becomes a problem."""
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as err:
            line = getattr(reader, "line_num", 0)
            problems.append(LabelProblem(line, f"the line is no CSV: {err}"))
            continue
        if any(cell.strip() for cell in cells):
            yield cells


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    missing = [name for name in ("path", "label") if name not in columns]
    if missing:
        raise InputError(
            f"the first line of the labels file is {columns!r:.80}; expected path and label",
            reason="bad_labels_file",
        )
    return columns


def _line(cells: dict[str, str], number: int) -> LabelLine:
    path, label = read_text("path", cells.get("path")), read_text("label", cells.get("label"))
    if path is None or label is None:
        blank = "path" if path is None else "label"
        raise InputError(f"{blank} is blank; expected a text", reason="bad_label_line")
    return LabelLine(
        path=_relative(path),
        label=label,
        annotator=read_text("annotator", cells.get("annotator")),
        labelled_at=read_time("labelled_at", cells.get("labelled_at")),
        line=number,
    )


def _relative(path: str) -> str:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    is_outside = ".." in parts or (parts and (parts[0] == "/" or parts[0].endswith(":")))
    if is_outside or not parts or "\0" in path:
        raise InputError(
            f"path is {path!r:.80}; expected one inside the folder of the labels file",
            reason="bad_label_line",
        )
    return "/".join(parts)
