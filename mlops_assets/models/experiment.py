"""One experiment: train a challenger, judge it beside the champion on the same media."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlops_assets.models.evaluate import Evaluation, evaluate, evaluate_slices
from mlops_assets.models.gate import GateRules, Promotion, decide_promotion
from mlops_assets.models.head import Head
from mlops_assets.models.splitting import Split, split_groups
from mlops_assets.models.training import Examples, TrainedHead, TrainingOptions, train_head


@dataclass(frozen=True)
class Material:
    """Labelled items, and where each is from.

    Args:
        features: (N, D) float32, from `join_features`.
        labels: N class names.
        media: N media ids, near duplicates under one; all items of an id fall on one side.
        sources: N source names, by which scores are broken down.
        is_recent: (N,) bool, of partitions the champion's data had none of.
        held_out_share: share of media kept for judging.
    """

    features: np.ndarray
    labels: list[str]
    media: list[str]
    sources: list[str]
    is_recent: np.ndarray
    held_out_share: float = 0.3

    @cached_property
    def split(self) -> Split:
        """Training and held-out rows; a medium's side depends on its id alone."""
        return split_groups(self.media, self.labels, held_out_share=self.held_out_share)

    def examples(self, rows: np.ndarray) -> Examples:
        """Some of the items, to train on."""
        return Examples(
            features=self.features[rows],
            labels=[self.labels[row] for row in rows],
            groups=[self.media[row] for row in rows],
        )

    def media_count(self, rows: np.ndarray) -> int:
        """Number of media among some rows."""
        return len({self.media[row] for row in rows})


@dataclass(frozen=True)
class Scores:
    """How good one head is on held-out media: all of them, the recent ones, and by source."""

    held_out: Evaluation
    recent: Evaluation | None
    by_source: dict[str, float]


@dataclass(frozen=True)
class Experiment:
    """A trained challenger, its scores, the champion's, and the decision between them."""

    material: Material
    trained: TrainedHead
    scores: Scores
    champion: Scores | None
    decision: Promotion

    def metrics(self) -> dict[str, float]:
        """Flat numbers for a run."""
        found = self.scores.held_out.to_metrics(prefix="held_out_")
        if self.scores.recent:
            found |= self.scores.recent.to_metrics(prefix="recent_")
        if self.champion:
            found |= self.champion.held_out.to_metrics(prefix="champion_held_out_")
        by_source = {f"accuracy_{name}": score for name, score in self.scores.by_source.items()}
        return found | by_source | {"is_promoted": float(self.decision.promote)}


def run_experiment(
    material: Material,
    champion: Head | None,
    *,
    options: TrainingOptions,
    rules: GateRules | None = None,
    seed: int = 0,
) -> Experiment:
    """Train on the one side of the split, judge both heads on the other, decide.

    Args:
        material: labelled items.
        champion: the head in use; None for the first model.
        options: how to train.
        rules: of the gate.
        seed: of the training; equal input and seed give an equal head.

    Raises:
        InputError: fewer than two classes, or nothing to train on.
    """
    trained = train_head(material.examples(material.split.train_idx), options=options, seed=seed)
    mine = score(trained.head, material)
    theirs = score(champion, material) if champion else None
    decision = decide_promotion(
        mine.held_out,
        theirs.held_out if theirs else None,
        rules=rules,
        recent_challenger=mine.recent,
        recent_champion=theirs.recent if theirs else None,
    )
    return Experiment(material, trained, mine, theirs, decision)


def score(head: Head, material: Material) -> Scores:
    """Judge a head on the held-out media."""
    rows = material.split.held_out_idx
    recent = rows[material.is_recent[rows]]
    shares = head.predict_proba(material.features[rows])
    told = [material.labels[row] for row in rows], [material.media[row] for row in rows]
    by_source = evaluate_slices(
        shares, *told, head.classes, slices=[material.sources[row] for row in rows]
    )
    return Scores(
        evaluate(shares, *told, head.classes),
        _score_rows(head, material, recent) if len(recent) else None,
        {name: one.accuracy for name, one in by_source.items()},
    )


def _score_rows(head: Head, material: Material, rows: np.ndarray) -> Evaluation:
    shares = head.predict_proba(material.features[rows])
    labels, media = [material.labels[row] for row in rows], [material.media[row] for row in rows]
    return evaluate(shares, labels, media, head.classes)
