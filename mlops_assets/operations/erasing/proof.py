"""Proof: every byte stored is read, and nothing of what was forgotten is found.

What is proven of media by their hash alone: no file, wherever it lies, has that hash; no cell of a
Parquet file, active or not, and no line of a Delta log names it; no other file holds it, as text or
as 32 bytes. With evidence (pieces of the original and of what was made of it, or the file itself)
also: no file outside vault, landing zone and tables holds a piece, plain or as base64.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from mlops_assets.errors import InputError
from mlops_assets.lake import Lake, current_lake
from mlops_assets.lake.erasing import names_any
from mlops_assets.landing import ARRIVALS, RULINGS
from mlops_assets.landing.tombstones import copies_folder, tombstones
from mlops_assets.operations.erasing.choosing import media_named
from mlops_assets.operations.erasing.evidence import PIECE, Evidence, evidence_of_file
from mlops_assets.operations.erasing.history import History, dagster_home, history_of_settings
from mlops_assets.operations.erasing.orders import FOLDER
from mlops_assets.settings import settings

TRACES = pl.Schema({"media_id": pl.String(), "place": pl.String(), "found": pl.String()})

_DIGITS = 64
_BLOCK = 8 << 20
_OVERLAP = 4 * PIECE
_CELLS = 2_000


def traces_of(
    media: Iterable[str],
    *,
    evidence: Evidence | None = None,
    lake: Lake | None = None,
    history: History | None = None,
) -> pl.DataFrame:
    """Everything that is still there of some media: lake, landing zone, home, Dagster, MLflow.

    Args:
        media: SHA-256 of their bytes.
        evidence: pieces of their content to look for as well.
        lake: which; the current one for None.
        history: what Dagster remembers; that of this installation for None.

    Returns:
        `media_id` (null for a piece), `place`, `found`; empty when nothing is left. The audit row
        is no trace, and neither is the row of a file that landed again and was refused.

    Raises:
        InputError: one of the media is no hash (`bad_hash`).
    """
    names = tuple(dict.fromkeys(media))
    wrong = [name for name in names if len(name) != _DIGITS or set(name) - set("0123456789abcdef")]
    if wrong:
        raise InputError(f"{wrong[0]!r} is no media_id; expected 64 hex digits", reason="bad_hash")
    if not names:
        return pl.DataFrame(schema=TRACES)
    lake = lake or current_lake()
    search = _Search(names, evidence or Evidence(), lake)
    found = [*search.lake_traces(), *search.file_traces()]
    told = (history or history_of_settings()).traces(names)
    found += [(None, place, "a name") for place in told]
    return pl.DataFrame(found, schema=TRACES, orient="row").unique(maintain_order=True)


def verify_forgotten(words: Iterable[str], *, lake: Lake | None = None) -> pl.DataFrame:
    """What is left of media that people name: see `traces_of`.

    Args:
        words: hashes, 8 or more digits of one that is known, or files: of these pieces are
            looked for as well.
        lake: which; the current one for None.

    Raises:
        InputError: there is no such thing (`not_found`).
    """
    lake = lake or current_lake()
    names, pieces = [], []
    for word in words:
        if Path(word).is_file():
            name, evidence = evidence_of_file(Path(word))
            pieces += evidence.pieces
        else:
            name = word if len(word) == _DIGITS else media_named([word], lake)[0]
        names.append(name)
    return traces_of(names, evidence=Evidence(tuple(pieces)), lake=lake)


_Trace = tuple[str | None, str, str]


class _Search:
    """One pass over every byte."""

    def __init__(self, names: tuple[str, ...], evidence: Evidence, lake: Lake) -> None:
        self.names, self.lake = names, lake
        self.hashes = {name.encode(): name for name in names}
        self.hashes |= {bytes.fromhex(name): name for name in names}
        self.needles = evidence.needles()
        self.refused = refusals(lake) & set(names)

    def lake_traces(self) -> Iterator[_Trace]:
        for entry in self.lake.store.list(""):
            path = entry["path"]
            if path.startswith(f"{FOLDER}/"):
                yield None, path, "an erasure that is not done to its end"
            elif path.endswith(".parquet"):
                yield from self._of_parquet(path)
            else:
                yield from self._of_object(path)

    def _of_parquet(self, path: str) -> Iterator[_Trace]:
        rows = pl.read_parquet(io.BytesIO(self.lake.store.get(path)), hive_partitioning=False)
        for name in self._asked(path):
            if _names_it(rows, name):
                yield name, path, "rows"

    def _of_object(self, path: str) -> Iterator[_Trace]:
        is_shared = path.startswith(("vault/", "tables/"))
        asked = self._asked(path)
        if any(name in path for name in self.names):
            yield path.rpartition("/")[2][:64], path, "the bytes"
        local = Path(self.lake.store.uri(path)) if self.lake.store.is_local else None
        blocks = _blocks(local) if local else iter([self.lake.store.get(path)])
        yield from self._in_blocks(path, blocks, asked, [] if is_shared else self.needles)

    def _asked(self, path: str) -> tuple[str, ...]:
        """The names that an object is not to hold."""
        table = path.split("/")[1] if path.startswith("tables/") else ""
        if table == RULINGS.name:
            return tuple(set(self.names) - set(tombstones(self.lake)["media_id"]))
        if table in (ARRIVALS.name, "raw_media"):
            return tuple(set(self.names) - self.refused)
        return self.names

    def file_traces(self) -> Iterator[_Trace]:
        landing = settings().landing_folder.absolute()
        for file in _files(self.lake):
            if file.is_relative_to(Path(copies_folder())):
                continue
            is_report = file.name.startswith("metadata.duckdb")
            asked = tuple(set(self.names) - self.refused) if is_report else self.names
            needles = [] if file.is_relative_to(landing) else self.needles
            yield from self._in_blocks(str(file), _blocks(file), asked, needles)
            if _is_sqlite(file):
                yield from self._in_blocks(str(file), _cells(file), asked, needles)

    def _in_blocks(
        self, place: str, blocks: Iterable[bytes], asked: Collection[str], needles: Sequence[bytes]
    ) -> Iterator[_Trace]:
        digest, before = hashlib.sha256(), b""
        wanted = {code: name for code, name in self.hashes.items() if name in asked}
        for block in blocks:
            digest.update(block)
            content = before + block
            for code in _found_in(content, [*wanted, *needles]):
                yield wanted.get(code), place, "a name" if code in wanted else "a piece of content"
            before = content[-_OVERLAP:]
        if digest.hexdigest() in self.names:
            yield digest.hexdigest(), place, "the bytes"


def refusals(lake: Lake) -> set[str]:
    """Media that landed again after they were forgotten, and were refused."""
    stones = tombstones(lake).select(sha256="media_id", at="recorded_at")
    landed = ARRIVALS.statements(lake).join(stones, on="sha256")
    again = landed.filter(pl.col("recorded_at") >= pl.col("at"))["sha256"].unique()
    return {one for one in again if not lake.vault.holds(one)}


def _files(lake: Lake) -> Iterator[Path]:
    """Every local file outside the lake that the platform writes."""
    chosen = settings()
    roots = {chosen.home.absolute(), chosen.landing_folder.absolute()}
    roots |= {home} if (home := dagster_home()) else set()
    mine = Path(lake.store.root) if lake.store.is_local else None
    tops = [one for one in roots if not any(one != o and one.is_relative_to(o) for o in roots)]
    for root in sorted(tops):
        for file in sorted(root.rglob("*")):
            if file.is_file() and not (mine and file.is_relative_to(mine)):
                yield file


def _blocks(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
    except FileNotFoundError:  # removed while we looked
        return


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(16) == b"SQLite format 3\0"


def _cells(file: Path) -> Iterator[bytes]:
    """Every value of a SQLite file, whole: in the file itself long ones lie in pieces."""
    held: list[bytes] = []
    for row in _rows_of(file):
        held += [one if isinstance(one, bytes) else str(one).encode() for one in row]
        if len(held) >= _CELLS:
            yield b"\0".join(held)
            held.clear()
    yield b"\0".join(held)


def _rows_of(file: Path) -> Iterator[tuple[object, ...]]:
    is_open = file.with_name(file.name + "-wal").exists()  # else looking would leave one behind
    how = "mode=ro" if is_open else "immutable=1"
    connection = sqlite3.connect(f"file:{file}?{how}", uri=True)
    try:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            yield from connection.execute(f'SELECT * FROM "{table}"')
    except sqlite3.DatabaseError:  # no database after all; its bytes were read
        return
    finally:
        connection.close()


def _found_in(content: bytes, codes: Sequence[bytes]) -> list[bytes]:
    """The codes that some bytes hold, by one pass of Aho and Corasick's automaton over them."""
    if not codes:
        return []
    text = pl.Series([content.decode("latin-1")])
    if not text.str.contains_any([code.decode("latin-1") for code in codes])[0]:
        return []
    return [code for code in codes if code in content]


def _names_it(rows: pl.DataFrame, name: str) -> bool:
    if rows.filter(names_any(rows.schema, [name])).height:
        return True
    for column, dtype in rows.schema.items():
        if dtype == pl.Binary() and _holds(rows[column], name):
            return True
        is_told = isinstance(dtype, pl.Struct) and name in str(rows[column].to_list())
        if is_told:
            return True
    return False


def _holds(cells: pl.Series, name: str) -> bool:
    codes = (name.encode(), bytes.fromhex(name))
    return any(bool(cells.bin.contains(code).any()) for code in codes)
