"""Evidence: pieces of content to look for once it is erased."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.lake import MEDIA, Lake
from mlops_assets.lake.erasing import names_any
from mlops_assets.lake.vault import hash_file
from mlops_assets.operations.erasing.orders import Order
from mlops_assets.tables import table_named

PIECE = 48
"""Bytes of a piece."""

_PIECES = 64
_TELLING = 16  # fewer different bytes say nothing: padding, zeros


@dataclass(frozen=True)
class Evidence:
    """Pieces of content to look for; nothing of it is ever written down.

    Attributes:
        pieces: of 48 bytes each.
    """

    pieces: tuple[bytes, ...] = ()

    def needles(self) -> list[bytes]:
        """The pieces, and what is left of each in base64 whatever comes before it."""
        return [*self.pieces, *(code for piece in self.pieces for code in _encoded(piece))]


def evidence_of(order: Order, lake: Lake) -> Evidence:
    """Pieces of the originals, of sidecars, and of every blob and text made of them."""
    found: list[bytes] = []
    for sha256 in order.names:
        if lake.vault.holds(sha256):
            found += _pieces_in_vault(lake, sha256)
    for name, parts in order.keys.items():
        for partition, keys in parts.items():
            found += _pieces_of_rows(name, partition, keys, order, lake)
    return Evidence(tuple(dict.fromkeys(found)))


def evidence_of_file(file: Path) -> tuple[str, Evidence]:
    """The hash of a file, and pieces of it."""
    return hash_file(file), Evidence(tuple(_pieces_of_file(file)))


def _encoded(piece: bytes) -> Iterator[bytes]:
    for shift in range(3):
        code = base64.b64encode(bytes(shift) + piece)
        yield code[4 if shift else 0 : -4]


def _pieces_in_vault(lake: Lake, sha256: str) -> list[bytes]:
    try:
        with lake.vault.open(sha256) as file:
            return list(_pieces_of_file(file))
    except InputError:  # a pointer to a file that is gone
        return []


def _pieces_of_file(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        for place in _places(file.stat().st_size, _PIECES):
            stream.seek(place)
            yield from _telling(stream.read(PIECE))


def _pieces_of_rows(
    name: str, partition: str, keys: pl.DataFrame, order: Order, lake: Lake
) -> list[bytes]:
    """Of each blob and long text of the rows that are theirs alone."""
    rows = table_named(name).rows(lake, MEDIA.parse(partition))
    schema = rows.collect_schema()
    wide = [n for n, t in schema.items() if t in (pl.Binary(), pl.String())]
    mine = rows.join(keys.lazy(), on=keys.columns, how="semi", nulls_equal=True)
    cells = mine.filter(names_any(schema, order.names)).select(wide).head(_PIECES).collect()
    found: list[bytes] = []
    for column in cells:
        for cell in column.drop_nulls():
            content = cell if isinstance(cell, bytes) else cell.encode()
            if len(content) >= 4 * PIECE:
                for place in _places(len(content), 2):
                    found += _telling(content[place : place + PIECE])
    return found


def _places(size: int, most: int) -> range:
    """Where pieces are taken: in the second half; files of one format share headers and tables."""
    begin = size // 2
    return range(begin, size - PIECE, max(PIECE, (size - begin) // (most + 1)))


def _telling(piece: bytes) -> Iterator[bytes]:
    if len(set(piece)) >= _TELLING:
        yield piece
