"""The plan of one large partition in which nothing is due, over reading its three columns."""

from __future__ import annotations

from benchmarks import synthetic
from benchmarks.measuring import Options, Spread, take_turns
from benchmarks.results import Figure, Result
from mlops_assets.lake import Lake
from mlops_assets.rows import make_plan

ROWS = (100_000, 1_000_000)

METHOD = """A table `each` over a parent, both written with synthetic rows into one partition,
100,000 rows a file; keys are as long as those of frames (71 characters). Nothing is due. The
floor reads what any plan must with two Polars queries: key and `_fp` of the parent, key, `_src`
and `_ver` of the table; `its own columns only` reads the latter. The plan reads them too, sees
that keys are unique, and compares. They take turns in one process, after one round of warm-up."""


def run(options: Options) -> Result:
    """Measure it."""
    figures, details = [], {}
    for rows in (2_000,) if options.quick else ROWS:
        taken = _measured(options, rows)
        over = taken["plan"].over(taken["floor"])
        figures.append(Figure.of(f"{rows:,} rows", over, "x reading", 2.0))
        own = taken["plan"].over(taken["own"])
        figures.append(Figure.of(f"{rows:,} rows, its own columns only", own, "x reading"))
        figures.append(Figure.of(f"{rows:,} rows, plan", taken["plan"], "s"))
        details[str(rows)] = {name: spread.runs for name, spread in taken.items()}
    return Result("plan", METHOD, tuple(figures), {"seconds": details})


def _measured(options: Options, rows: int) -> dict[str, Spread]:
    lake = Lake.at(str(options.folder(f"plan-{rows}")))
    synthetic.fill(lake, rows, options.seed)
    times = 1 if options.quick else 2 * options.times + 1
    sides = {"plan": lambda: _plan(lake), "floor": lambda: _floor(lake)}
    sides["own"] = lambda: _narrow(lake)
    return take_turns(sides, times=times)


def _plan(lake: Lake) -> None:
    if not make_plan(synthetic.measures.producer, lake, synthetic.PARTITION).is_empty:
        raise RuntimeError("something is due")


def _floor(lake: Lake) -> None:
    """Read what any plan must: what should be there, and what is."""
    synthetic.items.rows(lake, synthetic.PARTITION).select("item_id", "_fp").collect()
    _narrow(lake)


def _narrow(lake: Lake) -> None:
    rows = synthetic.measures.rows(lake, synthetic.PARTITION)
    rows.select("item_id", "_src", "_ver").collect()
