"""How good predictions are, judged by media."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np

from mlops_assets.errors import InputError, ShapeError

_FLOOR = 1e-7  # smallest probability charged for, so that one certain mistake costs 16 nats


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class over media.

    Args:
        label: the class.
        precision: share of media called so that are so; 0 if none is called so.
        recall: share of media that are so that are called so; 0 if none is so.
        f1: harmonic mean of both.
        count: media that are so.
    """

    label: str
    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model on one set of media.

    Args:
        accuracy: share of media called rightly, 0 to 1; NaN without media, like all scores.
        item_accuracy: share of items called rightly.
        macro_f1: mean F1 over the classes that occur.
        log_loss: mean negative log probability of the true class, nats, by media.
        majority_share: share of the most frequent class: the accuracy of always saying it.
        classes: the model's classes, then any it does not know, in order.
        confusion: C x C counts of media, rows are the truth, columns what was said.
        per_class: scores by class, in the order of `classes`.
        count: media.
        item_count: items.
    """

    accuracy: float
    item_accuracy: float
    macro_f1: float
    log_loss: float
    majority_share: float
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassScore, ...]
    count: int
    item_count: int

    def to_metrics(self, *, prefix: str = "") -> dict[str, float]:
        """Flat finite numbers by name, for a run's metrics; NaN scores are left out."""
        names = ("accuracy", "item_accuracy", "macro_f1", "log_loss", "majority_share")
        scores = {name: float(getattr(self, name)) for name in (*names, "count", "item_count")}
        return {prefix + name: score for name, score in scores.items() if np.isfinite(score)}


def evaluate(
    probabilities: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str],
    classes: Sequence[str],
) -> Evaluation:
    """Score predictions.

    A media's probability is the mean over its items, and its label the most frequent one among them
    (the first in the alphabet among equals). A true class the model does not know counts as missed.

    Args:
        probabilities: (N, C), rows sum to 1.
        labels: N true classes.
        groups: N media ids.
        classes: C names, in the order of the columns.

    Returns:
        Scores; NaN with count 0 for no items.

    Raises:
        ShapeError: lengths do not fit.
    """
    if probabilities.shape != (len(labels), len(classes)) or len(groups) != len(labels):
        raise ShapeError(
            f"probabilities have shape {probabilities.shape}, with {len(labels)} labels, "
            f"{len(groups)} groups and {len(classes)} classes; expected (N, C)"
        )
    names = (*classes, *sorted(set(labels) - set(classes)))
    known = np.zeros((len(labels), len(names)))
    known[:, : len(classes)] = probabilities
    index = {name: place for place, name in enumerate(names)}
    truth = np.array([index[label] for label in labels], dtype=np.int64)
    media, media_truth = _by_media(known, labels, groups, index)
    return _score(known, truth, media, media_truth, names)


def _by_media(
    probabilities: np.ndarray, labels: Sequence[str], groups: Sequence[str], index: dict[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean probabilities (M, C) and class numbers (M,) by media, in alphabetical order."""
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    means = [probabilities[rows[group]].mean(axis=0) for group in sorted(rows)]
    truth = [_most_frequent([labels[row] for row in rows[group]]) for group in sorted(rows)]
    numbers = np.array([index[label] for label in truth], dtype=np.int64)
    return np.array(means).reshape(len(rows), len(index)), numbers


def _most_frequent(labels: Sequence[str]) -> str:
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def _score(
    items: np.ndarray,
    item_truth: np.ndarray,
    media: np.ndarray,
    truth: np.ndarray,
    names: tuple[str, ...],
) -> Evaluation:
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    if len(media):
        np.add.at(confusion, (truth, media.argmax(axis=1)), 1)
    per_class = tuple(_class_score(confusion, place, name) for place, name in enumerate(names))
    occurring = [score.f1 for score in per_class if score.count]
    charged = np.clip(media[np.arange(len(truth)), truth], _FLOOR, 1.0)
    return Evaluation(
        accuracy=_mean(media.argmax(axis=1) == truth) if len(media) else float("nan"),
        item_accuracy=_mean(items.argmax(axis=1) == item_truth) if len(items) else float("nan"),
        macro_f1=_mean(np.array(occurring)),
        log_loss=_mean(-np.log(charged)),
        majority_share=float(confusion.sum(axis=1).max() / len(media))
        if len(media)
        else float("nan"),
        classes=names,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        per_class=per_class,
        count=len(media),
        item_count=len(items),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _class_score(confusion: np.ndarray, place: int, name: str) -> ClassScore:
    right = float(confusion[place, place])
    called, count = float(confusion[:, place].sum()), int(confusion[place].sum())
    return ClassScore(
        label=name,
        precision=right / called if called else 0.0,
        recall=right / count if count else 0.0,
        f1=2 * right / (called + count) if called + count else 0.0,
        count=count,
    )


def evaluate_slices(
    probabilities: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str],
    classes: Sequence[str],
    *,
    slices: Sequence[str],
) -> dict[str, Evaluation]:
    """Score predictions for each subgroup, such as each source.

    Args:
        probabilities: (N, C).
        labels: N true classes.
        groups: N media ids.
        classes: C names.
        slices: N names of the subgroup an item belongs to.

    Returns:
        Evaluations by subgroup, in alphabetical order.

    Raises:
        InputError: `unequal_lengths`, there are not as many slices as labels.
        ShapeError: lengths do not fit.
    """
    if len(slices) != len(labels):
        raise InputError(
            f"{len(slices)} slices and {len(labels)} labels; expected as many",
            reason="unequal_lengths",
        )
    found: dict[str, Evaluation] = {}
    for name in sorted(set(slices)):
        rows = [row for row, own in enumerate(slices) if own == name]
        picked = [labels[row] for row in rows], [groups[row] for row in rows]
        found[name] = evaluate(probabilities[rows], *picked, classes)
    return found


def confusion_picture(evaluation: Evaluation) -> bytes:
    """Draw the confusion matrix: rows are the truth, shades are shares of a row.

    Returns:
        PNG of 480 to 1,600 pixels a side; counts are written in for up to 20 classes. Equal
        evaluations give equal bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts = np.array(evaluation.confusion, dtype=np.float64).reshape(len(evaluation.classes), -1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(2 + 0.5 * len(counts), 4.8, 16))
    figure = Figure(figsize=(side, side), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [name[:20].replace("$", r"\$") for name in evaluation.classes]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="said", ylabel="truth")
    axes.set_title(f"{evaluation.count} media, accuracy {evaluation.accuracy:.2f}")
    if len(names) <= 20:
        for (row, column), count in np.ndenumerate(counts):
            shade = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=shade)
    stream = BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
