"""One look at everything that offers media: the landing zone and the stated sources."""

from __future__ import annotations

import polars as pl

from mlops_assets.errors import ConfigurationError
from mlops_assets.lake import Lake, current_lake
from mlops_assets.landing import (
    ARRIVALS,
    Budget,
    Landed,
    Rota,
    Source,
    register_all,
    sources_in,
    stated_sources,
)
from mlops_assets.operations.behind import STATES
from mlops_assets.settings import settings

PAGES_A_LOOK = 20
_PLACE = ["source", "day"]
_ROTAS: dict[str, Rota] = {}


def land_sources(lake: Lake | None = None, *, budget_s: float = 20.0) -> Landed:
    """Look once at every source whose turn it is, and take in what is new, within bounds.

    The bounds are `landing_files`, `landing_gb` and the time; the next look goes on from there.
    While `backlog_files` arrivals wait for their rows, nothing is listed.

    Args:
        lake: which; the current one for None.
        budget_s: stop after about so long.

    Raises:
        ConfigurationError: the sources cannot be read, the lake cannot be written to, or there is
            neither a landing zone nor a stated source.
    """
    lake, chosen = lake or current_lake(), settings()
    waiting = waiting_arrivals(lake)
    if waiting >= chosen.backlog_files:
        return Landed(0, (), 0, waiting, 0)
    budget = Budget(
        seconds=budget_s,
        files=min(chosen.landing_files, chosen.backlog_files - waiting),
        size_bytes=chosen.landing_gb * 1e9,
        pages=PAGES_A_LOOK,
    )
    rota = _ROTAS.setdefault(lake.store.root, Rota())
    return register_all(lake, all_sources(), budget=budget, rota=rota)


def all_sources() -> list[Source]:
    """The stated sources, and those of the landing zone if there is one.

    Raises:
        ConfigurationError: there is no landing zone and nothing else is stated.
    """
    stated, folder = list(stated_sources()), settings().landing_folder
    try:
        return [*stated, *sources_in(folder)]
    except ConfigurationError:
        if settings().landing or not stated:
            raise
        return stated


def waiting_arrivals(lake: Lake) -> int:
    """How many arrivals were stated since their partition was last brought up."""
    reached = STATES.latest(lake).select(*_PLACE, reached_at="recorded_at")
    rows = ARRIVALS.latest(lake).join(reached, on=_PLACE, how="left")
    is_waiting = pl.col("reached_at").is_null() | (pl.col("recorded_at") > pl.col("reached_at"))
    return rows.select(is_waiting.sum()).item()
