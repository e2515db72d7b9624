"""Is it time to train again? A pure decision with a reason for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Cause = Literal["first", "drift", "labels", "none"]


@dataclass(frozen=True)
class LoopState:
    """Where the loop stands.

    Args:
        labelled_media: media with a gold label.
        media_per_class: labelled media by class.
        champion_version: the model in use; None if there is none.
        labels_since_training: media whose gold label is new or changed since the last training,
            whether or not its model was promoted.
        drifted: features or partitions whose drift no training has answered yet.
        last_training_at: when the last training ended, with a time zone; None if there was none.
    """

    labelled_media: int
    media_per_class: Mapping[str, int]
    champion_version: str | None = None
    labels_since_training: int = 0
    drifted: tuple[str, ...] = ()
    last_training_at: datetime | None = None


@dataclass(frozen=True)
class RetrainingRules:
    """When to train.

    Args:
        min_labelled_media: below it nothing is trained.
        min_classes: classes needed.
        min_per_class: labelled media a class needs to count as one.
        cool_down: time between trainings.
        min_new_labels: new or changed labels that are worth a training.
        min_drifted: drifted features or partitions that are worth one.
    """

    min_labelled_media: int = 20
    min_classes: int = 2
    min_per_class: int = 3
    cool_down: timedelta = timedelta(hours=6)
    min_new_labels: int = 20
    min_drifted: int = 1


@dataclass(frozen=True)
class RetrainingDecision:
    """A decision, its reason, and what caused it.

    Args:
        train: whether to train now.
        reason: one sentence with the numbers.
        cause: what the training answers; `none` if there is nothing to answer.
        not_before: when to ask again, if only the cool-down stands in the way; else None.
    """

    train: bool
    reason: str
    cause: Cause = "none"
    not_before: datetime | None = None


def decide_retraining(
    state: LoopState, *, now: datetime, rules: RetrainingRules | None = None
) -> RetrainingDecision:
    """Decide whether to train a challenger now.

    There must be enough labelled media in enough classes. Then the first training, drift that no
    training answered, or enough new labels are causes, in this order; the cool-down holds any of
    them back. A training whose model was not promoted is an answer too: the same data give the same
    model, so nothing happens until there are new labels or new drift.

    Args:
        state: where the loop stands.
        now: the present, with a time zone.
        rules: the defaults of `RetrainingRules` if None.
    """
    rules = rules or RetrainingRules()
    shortage = _shortage(state, rules)
    if shortage is not None:
        return RetrainingDecision(False, shortage)
    cause, reason = _cause(state, rules)
    if cause == "none" or state.last_training_at is None:
        return RetrainingDecision(cause != "none", reason, cause)
    ready = state.last_training_at + rules.cool_down
    if now < ready:
        wait = f"{reason}; cooling down until {ready.isoformat(timespec='minutes')}"
        return RetrainingDecision(False, wait, cause, ready)
    return RetrainingDecision(True, reason, cause)


def _shortage(state: LoopState, rules: RetrainingRules) -> str | None:
    """What is missing for any training, or None."""
    if state.labelled_media < rules.min_labelled_media:
        return f"{state.labelled_media} labelled media; {rules.min_labelled_media} are needed"
    big = sorted(
        name for name, count in state.media_per_class.items() if count >= rules.min_per_class
    )
    if len(big) < rules.min_classes:
        return (
            f"{len(big)} classes have {rules.min_per_class} labelled media or more "
            f"({', '.join(big)}); {rules.min_classes} are needed"
        )
    return None


def _cause(state: LoopState, rules: RetrainingRules) -> tuple[Cause, str]:
    if state.champion_version is None and state.last_training_at is None:
        return "first", f"no model yet, and {state.labelled_media} labelled media"
    if len(state.drifted) >= rules.min_drifted:
        named = ", ".join(sorted(state.drifted)[:5])
        more = f" and {len(state.drifted) - 5} more" if len(state.drifted) > 5 else ""
        return "drift", f"drift not yet answered: {named}{more}"
    if state.labels_since_training >= rules.min_new_labels:
        return "labels", f"{state.labels_since_training} new labels since the last training"
    model = f"model {state.champion_version}" if state.champion_version else "no promoted model"
    return "none", (
        f"{model} is up to date: {state.labels_since_training} new labels of "
        f"{rules.min_new_labels}, {len(state.drifted)} drifted of {rules.min_drifted}"
    )
