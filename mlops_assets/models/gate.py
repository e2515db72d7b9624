"""Does a challenger take the champion's place? A pure decision with a reason for people."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_assets.models.evaluate import ClassScore, Evaluation


@dataclass(frozen=True)
class GateRules:
    """What a challenger has to show.

    Args:
        min_count: media it must have been evaluated on.
        baseline_margin: accuracy above always saying the most frequent class.
        tolerance: how much lower its accuracy on held-out media may be than the champion's.
        min_gain: how much better it must be where it counts: accuracy on recent media if they were
            evaluated, else accuracy or macro F1 on held-out media.
        max_recall_drop: how much a class may lose of its recall.
        min_class_count: classes with fewer held-out media are not judged by their recall.
        min_recent_count: recent media needed for them to count.
    """

    min_count: int = 5
    baseline_margin: float = 0.05
    tolerance: float = 0.02
    min_gain: float = 0.0
    max_recall_drop: float = 0.25
    min_class_count: int = 5
    min_recent_count: int = 5


@dataclass(frozen=True)
class Promotion:
    """A decision and its reason, one sentence with the numbers."""

    promote: bool
    reason: str


def decide_promotion(
    challenger: Evaluation,
    champion: Evaluation | None,
    *,
    rules: GateRules | None = None,
    recent_challenger: Evaluation | None = None,
    recent_champion: Evaluation | None = None,
) -> Promotion:
    """Decide whether the challenger becomes the champion.

    Every challenger must beat the most frequent class by a margin. Without a champion that is all.
    Otherwise both must have been evaluated on the same media; the challenger must be as good on
    held-out media within a tolerance, lose no class, and be better on recent media, or, if there
    are too few of those, on the held-out ones. Of two that are equal the champion stays.

    Args:
        challenger: its scores on held-out media.
        champion: the champion's scores on the same media; None if there is no champion.
        rules: the defaults of `GateRules` if None.
        recent_challenger: its scores on labelled media of recent partitions, none of them learnt
            from by either; None if there are none.
        recent_champion: the champion's scores on the same.

    Returns:
        The decision. Never raises on odd scores: NaN is never good enough.
    """
    rules = rules or GateRules()
    objection = _unfit(challenger, rules)
    if objection is not None:
        return Promotion(False, objection)
    if champion is None:
        return Promotion(
            True,
            f"first model: accuracy {challenger.accuracy:.3f} on {challenger.count} media beats "
            f"the most frequent class ({challenger.majority_share:.3f})",
        )
    objection = _worse(challenger, champion, rules)
    if objection is not None:
        return Promotion(False, objection)
    if recent_challenger is None or recent_champion is None:
        return _judge_held_out(challenger, champion, rules)
    if recent_challenger.count < rules.min_recent_count:
        return _judge_held_out(challenger, champion, rules)
    return _judge_recent(recent_challenger, recent_champion, rules)


def _unfit(challenger: Evaluation, rules: GateRules) -> str | None:
    """Why the challenger is no model to use at all, or None."""
    if challenger.count < rules.min_count:
        return f"evaluated on {challenger.count} media only; at least {rules.min_count} are needed"
    needed = min(challenger.majority_share + rules.baseline_margin, 1.0)
    if not challenger.accuracy >= needed:
        return (
            f"accuracy {challenger.accuracy:.3f} on {challenger.count} media; always saying the "
            f"most frequent class gives {challenger.majority_share:.3f}, and {needed:.3f} is needed"
        )
    return None


def _worse(challenger: Evaluation, champion: Evaluation, rules: GateRules) -> str | None:
    """Where the challenger falls behind the champion on held-out media, or None."""
    if challenger.count != champion.count:
        return (
            f"challenger was evaluated on {challenger.count} media, champion on {champion.count}; "
            "they must be the same"
        )
    if not challenger.accuracy >= champion.accuracy - rules.tolerance:
        return (
            f"accuracy {challenger.accuracy:.3f} on {challenger.count} held-out media; the "
            f"champion has {champion.accuracy:.3f}, tolerance is {rules.tolerance:.3f}"
        )
    own = {score.label: score for score in challenger.per_class}
    for score in champion.per_class:
        if score.count >= rules.min_class_count:
            objection = _lost(own.get(score.label), score, rules)
            if objection is not None:
                return objection
    return None


def _lost(own: ClassScore | None, score: ClassScore, rules: GateRules) -> str | None:
    recall = own.recall if own else 0.0
    if recall >= score.recall - rules.max_recall_drop:
        return None
    return (
        f"class {score.label!r} falls from a recall of {score.recall:.3f} to {recall:.3f} on "
        f"{score.count} media; at most {rules.max_recall_drop:.3f} may be lost"
    )


def _judge_recent(challenger: Evaluation, champion: Evaluation, rules: GateRules) -> Promotion:
    if challenger.count != champion.count:
        return Promotion(
            False,
            f"challenger was evaluated on {challenger.count} recent media, champion on "
            f"{champion.count}; they must be the same",
        )
    promote = challenger.accuracy > champion.accuracy + rules.min_gain
    return Promotion(
        promote,
        f"accuracy on {challenger.count} recent media {challenger.accuracy:.3f}, champion "
        f"{champion.accuracy:.3f}: {_verdict(promote, rules)}",
    )


def _judge_held_out(challenger: Evaluation, champion: Evaluation, rules: GateRules) -> Promotion:
    gains = (challenger.accuracy - champion.accuracy, challenger.macro_f1 - champion.macro_f1)
    promote = max(gains) > rules.min_gain
    return Promotion(
        promote,
        f"accuracy on {challenger.count} held-out media {challenger.accuracy:.3f}, champion "
        f"{champion.accuracy:.3f}; macro F1 {challenger.macro_f1:.3f}, champion "
        f"{champion.macro_f1:.3f}: {_verdict(promote, rules)}",
    )


def _verdict(promote: bool, rules: GateRules) -> str:
    if promote:
        return "better"
    return f"not better by more than {rules.min_gain:.3f}"
