from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest

from mlops_assets.errors import InternalError
from mlops_assets.lake import MEDIA, Lake, Partition
from mlops_assets.rows import How, Origin, Row, bring, expand, slicing, table
from mlops_assets.rows.bring import Options
from mlops_assets.rows.parameters import EVERY, effective, set_parameters
from mlops_assets.rows.plans import make_plan
from mlops_assets.rows.slicing import affordable, cut

PLACE = MEDIA.parse("a@2026-11-20")


class Thing(Row, key="thing_id"):
    thing_id: str
    size_bytes: int


class Part(Row, key="part_id"):
    part_id: str
    thing_id: str
    note: str


def _things(lake: Lake, partition: Partition) -> pl.DataFrame:
    return Thing.frame([Thing(f"t{place}", 400 << 20) for place in range(6)])


things = Origin("things", Thing, _things)


@table(expand(things), version="1")
def twins(thing: Thing) -> Iterator[Part]:
    """Yields one key twice."""
    yield Part("same", thing.thing_id, "")
    yield Part("same", thing.thing_id, "")


@table(expand(things), version="1")
def blanks(thing: Thing) -> Iterator[Part]:
    """Yields nothing where a text is required."""
    yield Part(thing.thing_id, thing.thing_id, None)  # pyright: ignore[reportArgumentType]


@table(expand(things), version="1", how=How(weigh_by="size_bytes", slice_units=100))
def heavies(thing: Thing, *, scale: float = 1) -> Iterator[Part]:
    """One part of each thing."""
    yield Part(thing.thing_id, thing.thing_id, str(scale))


def test_a_key_yielded_twice_stops_the_run(lake: Lake):
    with pytest.raises(InternalError, match="twice"):
        bring(twins.producer, lake, PLACE)
    assert twins.rows(lake, PLACE).collect().is_empty()


def test_a_missing_required_value_stops_the_run(lake: Lake):
    with pytest.raises(InternalError, match="no value for note"):
        bring(blanks.producer, lake, PLACE)


def test_slices_are_bounded_by_bytes_of_what_they_read(lake: Lake):
    plan = make_plan(heavies.producer, lake, PLACE)
    groups = cut(plan, lake, plan.due, heavies.producer.how)
    assert [group.units.height for group in groups] == [2, 2, 2], "two of 400 MB fit in 1 GB"


def test_work_worth_it_is_spread_over_the_workers(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    plan = make_plan(heavies.producer, lake, PLACE)
    spread = replace(heavies.producer.how, executor="processes")
    monkeypatch.setattr(slicing, "worker_count", lambda: 4)
    assert [g.units.height for g in cut(plan, lake, plan.due, spread)] == [2, 2, 2]
    monkeypatch.setattr(slicing, "worker_count", lambda: 6)
    assert [g.units.height for g in cut(plan, lake, plan.due, spread)] == [1] * 6
    monkeypatch.setattr(slicing, "_SHARE_BYTES", 1 << 40)
    assert [g.units.height for g in cut(plan, lake, plan.due, spread)] == [2, 2, 2], "too little"


def test_units_whose_weight_nobody_says_are_spread_by_their_number(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
):
    spread = How(executor="processes", slice_units=64)
    monkeypatch.setattr(twins.producer, "how", spread)
    plan = make_plan(twins.producer, lake, PLACE)
    monkeypatch.setattr(slicing, "worker_count", lambda: 3)
    many = [plan.due.with_columns(thing_id=pl.lit(f"{n}-") + pl.col("thing_id")) for n in range(16)]
    assert [g.units.height for g in cut(plan, lake, pl.concat(many), spread)] == [32] * 3
    assert [g.units.height for g in cut(plan, lake, plan.due, spread)] == [6], "too few"


def test_a_run_takes_on_what_its_budget_allows_and_at_least_one_unit(lake: Lake):
    plan = make_plan(heavies.producer, lake, PLACE)
    assert affordable(plan, lake, Options(budget_bytes=1)).height == 1
    assert affordable(plan, lake, Options(budget_bytes=(400 << 20) + 1)).height == 2
    assert affordable(plan, lake, Options(budget_units=3, budget_bytes=1 << 40)).height == 3
    outcome = bring(heavies.producer, lake, PLACE, Options(budget_bytes=1))
    assert (outcome.computed["new"], outcome.left) == (1, 5)


def test_an_integer_default_of_a_float_parameter_is_the_same_value(lake: Lake):
    bring(heavies.producer, lake, PLACE)
    set_parameters(heavies.producer, lake, {"scale": 1.0}, by="me", source="a")
    assert make_plan(heavies.producer, lake, PLACE).is_empty


def test_a_value_set_for_a_source_stays_when_that_of_all_changes(lake: Lake):
    set_parameters(heavies.producer, lake, {"scale": 2.0}, by="me")
    assert set_parameters(heavies.producer, lake, {"scale": 2.0}, by="me", source="a")
    set_parameters(heavies.producer, lake, {"scale": 3.0}, by="me", source=EVERY)
    assert effective(heavies.producer, lake, "a") == {"scale": 2.0}
    assert effective(heavies.producer, lake, "b") == {"scale": 3.0}
    assert not set_parameters(heavies.producer, lake, {"scale": 2.0}, by="me", source="a")
