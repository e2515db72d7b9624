"""The Delta log: what it says of files, kept true when a file was written anew or is gone.

Statistics hold least and greatest values: the path, the caption, the hash of a row that was erased.
They are optional in the format, so those of files that changed or went are cut to the row count.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from mlops_assets.lake.lake import Lake

_KINDS = ("add", "remove")


def files_in_log(lake: Lake, table: str) -> set[str]:
    """Every file that some version of a table has, as far back as the log goes."""
    found = set()
    for path in _commits(lake, table):
        found |= {action["path"] for action in _actions(lake.store.get(path))}
    for path in _checkpoints(lake, table):
        found |= set(_added(_read(lake, path))["path"])
    return found


def restate_files(lake: Lake, table: str) -> int:
    """Let the log say what files are: the size and rows of those that were written anew.

    Of files that are gone only how many rows they had stays said. Versions, actions and active
    files stay as they are. Doing it again changes nothing.

    Returns:
        Number of commits and checkpoints that were written anew.
    """
    commits = {path: lake.store.get(path) for path in _commits(lake, table)}
    points = {path: _read(lake, path) for path in _checkpoints(lake, table)}
    root = f"tables/{table}/"
    sizes = {e["path"].removeprefix(root): e["size"] for e in lake.store.list(root.rstrip("/"))}
    truth = _Truth(lake, table, sizes)
    changed = 0
    for path, content in commits.items():
        changed += _put_changed(lake, path, content, _restated_commit(content, truth))
    for path, rows in points.items():
        restated = _restated_checkpoint(rows, truth)
        if not restated.equals(rows):
            lake.store.put(path, _parquet(restated))
            changed += 1
    return changed


class _Truth:
    """What files are, by their paths."""

    def __init__(self, lake: Lake, table: str, sizes: dict[str, int]) -> None:
        self.lake, self.table, self.sizes = lake, table, sizes
        self.counts: dict[str, int] = {}

    def of(self, path: str, size: int | None, stats: str | None) -> tuple[int | None, str | None]:
        """Size and statistics as they should be said of a file."""
        real = self.sizes.get(path)
        if real is None:
            return size, _row_count(stats)
        if size is None or real == size:
            return size, stats
        return real, json.dumps({"numRecords": self._rows(path)})

    def _rows(self, path: str) -> int:
        if path not in self.counts:
            uri = self.lake.store.uri(f"tables/{self.table}/{path}")
            options = self.lake.store.options or None
            rows = pl.scan_parquet(uri, storage_options=options, glob=False)
            self.counts[path] = rows.select(pl.len()).collect().item()
        return self.counts[path]


def _row_count(stats: str | None) -> str | None:
    told = json.loads(stats) if stats else {}
    rows = told.get("numRecords")
    return stats if set(told) <= {"numRecords"} else json.dumps({"numRecords": rows})


def _restated_commit(content: bytes, truth: _Truth) -> bytes:
    lines = []
    for line in content.decode().splitlines():
        entry = json.loads(line) if line.strip() else {}
        before = json.dumps(entry)
        for kind in _KINDS:
            action = entry.get(kind)
            if action:
                size, stats = truth.of(action["path"], action.get("size"), action.get("stats"))
                said = {"size": size, "stats": stats}
                action.update({name: said[name] for name in said if name in action})
        lines.append(line if json.dumps(entry) == before else json.dumps(entry))
    return ("\n".join(lines) + "\n").encode()


def _restated_checkpoint(rows: pl.DataFrame, truth: _Truth) -> pl.DataFrame:
    for kind in _KINDS:
        if kind not in rows.columns or "stats" not in rows[kind].struct.fields:
            continue
        action = pl.col(kind)
        said = rows.select(
            action.struct.field("path"), action.struct.field("size"), action.struct.field("stats")
        )
        true = [
            (None, None) if path is None else truth.of(path, size, stats)
            for path, size, stats in said.iter_rows()
        ]
        fields = [
            pl.Series("size", [size for size, _ in true], pl.Int64()),
            pl.Series("stats", [stats for _, stats in true], pl.String()),
        ]
        told = action.struct.with_fields(*(pl.lit(one) for one in fields))
        rows = rows.with_columns(pl.when(action.is_not_null()).then(told).alias(kind))
    return rows


def _actions(content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        entry = json.loads(line) if line.strip() else {}
        yield from (entry[kind] for kind in _KINDS if entry.get(kind))


def _added(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col("add").struct.field("path")).drop_nulls()


def _commits(lake: Lake, table: str) -> list[str]:
    return [path for path in _log(lake, table) if path.endswith(".json")]


def _checkpoints(lake: Lake, table: str) -> list[str]:
    return [path for path in _log(lake, table) if path.endswith(".parquet")]


def _log(lake: Lake, table: str) -> list[str]:
    return sorted(entry["path"] for entry in lake.store.list(f"tables/{table}/_delta_log"))


def _read(lake: Lake, path: str) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(lake.store.get(path)))


def _parquet(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()


def _put_changed(lake: Lake, path: str, before: bytes, after: bytes) -> int:
    if before.split() == after.split():
        return 0
    lake.store.put(path, after)
    return 1
