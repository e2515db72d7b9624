"""Bring a partition to the state its inputs imply: plan, compute, commit, record skips."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mlops_assets.errors import OrphanGuardError, PartitionMoved
from mlops_assets.lake import Lake, Partition, StagedFile, commit_partition
from mlops_assets.lake.commits import Base, stage
from mlops_assets.rows.executors import Executor, executor_for
from mlops_assets.rows.markers import find_marker, sweep_markers, write_marker
from mlops_assets.rows.parents import FILE
from mlops_assets.rows.plans import Plan, TablePlan, make_plan
from mlops_assets.rows.slices import Output, Skip, Slice
from mlops_assets.rows.slicing import CommitGroup, affordable, cut
from mlops_assets.rows.tables import SRC, VER, Producer, Table
from mlops_assets.settings import settings

_REPLANS = 8
_GUARD_FROM = 20  # below so many units a share says nothing

Progress = Callable[[int, int, float], None]
"""Called with units done, units due and seconds since the start."""


@dataclass(frozen=True)
class Options:
    """How a run goes about it; nothing here changes a row.

    Args:
        budget_units: most units this run computes; the rest stays due. A table that commits its
            partition at once computes all.
        remove_orphans: remove orphans even beyond the limit of the settings.
        metadata: written with every commit.
        progress: told after each slice.
        executor: instead of the table's own.
    """

    budget_units: int | None = None
    budget_bytes: int | None = None
    remove_orphans: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress | None = None
    executor: Executor | None = None


@dataclass
class Outcome:
    """What a run did to one partition of a producer's tables.

    Attributes:
        plan: the first plan, before any work.
        computed: units computed, by reason.
        rows: rows committed per table.
        skipped: units that gave no row, by reason code.
        removed: orphaned units removed per table.
        left: due units left for the next run (over the budget).
    """

    plan: Plan
    computed: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    left: int = 0
    seconds: float = 0.0
    size_bytes: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything was committed."""
        return bool(self.computed or self.removed)


def bring(
    producer: Producer, lake: Lake, partition: Partition, options: Options | None = None
) -> Outcome:
    """Bring one partition of a producer's tables to the state its inputs imply.

    Computes exactly the due units, removes the orphans, commits atomically. Does nothing, quickly,
    when nothing is due. Another writer of the same partition makes it plan again.

    Args:
        producer: the function and its tables.
        lake: where.
        partition: which.
        options: how.

    Raises:
        OrphanGuardError: more rows would be removed than the settings allow.
        PartitionMoved: other writers kept coming first; nothing is lost, try again.
    """
    options = options or Options()
    started = time.monotonic()
    plan = make_plan(producer, lake, partition)
    outcome = Outcome(plan)
    for _ in range(_REPLANS):
        if plan.is_empty:
            break
        try:
            _work(plan, lake, options, outcome, started)
            break
        except PartitionMoved:
            plan = make_plan(producer, lake, partition)
    else:
        raise PartitionMoved(
            f"{producer.name} {partition}: planned {_REPLANS} times, moved each time"
        )
    outcome.seconds = time.monotonic() - started
    return outcome


def _work(plan: Plan, lake: Lake, options: Options, outcome: Outcome, started: float) -> None:
    for table_plan in plan.tables.values():
        _guard(table_plan, options)
    writer = _Writer(plan, lake, options, outcome)
    writer.clear_skips()
    at_once = plan.producer.how.commit == "partition" and not plan.due.is_empty()
    if not at_once:
        writer.remove_orphans()
    due = plan.due if at_once else affordable(plan, lake, options)
    outcome.left = plan.due.height - due.height
    done = 0
    groups = cut(plan, lake, due, plan.producer.how)
    for group, outputs in _computed(groups, plan, lake, options):
        writer.commit(group, outputs)
        done += group.units.height
        if options.progress:
            options.progress(done, due.height, time.monotonic() - started)
    sweep_markers(lake, plan.producer, plan.partition)


def _guard(plan: TablePlan, options: Options) -> None:
    limit = settings().orphan_limit
    many = plan.stored_units >= _GUARD_FROM and plan.orphans.height > limit * plan.stored_units
    if many and not options.remove_orphans:
        raise OrphanGuardError(
            f"{plan.table.name}: {plan.orphans.height} of {plan.stored_units} units lost their "
            f"parent; a run removes at most {limit:.0%}. If that is right, run it with "
            "remove_orphans."
        )


