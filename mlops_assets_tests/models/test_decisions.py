from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlops_assets.models import (
    ClassScore,
    Evaluation,
    LoopState,
    RetrainingRules,
    decide_promotion,
    decide_retraining,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _scores(accuracy: float, *, count: int = 50, recall: float | None = None) -> Evaluation:
    recall = accuracy if recall is None else recall
    return Evaluation(
        accuracy=accuracy,
        item_accuracy=accuracy,
        macro_f1=accuracy,
        log_loss=1 - accuracy,
        majority_share=0.5,
        classes=("cat", "dog"),
        confusion=((0, 0), (0, 0)),
        per_class=(ClassScore("cat", accuracy, recall, accuracy, count // 2),),
        count=count,
        item_count=count,
    )


@pytest.mark.parametrize(
    ("challenger", "champion", "promote", "reason"),
    [
        (_scores(0.9), None, True, "first model: accuracy 0.900 on 50 media beats"),
        (_scores(0.52), None, False, "always saying the most frequent class gives 0.500"),
        (_scores(float("nan")), None, False, "is needed"),
        (_scores(0.9, count=4), None, False, "evaluated on 4 media only"),
        (_scores(0.9), _scores(0.8), True, "0.900, champion 0.800"),
        (_scores(0.8), _scores(0.8), False, "not better"),
        (_scores(0.7), _scores(0.8), False, "champion has 0.800, tolerance is 0.020"),
        (_scores(0.9, count=40), _scores(0.8), False, "must be the same"),
        (_scores(0.9, recall=0.4), _scores(0.8), False, "class 'cat' falls from a recall of 0.800"),
        (_scores(0.52), _scores(0.3), False, "most frequent class"),
    ],
)
def test_a_challenger_is_promoted_when_it_is_better_and_the_reason_says_so(
    challenger: Evaluation, champion: Evaluation | None, promote: bool, reason: str
) -> None:
    decision = decide_promotion(challenger, champion)
    assert decision.promote is promote
    assert reason in decision.reason


@pytest.mark.parametrize(
    ("recent", "recent_champion", "promote", "reason"),
    [
        (_scores(0.9), _scores(0.6), True, "recent media 0.900, champion 0.600: better"),
        (_scores(0.6), _scores(0.6), False, "not better"),
        (_scores(0.9, count=3), _scores(0.6, count=3), False, "held-out"),
        (_scores(0.9, count=49), _scores(0.6), False, "must be the same"),
    ],
)
def test_recent_media_decide_between_two_that_are_as_good_on_held_out_ones(
    recent: Evaluation, recent_champion: Evaluation, promote: bool, reason: str
) -> None:
    decision = decide_promotion(
        _scores(0.79),
        _scores(0.80),
        recent_challenger=recent,
        recent_champion=recent_champion,
    )
    assert decision.promote is promote
    assert reason in decision.reason


READY = LoopState(labelled_media=40, media_per_class={"cat": 20, "dog": 20})
TRAINED = replace(READY, champion_version="3", last_training_at=NOW - 24 * HOUR)


@pytest.mark.parametrize(
    ("state", "train", "cause", "reason"),
    [
        (READY, True, "first", "no model yet"),
        (replace(READY, labelled_media=19), False, "none", "19 labelled media; 20 are needed"),
        (replace(READY, media_per_class={"cat": 38, "dog": 2}), False, "none", "(cat); 2 are"),
        (TRAINED, False, "none", "model 3 is up to date"),
        (replace(TRAINED, drifted=("flow",)), True, "drift", "not yet answered: flow"),
        (replace(TRAINED, labels_since_training=20), True, "labels", "20 new labels"),
        (replace(TRAINED, labels_since_training=19), False, "none", "19 new labels of 20"),
        (replace(TRAINED, champion_version=None), False, "none", "no promoted model"),
        (
            replace(TRAINED, drifted=("flow",), last_training_at=NOW - HOUR),
            False,
            "drift",
            "cooling down until 2026-11-20T17:00",
        ),
    ],
)
def test_training_is_decided_from_labels_drift_and_the_cool_down(
    state: LoopState, train: bool, cause: str, reason: str
) -> None:
    decision = decide_retraining(state, now=NOW)
    assert (decision.train, decision.cause) == (train, cause)
    assert reason in decision.reason


def test_the_cool_down_ends_when_it_says() -> None:
    state = replace(TRAINED, drifted=("flow",), last_training_at=NOW)
    waiting = decide_retraining(state, now=NOW, rules=RetrainingRules(cool_down=2 * HOUR))
    assert waiting.not_before == NOW + 2 * HOUR
    after = decide_retraining(state, now=NOW + 2 * HOUR, rules=RetrainingRules(cool_down=2 * HOUR))
    assert after.train
