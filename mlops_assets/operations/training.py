"""The loop: is it time to train, what is open, which version do the aliases name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from mlops_assets.datasets import (
    MODEL,
    REQUESTS,
    ask_for_training,
    champions,
    labelled_per_class,
)
from mlops_assets.lake import Lake
from mlops_assets.landing import desired_digests
from mlops_assets.models import LoopState, RetrainingRules, decide_retraining
from mlops_assets.operations.behind import behind_partitions
from mlops_assets.settings import settings
from mlops_assets.tables.drift_verdicts import drift_verdicts
from mlops_assets.tables.models import model_registry, models
from mlops_assets.tables.snapshots import snapshots

PATIENCE = timedelta(hours=1)


@dataclass(frozen=True)
class LoopDecision:
    """What the loop does next.

    Attributes:
        request_id: of the training to run now; None when there is none.
        reason: for people.
    """

    request_id: str | None
    reason: str


def decide_loop(
    lake: Lake,
    model: str,
    *,
    now: datetime,
    by: str,
    is_given_up: Callable[[Mapping[str, Any]], bool] = lambda row: False,
) -> LoopDecision:
    """Decide whether a training should run now, and state the request if it is new.

    An open request is answered first, the latest of several: one training answers all. Otherwise
    the loop waits until no partition has work left, so that a training sees all that has landed,
    and then follows `models.decide_retraining`.

    Args:
        lake: where.
        model: name of the model.
        now: the time.
        by: who asks, for the request.
        is_given_up: whether a row of `behind_partitions` is not worth waiting for.
    """
    waiting = open_requests(lake, model)
    if waiting:
        return LoopDecision(waiting[-1], f"request {waiting[-1]} is open")
    behind = behind_partitions(lake).filter(pl.col("is_behind"))
    if not all(is_given_up(row) for row in behind.iter_rows(named=True)):
        return LoopDecision(None, f"{behind.height} partitions have work left")
    chosen = settings()
    rules = RetrainingRules(
        min_labelled_media=chosen.min_labelled, cool_down=timedelta(seconds=chosen.cool_down_s)
    )
    decision = decide_retraining(loop_state(lake, model), now=now, rules=rules)
    if not decision.train:
        return LoopDecision(None, decision.reason)
    request = ask_for_training(
        lake, model, cause=decision.cause, reason=decision.reason, by=by, now=now
    )
    return LoopDecision(request, decision.reason)


def open_requests(lake: Lake, model: str) -> list[str]:
    """Requests that no trained model, and no skipped training, answers yet; oldest first."""
    asked = REQUESTS.latest(lake).filter(pl.col("model") == model)["request_id"].to_list()
    answered: set[str] = set()
    for name in ("models", "models__skipped", "snapshots__skipped"):
        rows = lake.scan(name, MODEL.of(model))
        if rows is not None:
            answered |= set(rows.select("request_id").collect()["request_id"])
    return [request for request in asked if request not in answered]


def loop_state(lake: Lake, model: str) -> LoopState:
    """Where the loop stands: labels, the last training, drift that no training answered."""
    per_class = labelled_per_class(lake, settings().train_on)
    trained = _trainings(lake, model)
    known = champions(lake, model)
    last = trained.sort("decided_at").tail(1)
    drifted = _drifted(lake, since=last["asked_at"][0] if last.height else None)
    learned = set(trained["partitions"].explode().drop_nulls()) if trained.height else set()
    return LoopState(
        labelled_media=sum(per_class.values()),
        media_per_class=per_class,
        champion_version=str(known[-1].version) if known else None,
        labels_since_training=sum(per_class.values())
        - (last["media_count"][0] if last.height else 0),
        drifted=tuple(sorted(drifted - learned)),
        last_training_at=last["decided_at"][0] if last.height else None,
    )


def _drifted(lake: Lake, *, since: datetime | None) -> set[str]:
    """Partitions with drift in which something landed since a time.

    What had landed when the last training was asked for is answered by it, whether or not it was
    labelled: the same data give the same model.
    """
    landed = desired_digests(lake).filter(pl.col("latest_at") > since if since else True)
    verdicts = drift_verdicts.rows(lake).filter(pl.col("severity") == "drift")
    fresh = verdicts.join(landed.lazy(), on=["source", "day"], how="semi")
    return set(fresh.select("partition").unique().collect()["partition"])


def _trainings(lake: Lake, model: str) -> pl.DataFrame:
    partition = MODEL.of(model)
    made = models.rows(lake, partition).select("request_id", "decided_at", "version")
    columns = ("request_id", "partitions", "media_count", "asked_at")
    of = snapshots.rows(lake, partition).select(columns)
    return made.join(of, on="request_id").collect()


def point_aliases(lake: Lake, model: str) -> str | None:
    """Let MLflow's aliases name what the table says: the champion, and the latest as challenger.

    Returns:
        The champion's name; None when there is none.
    """
    registry = model_registry()
    known = champions(lake, model)
    versions = models.rows(lake, MODEL.of(model)).select("version").collect()["version"]
    if len(versions):
        registry.set_alias(model, "challenger", int(versions.max()))  # pyright: ignore[reportArgumentType]
    if known:
        registry.set_alias(model, "champion", known[-1].version)
    return known[-1].name if known else None