def _computed(
    groups: list[CommitGroup], plan: Plan, lake: Lake, options: Options
) -> Iterator[tuple[CommitGroup, list[Output]]]:
    """Each group once all its slices are finished; finished slices are marked, and found again."""
    waiting = {id(one): group for group in groups for one in group.slices}
    finished: dict[int, list[Output]] = {id(group): [] for group in groups}
    todo: list[Slice] = []
    for group in groups:
        for one in group.slices:
            found = find_marker(lake, plan.producer, one) if len(group.slices) > 1 else None
            if found is None:
                todo.append(one)
            else:
                finished[id(group)].append(found)
        if len(finished[id(group)]) == len(group.slices):
            yield group, finished[id(group)]
    if not todo:
        return
    executor = options.executor or executor_for(plan.producer.how.executor_kind(plan.values))
    for one, output in executor.run(todo):
        group = waiting[id(one)]
        finished[id(group)].append(output)
        if len(group.slices) > 1:
            write_marker(lake, plan.producer, one, output)
        if len(finished[id(group)]) == len(group.slices):
            yield group, finished.pop(id(group))


class _Writer:
    """Commits what slices came to, remembering where each table's partition stands."""

    def __init__(self, plan: Plan, lake: Lake, options: Options, outcome: Outcome) -> None:
        self.plan, self.lake, self.options, self.outcome = plan, lake, options, outcome
        self.bases = {name: one.base for name, one in plan.tables.items()}
        self.skip_bases = {name: one.skipped_base for name, one in plan.tables.items()}
        self.stale = {name: one.stale_files for name, one in plan.tables.items()}
        self.orphans = {n: t.orphans for n, t in plan.tables.items() if t.orphans.height}

    def remove_orphans(self) -> None:
        for name in list(self.orphans):
            orphans = self.orphans.pop(name)
            told = {"mlops.orphans": orphans.height}
            self._replace(self.plan.tables[name].table, orphans, [], told)
            self.outcome.removed[name] += orphans.height

    def commit(self, group: CommitGroup, outputs: list[Output]) -> None:
        """One commit per table: new rows in, old rows and orphans left out; then the skips."""
        by = list(self.plan.producer.lineage.by)
        skips = [skip for output in outputs for skip in output.skips]
        seconds = sum(output.seconds for output in outputs)
        for table in self.plan.producer.tables:
            files = [file for output in outputs for file in output.files.get(table.name, [])]
            told = {
                "mlops.units": group.units.height,
                "mlops.seconds": round(seconds, 3),
                "mlops.bytes": sum(file.size_bytes for file in files),
                "mlops.rows": sum(file.rows for file in files),
                "mlops.version": self.plan.version,
            }
            orphans = self.orphans.pop(table.name, group.units.clear()).select(by)
            self._replace(table, pl.concat([group.units.select(by), orphans]), files, told)
            if orphans.height:
                self.outcome.removed[table.name] += orphans.height
            self.outcome.rows[table.name] += told["mlops.rows"]
            self.outcome.size_bytes += told["mlops.bytes"]
        self._record(group.units, skips)
        self.outcome.computed.update(dict(group.units.group_by("why").len().iter_rows()))
        self.outcome.skipped.update(skip.reason for skip in skips)

    def clear_skips(self) -> None:
        """Forget skipped units whose parent is gone, or that have rows by now."""
        for one in self.plan.tables.values():
            if not one.stale_skips.is_empty():
                self._rewrite_skips(one.table, one.stale_skips, [])

    def _replace(
        self, table: Table, units: pl.DataFrame, files: list[StagedFile], told: dict[str, Any]
    ) -> None:
        """Remove the stored rows of units, add files; touched files are written anew without them.

        Files found by a marker may be active already, when a run died after committing them and
        before committing another table; they stay.
        """
        by = list(self.plan.producer.lineage.by)
        again = {file.path for file in files} & self.bases[table.name].paths
        files = [file for file in files if file.path not in again]
        stale = self.stale[table.name].filter(~pl.col(FILE).is_in(again))
        touched = stale.join(units, on=by, how="semi", nulls_equal=True)[FILE].unique().to_list()
        rests = list(self._rests(table, touched, units)) if touched else []
        if not touched and not files:
            return
        added = [*files, *(rest for _, rest in rests)]
        self.bases[table.name] = self._commit(
            table.name, table.schema, self.bases[table.name], added, touched, told
        )
        self._moved(table.name, units, touched, rests)

    def _rests(
        self, table: Table, touched: list[str], units: pl.DataFrame
    ) -> Iterator[tuple[pl.DataFrame, StagedFile]]:
        """Of each touched file, what stays: its unit keys, and the file written anew."""
        by = list(self.plan.producer.lineage.by)
        snapshot = self.lake.snapshot(table.name)
        for path in touched:
            if snapshot is None:
                raise PartitionMoved(f"{table.name} is gone")
            rows = snapshot.scan_files([path], self.plan.partition)
            rest = rows.join(units.lazy(), on=by, how="anti", nulls_equal=True).collect()
            if not rest.is_empty():
                rest = rest.select(list(table.schema))
                yield (
                    rest.select(by).unique(),
                    stage(self.lake, table.name, self.plan.partition, rest),
                )

    def _moved(
        self,
        name: str,
        units: pl.DataFrame,
        touched: list[str],
        rests: list[tuple[pl.DataFrame, StagedFile]],
    ) -> None:
        """Keep `stale` true: rows that stayed now lie in other files."""
        by = list(self.plan.producer.lineage.by)
        stale = self.stale[name]
        gone = stale.filter(pl.col(FILE).is_in(touched))
        kept = [stale.filter(~pl.col(FILE).is_in(touched))]
        for keys, file in rests:
            still = gone.select(by).unique().join(keys, on=by, how="semi", nulls_equal=True)
            kept.append(still.with_columns(pl.lit(file.path).alias(FILE)))
        self.stale[name] = pl.concat(kept)

    def _record(self, units: pl.DataFrame, skips: list[Skip]) -> None:
        for table in self.plan.producer.tables:
            mine = [skip for skip in skips if not skip.tables or table.name in skip.tables]
            if mine or self.skip_bases[table.name].paths:
                self._rewrite_skips(table, units, mine)

    def _rewrite_skips(self, table: Table, units: pl.DataFrame, skips: list[Skip]) -> None:
        """The skipped units anew: without those recomputed or gone, with the new ones."""
        by = list(self.plan.producer.lineage.by)
        schema = skipped_schema(table)
        old = self.lake.scan(table.skipped_name, self.plan.partition)
        before = pl.DataFrame(schema=schema) if old is None else old.select(list(schema)).collect()
        kept = before.join(units.select(by), on=by, how="anti", nulls_equal=True)
        sources = {u[:-1]: u[-1] for u in units.select(*by, SRC).iter_rows()} if skips else {}
        rows = pl.concat([kept, _skip_rows(skips, sources, self.plan.version, schema)])
        if rows.equals(before):
            return
        base = self.skip_bases[table.name]
        added = (
            []
            if rows.is_empty()
            else [stage(self.lake, table.skipped_name, self.plan.partition, rows)]
        )
        self.skip_bases[table.name] = self._commit(
            table.skipped_name, schema, base, added, sorted(base.paths), {"mlops.rows": rows.height}
        )

    def _commit(
        self,
        name: str,
        schema: pl.Schema,
        base: Base,
        add: Iterable[StagedFile],
        remove: list[str],
        told: dict[str, Any],
    ) -> Base:
        return commit_partition(
            self.lake,
            name,
            self.plan.partition,
            base=base,
            add=list(add),
            remove=remove,
            schema=schema,
            metadata={**self.options.metadata, **told},
        )


def skipped_schema(table: Table) -> pl.Schema:
    """Columns of a table of skipped units."""
    return pl.Schema(
        {
            **table.producer.lineage.unit_schema,
            SRC: pl.Int64(),
            VER: pl.String(),
            "reason": pl.String(),
            "message": pl.String(),
            "seconds": pl.Float64(),
        }
    )


def _skip_rows(
    skips: list[Skip], sources: Mapping[tuple[Any, ...], int], version: str, schema: pl.Schema
) -> pl.DataFrame:
    rows = [
        {
            **skip.unit,
            SRC: sources[tuple(skip.unit.values())],
            VER: version,
            "reason": skip.reason,
            "message": skip.message[:1000],
            "seconds": skip.seconds,
        }
        for skip in skips
    ]
    return pl.DataFrame(rows, schema=schema)
