"""A toy graph: notes in a dictionary become lines, pairs of lines and a summary."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import polars as pl
from annotated_types import Gt

from mlops_assets.errors import InputError
from mlops_assets.lake import Lake, Partition
from mlops_assets.rows import Grouped, How, Origin, Row, Rows, each, expand, group, pairs, table
from mlops_assets.rows import tables as several

NOTES: dict[str, dict[str, tuple[str, str]]] = {}
CALLS: Counter[str] = Counter()


class Note(Row, key="path", words=("text",)):
    path: str
    text: str
    caption: str


def _read(lake: Lake, partition: Partition) -> pl.DataFrame:
    stored = lake.store.uri("notes.json")
    notes = NOTES.get(partition.key)
    if notes is None and os.path.exists(stored):  # noqa: PTH110 - one line
        notes = _load(stored).get(partition.key)
    rows = [Note(path, text, caption) for path, (text, caption) in (notes or {}).items()]
    return Note.frame(rows)


def _load(path: str) -> dict[str, dict[str, tuple[str, str]]]:
    import json
    from pathlib import Path

    return json.loads(Path(path).read_text())


notes = Origin("notes", Note, _read)


class Line(Row, key="line_id", text_only=("text",)):
    line_id: str
    path: str
    index: int
    text: Annotated[str, "in capitals when shout is set"]


@table(expand(notes), version="1", how=How(slice_units=4))
def lines(note: Note, *, shout: bool = False, repeat: Annotated[int, Gt(0)] = 1) -> Iterator[Line]:
    """Lines of a note. Grain: line. Key: line_id. Partition: source and day."""
    CALLS[f"lines:{note.path}"] += 1
    if note.text.startswith("bad"):
        raise InputError(f"{note.path} is bad", reason="bad_text")
    if note.text.startswith("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if note.text.startswith("hang"):
        time.sleep(600)
    for index, text in enumerate(note.text.split("\n") * repeat):
        if text == "fail half way":
            raise InputError("half way", reason="half")
        if text:
            yield Line(f"{note.path}#{index}", note.path, index, text.upper() if shout else text)


@lines.check(blocking=True)
def lines_are_not_empty(rows: pl.LazyFrame) -> pl.LazyFrame:
    """No line is empty."""
    return rows.filter(pl.col("text") == "")


class Length(Row, key="line_id"):
    line_id: str
    characters: int


@table(each(lines.text_only), version="1", how=How(batch_size=3, slice_units=5))
def lengths(batch: pl.DataFrame) -> Rows[Length]:
    """Length of each line."""
    CALLS["lengths"] += batch.height
    if batch["text"].str.contains("poison").any():
        raise InputError("poison in the batch", reason="poison")
    return batch.select("line_id", characters=pl.col("text").str.len_chars().cast(pl.Int64))


class Step(Row, key="line_id"):
    line_id: str
    next_id: str
    change: int


@table(pairs(lines, within="path", order="index"), version="1")
def steps(first: Line, second: Line) -> Step:
    """Change of length from a line to the next."""
    CALLS["steps"] += 1
    return Step(first.line_id, second.line_id, len(second.text) - len(first.text))


class Summary(Row, key="partition"):
    partition: str
    count: int
    characters: int


@table(group(lines, lengths), version="1", how=How(commit="partition"))
def summaries(part: Grouped) -> Summary:
    """Lines and characters of a partition."""
    CALLS["summaries"] += 1
    return Summary(part.key["partition"], part["lines"].height, part["lengths"]["characters"].sum())


class Word(Row, key="word_id"):
    word_id: str
    path: str
    word: str


class Digit(Row, key="digit_id"):
    digit_id: str
    path: str
    digit: int


@several(expand(notes.words if hasattr(notes, "words") else notes), names=("words", "digits"), version="1")
def tokens(note: Note) -> Iterator[Word | Digit]:
    """Words and digits of a note, in one pass."""
    CALLS[f"tokens:{note.path}"] += 1
    for index, token in enumerate(note.text.split()):
        if token.isdigit():
            yield Digit(f"{note.path}/{index}", note.path, int(token))
        else:
            yield Word(f"{note.path}/{index}", note.path, token)


words, digits = tokens

ALL = (lines, lengths, steps, summaries, words)
