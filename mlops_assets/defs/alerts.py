"""Alerts: what the checks of a run found reaches people, by a webhook."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg

from mlops_assets.errors import ConfigurationError, TransientError
from mlops_assets.operations.alerting import post_alert
from mlops_assets.settings import settings

ALERTS_A_TICK = 20
_ENDS = (
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Posts the failed checks of each finished run to MLOPS_ALERT_URL, once.",
)
def alert_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One message for a run with failed checks; one that is not taken is sent again.

    It begins with the runs that end after the first look. A run is passed only when its message
    was taken: what is lost on the way comes twice rather than never, with the same `run_id`.
    """
    url = settings().alert_url
    if not url:
        return dg.SensorResult(skip_reason="MLOPS_ALERT_URL is not set", cursor="")
    if not context.cursor:
        return dg.SensorResult(skip_reason="listening from now on", cursor=_now(context.instance))
    passed: dict[str, str] = json.loads(context.cursor)
    sent, trouble = 0, ""
    try:
        for end, cursor, run_id in _ended(context.instance, passed):
            message = _message(context.instance, run_id)
            if message is not None:
                post_alert(url, message)
                sent += 1
            passed[end] = cursor
    except (ConfigurationError, TransientError) as err:
        trouble = f"; {err}"
    return dg.SensorResult(skip_reason=f"{sent} alerts{trouble}", cursor=json.dumps(passed))


def _now(instance: dg.DagsterInstance) -> str:
    latest = {end: instance.fetch_run_status_changes(end, limit=1).cursor for end in _ENDS}
    return json.dumps({end.name: cursor for end, cursor in latest.items()})


def _ended(instance: dg.DagsterInstance, passed: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """The runs that ended, how, and the cursor behind each; those of one kind in order."""
    left = ALERTS_A_TICK
    for end in _ENDS:
        cursor = passed[end.name]
        while left:
            found = instance.fetch_run_status_changes(end, limit=1, cursor=cursor, ascending=True)
            if not found.records:
                break
            cursor, left = found.cursor, left - 1
            yield end.name, cursor, found.records[0].run_id


def _message(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any] | None:
    """What is posted of a run; None when no check failed."""
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    records = instance.get_records_for_run(run_id, of_type=kind).records
    told = [one.event_log_entry.asset_check_evaluation for one in records]
    failed = [_failed(one) for one in told if one is not None and not one.passed]
    if not failed:
        return None
    lines = [f"{one['table']} {one['partition']}: {one['check']} failed" for one in failed]
    return {"run_id": run_id, "text": "\n".join(lines), "failed_checks": failed}


def _failed(evaluation: dg.AssetCheckEvaluation) -> dict[str, Any]:
    metadata = {name: value.value for name, value in evaluation.metadata.items()}
    return {
        "table": evaluation.asset_key.to_user_string(),
        "check": evaluation.check_name,
        "severity": evaluation.severity.value,
        "partition": str(metadata.get("partition", "")),
        "offending_rows": metadata.get("offending_rows"),
    }
