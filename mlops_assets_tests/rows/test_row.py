"""Row classes: columns from annotations, strict values, and clear words when they are wrong."""

from __future__ import annotations

import types
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import polars as pl
import pytest

from mlops_assets.errors import InternalError
from mlops_assets.rows import Row


class Everything(Row, key=("name", "number"), seen=("blob", "share")):
    name: Annotated[str, "what people call it"]
    number: int
    share: float
    flag: bool
    blob: Annotated[bytes, "as it came"]
    at: datetime
    day: date
    kind: Literal["a", "b"]
    tags: list[str]
    vector: Annotated[list[float], pl.List(pl.Float32()), "unit length"]
    note: str | None = None


ONE = Everything(
    "a", 1, 0.5, True, b"x", datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), "a", ["t"], [0.5]
)


def test_columns_come_from_annotations():
    assert Everything.schema() == {
        "name": pl.String,
        "number": pl.Int64,
        "share": pl.Float64,
        "flag": pl.Boolean,
        "blob": pl.Binary,
        "at": pl.Datetime("us", "UTC"),
        "day": pl.Date,
        "kind": pl.String,
        "tags": pl.List(pl.String),
        "vector": pl.List(pl.Float32),
        "note": pl.String,
    }
    columns = Everything.columns()
    assert columns["name"].description == "what people call it"
    assert [name for name, column in columns.items() if column.nullable] == ["note"]


def test_rows_become_a_frame_and_come_back():
    frame = Everything.frame([ONE])
    assert frame.schema == Everything.schema()
    assert Everything.of(frame.row(0, named=True)) == ONE


def test_no_rows_are_an_empty_frame_with_every_column():
    assert Everything.frame([]).schema == Everything.schema()


def test_a_group_is_read_with_the_key():
    assert Everything.reading("seen") == ("name", "number", "share", "blob")
    assert Everything.reading(None) == tuple(Everything.columns())


def test_a_column_that_was_not_read_is_no_default():
    row = Everything.of({"name": "a", "unknown": 1})
    assert row.name == "a"
    with pytest.raises(AttributeError, match="has no 'note' here"):
        row.note  # noqa: B018


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, 1.5),
        (int, "1"),
        (str, 1),
        (str, b"a"),
        (bytes, "a"),
        (int, 2**70),
        (list[float], ["a"]),
    ],
)
def test_a_value_that_does_not_fit_is_our_bug_not_a_silent_change(hint, value):
    def annotate(body: dict[str, Any]) -> None:
        body["__annotations__"] = {"odd": hint}

    odd: Any = types.new_class("Odd", (Row,), {"key": "odd"}, annotate)
    with pytest.raises(InternalError, match="a Odd does not fit its columns"):
        odd.frame([odd(value)])


def test_a_row_class_without_its_key_column_is_refused():
    class Keyless(Row, key="missing"):
        name: str

    with pytest.raises(
        InternalError, match=r"Keyless names columns it does not have: \['missing'\]"
    ):
        Keyless.schema()


def test_a_type_without_column_is_refused():
    class Untyped(Row, key="name"):
        name: str
        anything: dict

    with pytest.raises(InternalError, match="column anything has type"):
        Untyped.schema()
