"""Any history of a lake ends in what a fresh lake would hold, and computes only what is due."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mlops_assets.lake import MEDIA, Lake
from mlops_assets.lake.commits import base_of, commit_partition
from mlops_assets.lake.maintenance import compact_partition, vacuum_table
from mlops_assets.rows import Options, Producer, Table, bring, make_plan
from mlops_assets.rows.parameters import current_versions, effective, set_parameters
from mlops_assets_tests.rows import toys
from mlops_assets_tests.rows.crashes import POINTS, crash_at
from mlops_assets_tests.rows.model import Expected, expected

PARTITIONS = (MEDIA.of("cam 1", "2026-11-20"), MEDIA.of("cam-2", "2026-11-21"))
PRODUCERS = tuple(one.producer for one in toys.ALL)
TABLES = tuple(table for producer in PRODUCERS for table in producer.tables)
PARTS = ("one", "two", "3", "four five", "", "6 7", "poison", "fail half way", "bad", "é 日本")

texts = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("\n".join)
paths = st.sampled_from(["a", "b c", "d", "e/f", "g", "h", "i"])
partitions = st.sampled_from(PARTITIONS)
producers = st.sampled_from(PRODUCERS)


@dataclass
class Held:
    """What one producer's partition was last brought to: unit to its input and version."""

    units: dict[str, tuple[Any, str]] = field(default_factory=dict)
    certain: bool = True


