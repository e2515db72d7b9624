"""Parameters are state: a default, a value for all, a value for one source."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest
from annotated_types import Gt, Le

from mlops_assets.errors import ConfigurationError, InternalError
from mlops_assets.lake import MEDIA
from mlops_assets.rows import HOW_IT_RUNS, How, Row, bring, expand, make_plan, table
from mlops_assets.rows.executors import ProcessExecutor, SerialExecutor
from mlops_assets.rows.explain import explain
from mlops_assets.rows.parameters import PARAMETERS, effective, set_parameters, version_of
from mlops_assets.rows.tables import ExecutorKind
from mlops_assets_tests.rows import toys


class Made(Row, key="path"):
    path: str


@table(expand(toys.notes), version="3")
def tuned(
    note: toys.Note,
    *,
    rate_hz: Annotated[float, Gt(0), Le(100), "samples a second"] = 1.0,
    preset: Literal["fast", "good"] = "good",
    name: str | None = "a",
) -> Made:
    """A table with parameters."""
    return Made(note.path)


PRODUCER = tuned.producer
DEFAULTS = {"rate_hz": 1.0, "preset": "good", "name": "a"}


def say(lake, source="*", **values):
    return set_parameters(PRODUCER, lake, values, source=source, by="ada")


def test_the_declared_default_holds_until_something_is_set(lake):
    assert effective(PRODUCER, lake, "cam") == DEFAULTS


def test_the_value_of_a_source_holds_over_the_value_for_all(lake):
    say(lake, rate_hz=5)
    say(lake, source="cam", rate_hz=7.5)
    assert effective(PRODUCER, lake, "cam")["rate_hz"] == 7.5
    assert effective(PRODUCER, lake, "other") == {**DEFAULTS, "rate_hz": 5.0}


def test_a_value_for_all_set_later_leaves_the_value_of_a_source(lake):
    say(lake, source="cam", rate_hz=7.5)
    say(lake, rate_hz=5)
    assert effective(PRODUCER, lake, "cam")["rate_hz"] == 7.5


def test_none_takes_a_value_back(lake):
    say(lake, rate_hz=5)
    say(lake, source="cam", rate_hz=7.5)
    say(lake, source="cam", rate_hz=None)
    assert effective(PRODUCER, lake, "cam")["rate_hz"] == 5.0
    say(lake, rate_hz=None)
    assert effective(PRODUCER, lake, "cam") == DEFAULTS


def test_what_holds_already_is_not_stated_again(lake):
    assert say(lake, rate_hz=5, preset="good") == {"rate_hz": 5.0}
    assert say(lake, rate_hz=5.0) == {}
    assert PARAMETERS.statements(lake).height == 1


def test_who_set_what_and_when_stays(lake):
    now = datetime(2026, 11, 20, tzinfo=UTC)
    set_parameters(PRODUCER, lake, {"preset": "fast"}, source="cam", by="ada", now=now)
    assert PARAMETERS.statements(lake).rows() == [("tuned", "preset", "cam", '"fast"', "ada", now)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rate_hz": 0}, r"tuned\.rate_hz=0: Input should be greater than 0"),
        ({"rate_hz": 101}, "less than or equal to 100"),
        ({"rate_hz": "fast"}, r"tuned\.rate_hz='fast'.*valid number"),
        ({"preset": "best"}, "'fast' or 'good'"),
        ({"speed": 1}, "has no parameter 'speed'; it has: rate_hz, preset, name"),
        ({"rate_hz": 5, "preset": "best"}, "'fast' or 'good'"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_stated(lake, values, said):
    with pytest.raises(ConfigurationError, match=said):
        say(lake, **values)
    assert PARAMETERS.statements(lake).is_empty()


def test_text_is_read_as_the_type_of_the_parameter(lake):
    assert say(lake, rate_hz="2.5") == {"rate_hz": 2.5}


def test_a_version_says_what_made_the_row():
    assert version_of(PRODUCER, DEFAULTS) == '3|{"name":"a","preset":"good","rate_hz":1.0}'


def test_a_parameter_without_default_is_refused():
    @table(expand(toys.notes), version="1")
    def unset(note: toys.Note, *, rate_hz: float) -> Made:
        return Made(note.path)

    with pytest.raises(InternalError, match="parameter rate_hz has no default"):
        _ = unset.producer.parameters


def test_a_description_is_told():
    assert PRODUCER.parameters["rate_hz"].description == "samples a second"


def test_only_the_source_concerned_becomes_due(lake, monkeypatch):
    here, there = MEDIA.of("cam", "2026-11-20"), MEDIA.of("other", "2026-11-20")
    monkeypatch.setattr(toys, "NOTES", {here.key: {"a": ("x", "")}, there.key: {"a": ("x", "")}})
    for partition in (here, there):
        bring(PRODUCER, lake, partition)
    say(lake, source="cam", rate_hz=9)
    assert make_plan(PRODUCER, lake, here).counts == {"params": 1}
    assert make_plan(PRODUCER, lake, there).is_empty
    bring(PRODUCER, lake, here)
    say(lake, source="cam", rate_hz=None)
    assert make_plan(PRODUCER, lake, here).counts == {"params": 1}


GIVEN: list[str] = []


@table(expand(toys.notes), version="1", how=How(executor=lambda values: EXECUTOR[values["engine"]]))
def solved(
    note: toys.Note,
    *,
    effort: int = 1,
    engine: Annotated[Literal["plain", "quick"], HOW_IT_RUNS, "which program"] = "plain",
) -> Made:
    """A table that two programs can fill with the same rows."""
    GIVEN.append(engine)
    return Made(note.path)


EXECUTOR: dict[str, ExecutorKind] = {"plain": "serial", "quick": "processes"}
SOLVED = solved.producer


@pytest.fixture
def note(monkeypatch):
    """One note in one partition."""
    partition = MEDIA.of("cam", "2026-11-20")
    monkeypatch.setattr(toys, "NOTES", {partition.key: {"a": ("x", "")}})
    GIVEN.clear()
    return partition


def test_how_a_function_runs_is_no_part_of_the_version():
    assert SOLVED.parameters["effort"].is_versioned
    assert not SOLVED.parameters["engine"].is_versioned
    assert SOLVED.parameters["engine"].description == "which program"
    values = {"effort": 1, "engine": "quick"}
    assert version_of(SOLVED, values) == '1|{"effort":1}'


def test_how_a_function_runs_is_set_and_given_and_makes_nothing_due(lake, note, monkeypatch):
    bring(SOLVED, lake, note)
    assert set_parameters(SOLVED, lake, {"engine": "quick"}, by="ada") == {"engine": "quick"}
    assert effective(SOLVED, lake, "cam") == {"effort": 1, "engine": "quick"}
    assert make_plan(SOLVED, lake, note).is_empty
    with pytest.raises(ConfigurationError, match="'plain' or 'quick'"):
        set_parameters(SOLVED, lake, {"engine": "slow"}, by="ada")

    set_parameters(SOLVED, lake, {"effort": 2}, by="ada")
    said = explain(solved, lake, note, "a")
    assert (said.reason, said.message) == ("params", "effort: 1 is now 2")
    monkeypatch.setitem(EXECUTOR, "quick", "serial")
    bring(SOLVED, lake, note)
    assert GIVEN == ["plain", "quick"]
    assert make_plan(SOLVED, lake, note).is_empty


def test_the_executor_may_hang_on_the_parameters():
    how = SOLVED.how
    assert how.executor_kind({"engine": "plain"}) == "serial"
    assert how.executor_kind({"engine": "quick"}) == "processes"
    assert How(executor="processes").executor_kind({}) == "processes"


def test_the_executor_is_asked_for_only_when_there_is_work(lake, note, monkeypatch):
    asked: list[str] = []

    def executor(kind: str) -> SerialExecutor | ProcessExecutor:
        asked.append(kind)
        return SerialExecutor()

    monkeypatch.setattr(sys.modules["mlops_assets.rows.bring"], "executor_for", executor)
    set_parameters(SOLVED, lake, {"engine": "quick"}, by="ada")
    for _ in range(2):
        bring(SOLVED, lake, note)
    assert asked == ["processes"]
