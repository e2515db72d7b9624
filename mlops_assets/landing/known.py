"""What has been stated already, found by source and path without going through all of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from mlops_assets.lake import Lake
from mlops_assets.landing.arrivals import ARRIVALS, latest_arrivals

Stated = dict[str, Any]
"""One arrival as the ledger has it."""

_NEIGHBOURS = 8
_FEW = 16
_CACHE: dict[str, tuple[int, Known]] = {}


@dataclass(frozen=True)
class Known:
    """The latest arrivals, sorted, and the marks of all that was seen, sidecars too.

    Args:
        arrivals: with `_key`, by which they are sorted.
        marks: `_key`, `mark`, sorted; no mark where the owners of one sidecar saw different ones.
    """

    arrivals: pl.DataFrame
    marks: pl.DataFrame

    @classmethod
    def of(cls, lake: Lake) -> Known:
        """What is known now; made again only when something was stated since."""
        version = ARRIVALS.version(lake)
        cached = _CACHE.get(lake.store.root)
        if cached is None or cached[0] != version:
            cached = _CACHE[lake.store.root] = version, cls._read(lake)
        return cached[1]

    @classmethod
    def _read(cls, lake: Lake) -> Known:
        rows = latest_arrivals(lake)
        arrivals = rows.with_columns(_key=_key("path")).sort("_key")
        sidecars = (
            rows.drop_nulls("sidecar_path")
            .group_by(_key=_key("sidecar_path"))
            .agg(mark=pl.col("sidecar_mark").unique().implode().list.join("\n"))
        )
        marks = pl.concat([sidecars, arrivals.select("_key", "mark")])
        return cls(arrivals, marks.unique("_key", keep="first", maintain_order=True).sort("_key"))

    def marks_of(self, source: str, paths: Sequence[str]) -> list[str | None]:
        """The mark under which each path was seen last, file or sidecar; None if it never was."""
        places = self._places(self.marks["_key"], source, paths)
        return self.marks["mark"].gather(places).to_list()

    def stated(self, source: str, paths: Sequence[str]) -> dict[str, Stated]:
        """The latest arrivals of some paths, those that there are."""
        places = self._places(self.arrivals["_key"], source, paths).drop_nulls()
        rows = self.arrivals[places.to_list()].iter_rows(named=True)
        return {row["path"]: row for row in rows}

    def beginning_with(self, source: str, prefixes: Iterable[str]) -> list[str]:
        """Known paths that begin like one of the prefixes; the first few of each."""
        keys = self.arrivals["_key"]
        asked = pl.Series([f"{source}\0{prefix}" for prefix in prefixes], dtype=pl.String)
        if keys.is_empty():
            return []
        near = pl.DataFrame({"prefix": asked, "place": keys.search_sorted(asked)})
        near = near.join(pl.DataFrame({"step": range(_NEIGHBOURS)}), how="cross")
        near = near.with_columns(place=pl.col("place") + pl.col("step"))
        near = near.filter(pl.col("place") < len(keys))
        near = near.with_columns(key=keys.gather(near["place"]))
        found = near.filter(pl.col("key").str.starts_with(pl.col("prefix")))["key"].unique()
        return [key.partition("\0")[2] for key in found]

    @staticmethod
    def _places(keys: pl.Series, source: str, paths: Sequence[str]) -> pl.Series:
        """Where each path stands; null where it does not."""
        asked = [f"{source}\0{path}" for path in paths]
        if len(asked) > _FEW:
            places = keys.search_sorted(pl.Series(asked)).to_list()
        else:  # a small folder's few names: quicker than a query
            places = [bisect_left(keys, key) for key in asked]
        there = keys.gather([min(place, len(keys) - 1) for place in places]) if len(keys) else []
        found = [p if k == key else None for p, k, key in zip(places, there, asked, strict=False)]
        return pl.Series(found or [None] * len(asked), dtype=pl.get_index_type())


def _key(path: str) -> pl.Expr:
    return pl.concat_str("source", path, separator="\0")
