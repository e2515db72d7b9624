from __future__ import annotations

import math

import numpy as np
import pytest

from mlops_assets.errors import ShapeError
from mlops_assets.models import confusion_picture, evaluate, evaluate_slices

CLASSES = ("cat", "dog")


def _probabilities(*of_dog: float) -> np.ndarray:
    dog = np.array(of_dog)
    return np.stack([1 - dog, dog], axis=1)


def test_a_media_is_judged_by_the_mean_over_its_items() -> None:
    found = evaluate(
        _probabilities(0.9, 0.4, 0.4, 0.2), ["dog"] * 3 + ["cat"], ["a", "a", "a", "b"], CLASSES
    )
    assert found.accuracy == 1.0
    assert found.item_accuracy == 0.5
    assert (found.count, found.item_count) == (2, 4)
    assert found.log_loss == pytest.approx(-(math.log(1.7 / 3) + math.log(0.8)) / 2)


def test_scores_equal_scikit_learn_on_one_item_per_media() -> None:
    from sklearn import metrics

    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=80)
    labels = rng.choice(["a", "b", "c"], size=80).tolist()
    found = evaluate(probabilities, labels, [f"m{i}" for i in range(80)], ("a", "b", "c"))
    order = sorted(range(80), key=lambda i: f"m{i}")
    said = [("a", "b", "c")[probabilities[i].argmax()] for i in order]
    truth = [labels[i] for i in order]
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, said))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    assert found.log_loss == pytest.approx(metrics.log_loss(truth, probabilities[order]))
    assert np.array_equal(found.confusion, metrics.confusion_matrix(truth, said))


def test_a_class_the_model_does_not_know_is_missed() -> None:
    found = evaluate(_probabilities(0.1, 0.9), ["cat", "yak"], ["a", "b"], CLASSES)
    assert found.classes == ("cat", "dog", "yak")
    assert found.accuracy == 0.5
    assert found.per_class[2].recall == 0.0
    assert math.isfinite(found.log_loss)


def test_no_items_give_nan_scores_and_no_metrics_but_counts() -> None:
    found = evaluate(np.empty((0, 2)), [], [], CLASSES)
    assert math.isnan(found.accuracy)
    assert found.to_metrics(prefix="recent_") == {"recent_count": 0, "recent_item_count": 0}


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="probabilities"):
        evaluate(_probabilities(0.1), ["cat", "dog"], ["a", "b"], CLASSES)


def test_slices_are_scored_apart() -> None:
    found = evaluate_slices(
        _probabilities(0.1, 0.9, 0.9),
        ["cat", "cat", "dog"],
        ["a", "b", "c"],
        CLASSES,
        slices=["north", "south", "south"],
    )
    assert {name: own.accuracy for name, own in found.items()} == {"north": 1.0, "south": 0.5}


def test_a_confusion_picture_is_a_png_and_the_same_twice() -> None:
    found = evaluate(_probabilities(0.1, 0.9), ["cat", "$dog$"], ["a", "b"], CLASSES)
    assert confusion_picture(found) == confusion_picture(found)
    assert confusion_picture(found).startswith(b"\x89PNG")
