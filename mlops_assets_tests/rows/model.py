"""What the toy graph must come to, in plain Python: the oracle of the histories.

For every table the units that should exist, each with what it is made from and the rows it gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mlops_assets_tests.rows.toys import Notes

Unit = str
Values = tuple[Any, ...]


@dataclass
class Expected:
    """One table of one partition: unit to its input, to its rows, and to why it has none."""

    inputs: dict[Unit, Any] = field(default_factory=dict)
    rows: dict[Unit, list[Values]] = field(default_factory=dict)
    skips: dict[Unit, str] = field(default_factory=dict)

    def add(self, unit: Unit, given: Any, rows: list[Values], reason: str = "empty") -> None:
        self.inputs[unit] = given
        if rows:
            self.rows[unit] = rows
        else:
            self.skips[unit] = reason

    @property
    def all_rows(self) -> list[Values]:
        return sorted(row for rows in self.rows.values() for row in rows)


def expected(key: str, notes: Notes, values: Mapping[str, Any]) -> dict[str, Expected]:
    """Every table of a partition, from its notes and the parameters of `lines`."""
    lines = _lines(notes, shout=values["shout"], repeat=values["repeat"])
    lengths = _lengths(lines)
    steps = _steps(lines)
    words, digits = _tokens(notes)
    made = {"lines": lines, "lengths": lengths, "steps": steps, "words": words, "digits": digits}
    return {**made, "summaries": _summaries(key, lines, lengths)}


def _lines(notes: Notes, *, shout: bool, repeat: int) -> Expected:
    lines = Expected()
    for path, (text, caption) in notes.items():
        rows, reason = _lines_of(path, text, shout, repeat)
        lines.add(path, (path, text, caption), rows, reason)
    return lines


def _lines_of(path: str, text: str, shout: bool, repeat: int) -> tuple[list[Values], str]:
    if text.startswith("bad"):
        return [], "bad_text"
    parts = text.split("\n") * repeat
    if "fail half way" in parts:
        return [], "half"
    said = [(i, part.upper() if shout else part) for i, part in enumerate(parts) if part]
    return [(f"{path}#{i}", path, i, part) for i, part in said], "empty"


def _lengths(lines: Expected) -> Expected:
    lengths = Expected()
    for line_id, _, _, text in lines.all_rows:
        poisoned = "poison" in text.lower()
        lengths.add(line_id, text, [] if poisoned else [(line_id, len(text))], "poison")
    return lengths


def _steps(lines: Expected) -> Expected:
    steps = Expected()
    for rows in lines.rows.values():
        for first, second in pairwise(rows):
            change = len(second[3]) - len(first[3])
            steps.add(first[0], (first, second), [(first[0], second[0], change)])
    return steps


def _summaries(key: str, lines: Expected, lengths: Expected) -> Expected:
    summaries = Expected()
    if lines.rows:
        characters = sum(count for _, count in lengths.all_rows)
        given = (lines.all_rows, lengths.all_rows)
        summaries.add(key, given, [(key, len(lines.all_rows), characters)])
    return summaries


def _tokens(notes: Notes) -> tuple[Expected, Expected]:
    words, digits = Expected(), Expected()
    for path, (text, _) in notes.items():
        said = list(enumerate(text.split()))
        words.add(path, text, [(f"{path}/{i}", path, t) for i, t in said if not t.isdigit()])
        digits.add(path, text, [(f"{path}/{i}", path, int(t)) for i, t in said if t.isdigit()])
    return words, digits