class Histories(RuleBasedStateMachine):
    """Random histories of two partitions, checked after every run against plain Python."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="histories-")
        self.lake = Lake.at(self.folder.name + "/lake")
        self.versions = {p.name: (p.version, p.accepts) for p in PRODUCERS}
        self.notes = {p.key: {} for p in PARTITIONS}
        self.held = {(p.key, one.name): Held() for p in PARTITIONS for one in PRODUCERS}
        self.quarantined: dict[str, dict[str, tuple[str, str]]] = {p.key: {} for p in PARTITIONS}
        self.bumps = 0
        toys.NOTES.clear()
        toys.NOTES.update(self.notes)

    @initialize(landed=st.dictionaries(paths, texts, min_size=2, max_size=5))
    def the_first_files_land(self, landed: dict[str, str]) -> None:
        for partition in PARTITIONS:
            self.notes[partition.key].update({path: (text, "") for path, text in landed.items()})

    @rule(partition=partitions, path=paths, text=texts)
    def land_or_replace(self, partition, path, text) -> None:
        self.notes[partition.key][path] = (text, "")

    @rule(partition=partitions, caption=st.sampled_from(["", "sunny", "rain"]))
    def change_only_captions(self, partition, caption) -> None:
        notes = self.notes[partition.key]
        notes.update({path: (text, caption) for path, (text, _) in notes.items()})

    @rule(partition=partitions, path=paths)
    def quarantine(self, partition, path) -> None:
        notes = self.notes[partition.key]
        if path in notes:
            self.quarantined[partition.key][path] = notes.pop(path)

    @rule(partition=partitions)
    def release(self, partition) -> None:
        self.notes[partition.key].update(self.quarantined[partition.key])
        self.quarantined[partition.key].clear()

    @rule(partition=partitions, path=paths)
    def corrupt(self, partition, path) -> None:
        if path in self.notes[partition.key]:
            self.notes[partition.key][path] = ("bad bytes", "")

    @rule(producer=producers, accept=st.booleans())
    def change_the_code(self, producer: Producer, accept: bool) -> None:
        self.bumps += 1
        accepts = (*producer.accepts, producer.version) if accept else ()
        producer.accepts, producer.version = accepts, f"9.{self.bumps}"

    @rule(
        source=st.sampled_from(["*", *(p.values[0] for p in PARTITIONS)]),
        shout=st.sampled_from([True, False, None]),
        repeat=st.sampled_from([1, 2, None]),
    )
    def set_parameters(self, source, shout, repeat) -> None:
        values = {"shout": shout, "repeat": repeat}
        set_parameters(toys.lines.producer, self.lake, values, source=source, by="test")

    @rule(partition=partitions, count=st.integers(1, 6), point=st.sampled_from(POINTS))
    def crash(self, partition, point, count) -> None:
        self.doubt(partition)
        with crash_at(point, count):
            for producer in PRODUCERS:
                bring(producer, self.lake, partition)

    @rule(partition=partitions, table=st.sampled_from(TABLES))
    def compact(self, partition, table: Table) -> None:
        before = table.rows(self.lake, partition).collect()
        compact_partition(self.lake, table.name, partition, at_least=2)
        assert_same_rows(table.rows(self.lake, partition).collect(), before)

    @rule(table=st.sampled_from(TABLES))
    def vacuum(self, table: Table) -> None:
        vacuum_table(self.lake, table.name, retention_hours=0)

    @rule(partition=partitions, producer=producers)
    def erase_a_file(self, partition, producer: Producer) -> None:
        """Somebody removes rows by hand; the next run of the table makes them again."""
        table = producer.tables[0]
        snapshot = self.lake.snapshot(table.name)
        base = base_of(snapshot, partition)
        if snapshot is None or not base.paths:
            return
        path = sorted(base.paths)[0]
        options = {"add": [], "remove": [path], "schema": table.schema}
        gone = snapshot.scan_files([path], partition).select(producer.lineage.by).collect()
        commit_partition(self.lake, table.name, partition, base=base, **options)
        for (unit,) in gone.iter_rows():
            self.held[partition.key, producer.name].units.pop(unit, None)

    @rule(partition=partitions)
    def run_within_a_budget(self, partition) -> None:
        for _ in range(20):
            left = [
                bring(producer, self.lake, partition, Options(budget_units=2)).left
                for producer in PRODUCERS
            ]
            if not any(left):
                break
        self.trust(partition)
        self.run(partition)

    @rule(partition=partitions)
    def run(self, partition) -> None:
        truth, current = self.truth(partition)
        for producer in PRODUCERS:
            due = self.due(partition.key, producer, truth[producer.name], current[producer.name])
            toys.CALLS.clear()
            outcome = bring(producer, self.lake, partition)
            self.assert_computed(partition.key, producer, due, Counter(toys.CALLS))
            assert not outcome.left
            for table in producer.tables:
                self.assert_exact(table, partition, truth[table.name], current[producer.name])
            assert make_plan(producer, self.lake, partition).is_empty
        self.trust(partition)

    @precondition(lambda self: self.fresh_after_every_run)
    @rule(partition=partitions)
    def run_and_compare(self, partition) -> None:
        self.run(partition)
        self.assert_as_fresh(partition)

    fresh_after_every_run = False

    def teardown(self) -> None:
        try:
            for partition in PARTITIONS:
                self.run(partition)
                self.assert_as_fresh(partition)
        finally:
            for producer in PRODUCERS:
                producer.version, producer.accepts = self.versions[producer.name]
            toys.NOTES.clear()
            self.folder.cleanup()

    # what should be

    def truth(self, partition) -> tuple[dict[str, Expected], dict[str, list[str]]]:
        source = partition.values[0]
        values = {p.name: effective(p, self.lake, source) for p in PRODUCERS}
        current = {p.name: current_versions(p, values[p.name]) for p in PRODUCERS}
        return expected(partition.key, self.notes[partition.key], values["lines"]), current

    def due(self, key: str, producer: Producer, truth: Expected, current: list[str]) -> set[str]:
        held = self.held[key, producer.name].units
        return {
            unit
            for unit, given in truth.inputs.items()
            if unit not in held or held[unit][0] != given or held[unit][1] not in current
        }

    def trust(self, partition) -> None:
        """Everything is up to date: rows keep the version under which they count as current."""
        truth, current = self.truth(partition)
        for producer in PRODUCERS:
            held = self.held[partition.key, producer.name]
            now = truth[producer.name].inputs
            due = self.due(partition.key, producer, truth[producer.name], current[producer.name])
            fresh = {unit: (now[unit], current[producer.name][0]) for unit in due}
            kept = {unit: held.units[unit] for unit in now if unit not in due}
            held.units, held.certain = {**kept, **fresh}, True

    def doubt(self, partition) -> None:
        """A crash is coming: what is due or gone now may or may not be done afterwards."""
        truth, current = self.truth(partition)
        for producer in PRODUCERS:
            one = truth[producer.name]
            due = self.due(partition.key, producer, one, current[producer.name])
            held = self.held[partition.key, producer.name]
            held.units = {u: h for u, h in held.units.items() if u in one.inputs and u not in due}
            held.certain = False

    # what is

    def assert_computed(
        self, key: str, producer: Producer, due: set[str], calls: Counter[str]
    ) -> None:
        called = {name.split(":", 1)[1] for name in calls}
        held = self.held[key, producer.name]
        assert called <= due if not held.certain else called == due
        if producer.name != "lengths":  # a poisoned batch is tried again in halves
            assert set(calls.values()) <= {1}

    def assert_exact(self, table: Table, partition, truth: Expected, current: list[str]) -> None:
        stored = table.rows(self.lake, partition).collect()
        assert sorted(stored.select(list(table.row.columns())).iter_rows()) == truth.all_rows
        assert set(stored["_ver"]) <= set(current)
        skipped = self.lake.scan(table.skipped_name, partition)
        by = table.producer.lineage.by
        found = {} if skipped is None else dict(skipped.select(*by, "reason").collect().iter_rows())
        assert found == truth.skips

    def assert_as_fresh(self, partition) -> None:
        """`_src`, `_fp` and the declared columns are those of a lake that never had a history."""
        with tempfile.TemporaryDirectory(prefix="fresh-") as folder:
            fresh = Lake.at(folder)
            values = effective(toys.lines.producer, self.lake, partition.values[0])
            set_parameters(toys.lines.producer, fresh, values, by="test")
            for producer in PRODUCERS:
                bring(producer, fresh, partition)
                for table in producer.tables:
                    mine, theirs = (table.rows(x, partition).collect() for x in (self.lake, fresh))
                    assert_same_rows(mine.drop("_ver"), theirs.drop("_ver"))


class HistoriesComparedOften(Histories):
    """As `Histories`, with a lake made from scratch beside every second run."""

    fresh_after_every_run = True


def assert_same_rows(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert sorted(one.iter_rows()) == sorted(other.select(one.columns).iter_rows())


def _run(machine: type[Histories], examples: int, steps: int) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(machine, settings=chosen)


def test_any_history_ends_in_what_a_fresh_lake_holds_and_computes_only_what_is_due():
    _run(Histories, examples=6, steps=10)


@pytest.mark.slow
def test_many_long_histories_end_in_what_a_fresh_lake_holds():
    _run(HistoriesComparedOften, examples=100, steps=30)
