"""Row classes: what one row of a table holds, as a frozen dataclass with Polars types."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self, Union, dataclass_transform

import polars as pl

from mlops_assets.errors import InternalError

_TYPES: dict[Any, pl.DataType] = {
    str: pl.String(),
    int: pl.Int64(),
    float: pl.Float64(),
    bool: pl.Boolean(),
    bytes: pl.Binary(),
    datetime: pl.Datetime("us", "UTC"),
    date: pl.Date(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column."""

    name: str
    dtype: pl.DataType
    nullable: bool
    description: str


@dataclass_transform(frozen_default=True)
class Row:
    """Base of every row class.

    Declare it with its key and, if consumers read only part of it, named column groups:

    ```python
    class Frame(Row, key="frame_id", pixels=("jpeg", "next_jpeg")):
        frame_id: str
        jpeg: Annotated[bytes, "upright, sRGB, 8 bit"]
        next_jpeg: bytes | None
    ```

    Types: `str`, `int` (Int64), `float` (Float64), `bool`, `bytes`, `datetime` (UTC, microseconds),
    `date`, `Literal` (String), `list` of these; `X | None` is nullable. A Polars type inside
    `Annotated` overrides; a string inside it describes the column.
    """

    row_key: ClassVar[tuple[str, ...]]
    row_groups: ClassVar[dict[str, tuple[str, ...]]]

    def __init_subclass__(cls, *, key: str | tuple[str, ...], **groups: tuple[str, ...]) -> None:
        super().__init_subclass__()
        cls.row_key = (key,) if isinstance(key, str) else key
        cls.row_groups = groups
        dataclass(frozen=True)(cls)
        for field in dataclasses.fields(cls):  # pyright: ignore[reportArgumentType]
            if field.name in cls.__dict__:
                delattr(
                    cls, field.name
                )  # a column that was not read must not look like its default

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"{type(self).__name__} has no {name!r} here: no column of that name was read"
        )

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """The declared columns by name, in order."""
        return _columns(cls)

    @classmethod
    def schema(cls) -> pl.Schema:
        """Name and Polars type of each declared column."""
        return pl.Schema({name: column.dtype for name, column in cls.columns().items()})

    @classmethod
    def reading(cls, group: str | None) -> tuple[str, ...]:
        """The columns of a group and the key; all of them for None."""
        names = tuple(cls.columns())
        if group is None:
            return names
        wanted = {*cls.row_key, *cls.row_groups[group]}
        return tuple(name for name in names if name in wanted)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """A row from what was read; columns that were not read raise when touched."""
        row = object.__new__(cls)
        declared = cls.columns()
        for name, value in values.items():
            if name in declared:
                object.__setattr__(row, name, value)
        return row

    @classmethod
    def frame(cls, rows: Iterable[Self]) -> pl.DataFrame:
        """Rows as a data frame with exactly the declared columns.

        Raises:
            InternalError: a value does not fit its column.
        """
        listed = list(rows)
        data = {name: [getattr(row, name) for row in listed] for name in cls.columns()}
        try:
            return pl.DataFrame(data, schema=cls.schema(), strict=True)
        except (TypeError, pl.exceptions.PolarsError) as err:
            raise InternalError(f"a {cls.__name__} does not fit its columns: {err}") from err


@lru_cache(maxsize=256)
def _columns(row: type[Row]) -> dict[str, Column]:
    hints = typing.get_type_hints(row, include_extras=True)
    names = [field.name for field in dataclasses.fields(row)]  # pyright: ignore[reportArgumentType]
    columns = {name: _column(name, hints[name]) for name in names}
    missing = {*row.row_key, *(c for g in row.row_groups.values() for c in g)} - set(columns)
    if missing:
        raise InternalError(f"{row.__name__} names columns it does not have: {sorted(missing)}")
    return columns


def _column(name: str, hint: Any) -> Column:
    description, override = "", None
    if typing.get_origin(hint) is Annotated:
        hint, *extras = typing.get_args(hint)
        for extra in extras:
            if isinstance(extra, str):
                description = extra
            elif isinstance(extra, pl.DataType):
                override = extra
    hint, nullable = _without_none(hint)
    return Column(name, override or _dtype(name, hint), nullable, description)


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (Union, types.UnionType):
        rest = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return hint, False


def _dtype(name: str, hint: Any) -> pl.DataType:
    if hint in _TYPES:
        return _TYPES[hint]
    if typing.get_origin(hint) is Literal:
        return pl.String()
    if typing.get_origin(hint) is list:
        return pl.List(_dtype(name, typing.get_args(hint)[0]))
    raise InternalError(f"column {name} has type {hint}; give a Polars type in Annotated")
