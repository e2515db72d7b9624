"""A toy graph: notes in a dictionary become lines, lengths, steps, a summary, words and digits.

`CALLS` counts the units each function was called for. A worker process finds the notes of a lake in
its `notes.json` (`write_notes`).
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import polars as pl
from annotated_types import Gt

from mlops_assets.errors import InputError
from mlops_assets.lake import Lake, Partition
from mlops_assets.rows import (
    Grouped,
    How,
    Origin,
    Reading,
    Row,
    Rows,
    each,
    expand,
    group,
    pairs,
    table,
)
from mlops_assets.rows import tables as several

Notes = Mapping[str, tuple[str, str]]
"""Path to text and caption."""

NOTES: dict[str, Notes] = {}
CALLS: Counter[str] = Counter()


class Note(Row, key="path", words=("text",)):
    path: str
    text: str
    caption: str


def write_notes(lake: Lake, partition: Partition, notes: Notes) -> None:
    """Put notes where a worker process finds them."""
    before = json.loads(lake.store.get("notes.json")) if lake.store.size("notes.json") else {}
    lake.store.put("notes.json", json.dumps({**before, partition.key: notes}).encode())


def _read(lake: Lake, partition: Partition) -> pl.DataFrame:
    notes = NOTES.get(partition.key)
    if notes is None and lake.store.size("notes.json"):
        notes = json.loads(lake.store.get("notes.json")).get(partition.key)
    return Note.frame(Note(path, text, caption) for path, (text, caption) in (notes or {}).items())


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
    misbehave(note.text)
    for index, text in enumerate(note.text.split("\n") * repeat):
        if text == "fail half way":
            raise InputError("half way", reason="half")
        if text:
            yield Line(f"{note.path}#{index}", note.path, index, text.upper() if shout else text)


def misbehave(text: str) -> None:
    """What a hostile file may do to the process that reads it."""
    if text.startswith("die"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if text.startswith("hang"):
        _tell(str(os.getpid()))
        time.sleep(600)
    if text.startswith("eat"):
        bytearray(1 << 40)


@lines.check(blocking=True)
def lines_are_not_empty(rows: pl.LazyFrame) -> pl.LazyFrame:
    """No line is empty."""
    return rows.filter(pl.col("text") == "")


class Length(Row, key="line_id"):
    line_id: str
    characters: int


@table(each(lines.text_only), version="1", how=How(batch_size=3, slice_units=5))
def lengths(batch: pl.DataFrame) -> Rows[Length]:
    """Length of each line. Grain: line. Key: line_id. Partition: source and day."""
    CALLS.update(f"lengths:{line_id}" for line_id in batch["line_id"])
    if batch["text"].str.to_lowercase().str.contains("poison").any():
        raise InputError("poison in the batch", reason="poison")
    return batch.select("line_id", characters=pl.col("text").str.len_chars().cast(pl.Int64))


class Step(Row, key="line_id"):
    line_id: str
    next_id: str
    change: int


@table(pairs(lines, within="path", order="index"), version="1")
def steps(first: Line, second: Line) -> Step:
    """Change of length from a line to the next. Grain: line. Key: line_id. Partition: both."""
    CALLS[f"steps:{first.line_id}"] += 1
    return Step(first.line_id, second.line_id, len(second.text) - len(first.text))


class Summary(Row, key="partition"):
    partition: str
    count: int
    characters: int


@table(group(lines, lengths), version="1", how=How(commit="partition"))
def summaries(part: Grouped) -> Summary:
    """Lines and characters of a partition. Grain and key: partition. Partition: both."""
    CALLS[f"summaries:{part.key['partition']}"] += 1
    return Summary(
        part.key["partition"], part["lines"].height, int(part["lengths"]["characters"].sum())
    )


class Word(Row, key="word_id"):
    word_id: str
    path: str
    word: str


class Digit(Row, key="digit_id"):
    digit_id: str
    path: str
    digit: int


@several(
    expand(Reading(notes, "words")),  # a changed caption is no reason
    names=("words", "digits"),
    version="1",
    how=How(commit="partition", slice_units=2),
)
def tokens(note: Note) -> Iterator[Word | Digit]:
    """Words and digits of a note, in one pass. Grain: token. Partition: source and day."""
    CALLS[f"words:{note.path}"] += 1
    for index, token in enumerate(note.text.split()):
        if token.isdigit():
            yield Digit(f"{note.path}/{index}", note.path, int(token))
        else:
            yield Word(f"{note.path}/{index}", note.path, token)


words, digits = tokens

ALL = (lines, lengths, steps, summaries, words)
"""One table per producer, parents first."""


def _tell(line: str) -> None:
    """Leave a line in the file that `TOYS_LEDGER` names: seen from other processes."""
    if ledger := os.environ.get("TOYS_LEDGER"):
        with Path(ledger).open("a") as calls:
            calls.write(f"{line}\n")


class Drop(Row, key="path"):
    path: str
    text: str


def trickle(note: Note) -> Drop:
    """One note, slowly: long enough to be killed in."""
    _tell(note.path)
    time.sleep(0.004)
    return Drop(note.path, note.text)


@table(expand(notes), version="1", how=How(slice_units=4))
def drops(note: Note) -> Drop:
    """Notes, slowly, committed slice by slice. Grain: note. Key: path. Partition: both."""
    return trickle(note)


@table(expand(notes), version="1", how=How(slice_units=4, commit="partition"))
def pools(note: Note) -> Drop:
    """Notes, slowly, committed at once. Grain: note. Key: path. Partition: both."""
    return trickle(note)
