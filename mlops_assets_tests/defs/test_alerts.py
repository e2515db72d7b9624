"""Failed checks reach people: each run once, again if it was not taken, nothing when off."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from mlops_assets.defs.alerts import ALERTS_A_TICK, alert_sensor
from mlops_assets.settings import settings
from mlops_assets_tests.operations.webhook import Webhook, serve_webhook

QUIET, LOUD = "none", "both"


@dg.asset(check_specs=[dg.AssetCheckSpec(name, asset="rows") for name in ("few", "usual")])
def rows(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """An asset two of whose checks fail when it is told so; then it may fail itself."""
    asked = context.run.tags["checks"]
    results = [
        dg.AssetCheckResult(
            asset_key="rows",
            check_name=name,
            passed=asked != LOUD,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"partition": "gate|2026-11-20", "offending_rows": 7},
        )
        for name in ("few", "usual")
    ]
    return dg.MaterializeResult(check_results=results)


@dg.asset(deps=[rows])
def after(context: dg.AssetExecutionContext) -> None:
    """Fails when it is told so."""
    if "fails" in context.run.tags:
        raise dg.Failure("as asked")


class Desk:
    """An instance, the sensor's cursor, and where alerts arrive."""

    def __init__(self, instance: dg.DagsterInstance, hook: Webhook) -> None:
        self.instance, self.hook = instance, hook
        self.cursor: str | None = None

    def run(self, checks: str, **tags: str) -> str:
        """A run whose checks come out as asked."""
        told = {"checks": checks, **tags}
        done = dg.materialize(
            [rows, after], instance=self.instance, tags=told, raise_on_error=False
        )
        return done.run_id

    def tick(self) -> str:
        """One look of the sensor; what it says."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        with context:
            told = alert_sensor(context)
        assert isinstance(told, dg.SensorResult)
        self.cursor = told.cursor
        assert told.skip_reason is not None
        return str(told.skip_reason.skip_message)

    @property
    def taken(self) -> list[str]:
        """The runs that people have heard of, in order."""
        return [message["run_id"] for message in self.hook.taken]


@pytest.fixture(params=["in memory", "on disk"])
def instance(request, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    if request.param == "in memory":
        with dg.DagsterInstance.ephemeral() as made:
            yield made
    else:
        with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
            yield made


@pytest.fixture
def desk(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with serve_webhook() as hook:
        monkeypatch.setenv("MLOPS_ALERT_URL", hook.url)
        settings.cache_clear()
        yield Desk(instance, hook)
    settings.cache_clear()


def test_each_run_with_failed_checks_is_told_once(desk: Desk):
    desk.run(LOUD)  # before anybody listened
    desk.tick()
    first, quiet, failed = desk.run(LOUD), desk.run(QUIET), desk.run(LOUD, fails="yes")
    assert desk.tick() == "2 alerts"
    assert (desk.taken, quiet in desk.taken) == ([first, failed], False)
    assert desk.tick() == "0 alerts"
    assert desk.taken == [first, failed]


def test_a_message_says_what_failed_where_and_how_badly(desk: Desk):
    desk.tick()
    run_id = desk.run(LOUD)
    desk.tick()
    about = {"table": "rows", "severity": "WARN", "partition": "gate|2026-11-20"}
    lines = [f"rows gate|2026-11-20: {name} failed" for name in ("few", "usual")]
    assert desk.hook.taken == [
        {
            "run_id": run_id,
            "text": "\n".join(lines),
            "failed_checks": [
                {**about, "check": name, "offending_rows": 7} for name in ("few", "usual")
            ],
        }
    ]


def test_what_was_not_taken_is_sent_again_and_in_order(desk: Desk):
    desk.tick()
    runs = [desk.run(LOUD)]
    assert desk.tick() == "1 alerts"
    desk.hook.status = 503
    runs += [desk.run(LOUD), desk.run(LOUD)]
    assert "503" in desk.tick()
    assert "503" in desk.tick()
    desk.hook.status = 200
    assert desk.tick() == "2 alerts"
    assert desk.taken == runs


def test_nothing_is_told_while_it_is_off(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.tick()
    monkeypatch.setenv("MLOPS_ALERT_URL", "")
    settings.cache_clear()
    desk.run(LOUD)
    assert desk.tick() == "MLOPS_ALERT_URL is not set"
    monkeypatch.setenv("MLOPS_ALERT_URL", desk.hook.url)
    settings.cache_clear()
    desk.tick()
    assert desk.tick() == "0 alerts"
    assert desk.taken == []


def test_a_look_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    assert ALERTS_A_TICK > 1
    monkeypatch.setattr("mlops_assets.defs.alerts.ALERTS_A_TICK", 2)
    desk.tick()
    runs = [desk.run(LOUD) for _ in range(3)]
    desk.tick()
    assert desk.taken == runs[:2]
    desk.tick()
    assert desk.taken == runs
