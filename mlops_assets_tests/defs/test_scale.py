"""A tick over 20,000 partitions looks at each table once, and asks nothing of any partition."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from mlops_assets.defs import sensors
from mlops_assets.lake import Lake
from mlops_assets.landing.arrivals import ARRIVALS, stamped
from mlops_assets.operations.behind import STATES, behind_partitions
from mlops_assets.rows.parameters import PARAMETERS
from mlops_assets_tests.defs.workbench import Workbench

PARTITIONS = 20_000
SOURCES = 200
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def land_partitions(bench: Workbench) -> None:
    """One file in each partition, straight into the ledger."""
    days = [(date(2026, 11, 20) - timedelta(days=n)).isoformat() for n in range(100)]
    rows = [
        {
            "source": f"camera-{number % SOURCES:03}",
            "path": f"{number}.jpg",
            "day": days[number // SOURCES],
            "size_bytes": 1,
            "modified_at": NOW,
            "sha256": f"{number:064x}",
            "landed_at": NOW,
            "recorded_at": NOW + timedelta(seconds=number),
        }
        for number in range(PARTITIONS)
    ]
    schema = {name: dtype for name, dtype in ARRIVALS.schema.items() if name != "_fp"}
    ARRIVALS.append(bench.lake, stamped(pl.DataFrame(rows, schema=schema)))


def reach_all(bench: Workbench) -> None:
    states = behind_partitions(bench.lake).select(
        "source",
        "day",
        state=pl.lit("reached"),
        digest="desired",
        run_id=pl.lit(""),
        recorded_at=pl.lit(NOW, pl.Datetime("us", "UTC")),
    )
    STATES.append(bench.lake, states)


def counted_looks(bench: Workbench) -> Counter[str]:
    """Which tables are opened from here on."""
    looks: Counter[str] = Counter()
    plain = Lake.snapshot

    def snapshot(self: Lake, table: str, version: int | None = None) -> Any:
        looks[table] += 1
        return plain(self, table, version)

    handle = Lake._handle

    def opened(self: Lake, table: str) -> Any:
        looks[f"opened {table}"] += 1
        return handle(self, table)

    bench.monkeypatch.setattr(Lake, "snapshot", snapshot)
    bench.monkeypatch.setattr(Lake, "_handle", opened)
    return looks


def test_a_due_tick_over_many_partitions_opens_few_tables(bench: Workbench):
    land_partitions(bench)
    assert len(bench.behind()) == PARTITIONS
    looks = counted_looks(bench)
    assert bench.tick("due_partitions_sensor") == sensors.RUNS_A_TICK
    opened = {name: count for name, count in looks.items() if name.startswith("opened")}
    assert sum(opened.values()) <= 12, opened
    reach_all(bench)
    looks.clear()
    assert bench.tick("due_partitions_sensor") == 0
    assert bench.skipped["due_partitions_sensor"] == "no partition is behind"
    assert sum(count for name, count in looks.items() if name.startswith("opened")) <= 12


def test_a_parameter_of_one_source_makes_its_partitions_behind(bench: Workbench):
    land_partitions(bench)
    reach_all(bench)
    row = {
        "table": "documents",
        "name": "max_pages",
        "source": "camera-007",
        "value": "7",
        "set_by": "me",
        "recorded_at": NOW,
    }
    PARAMETERS.append(bench.lake, pl.DataFrame([row], schema=PARAMETERS.schema))
    behind = bench.behind()
    assert len(behind) == PARTITIONS // SOURCES
    assert {key.partition("@")[0] for key in behind} == {"camera-007"}
