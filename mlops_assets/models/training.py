"""Training a head on features, with Lightning, deterministic on a CPU."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.models.features import FEATURE_VERSION
from mlops_assets.models.head import Head
from mlops_assets.models.splitting import split_groups

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule

    from mlops_assets.models.lightning_head import Batches, BestPass


@dataclass(frozen=True)
class Examples:
    """Labelled items.

    Args:
        features: (N, D) float32, finite.
        labels: N class names.
        groups: N media ids; items of one media stay together.
        weights: (N,) float32 >= 0, how much an item counts; None counts all the same.
    """

    features: np.ndarray
    labels: Sequence[str]
    groups: Sequence[str]
    weights: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Examples:
        """The examples of some rows, in that order."""
        return Examples(
            features=self.features[rows],
            labels=[self.labels[int(row)] for row in rows],
            groups=[self.groups[int(row)] for row in rows],
            weights=None if self.weights is None else self.weights[rows],
        )


@dataclass(frozen=True)
class TrainingOptions:
    """How a head is trained.

    Args:
        hidden: width of the hidden layer; 0 trains a linear head.
        learning_rate: of AdamW, > 0.
        weight_decay: of AdamW, >= 0.
        max_epochs: passes at most, >= 1.
        patience: passes without a better validation loss before training stops.
        batch_size: items per step, >= 1.
        validation_share: share of the media training itself sets aside to know when to stop.
        balance_classes: weigh each class by the inverse of its frequency.
    """

    hidden: int = 0
    learning_rate: float = 0.01
    weight_decay: float = 0.01
    max_epochs: int = 60
    patience: int = 8
    batch_size: int = 128
    validation_share: float = 0.2
    balance_classes: bool = True


@dataclass(frozen=True)
class TrainedHead:
    """A head and how it came about.

    Args:
        head: what is stored and scored with.
        module: the Lightning module it was read from, in evaluation mode: features in, logits out.
        epochs: passes made.
        best_epoch: pass, from 0, whose weights were kept.
        validation_loss: cross-entropy of that pass on the media set aside; NaN if there were none.
        losses: validation loss (or training loss, if none were set aside) per pass.
    """

    head: Head
    module: LightningModule
    epochs: int
    best_epoch: int
    validation_loss: float
    losses: tuple[float, ...] = field(default=())


def train_head(
    examples: Examples,
    *,
    options: TrainingOptions | None = None,
    seed: int,
    feature_spec: Mapping[str, Any] | None = None,
) -> TrainedHead:
    """Train a head.

    The features are standardised inside the module. A share of the media (never single items) is
    set aside to stop at the pass with the lowest loss. Evaluation needs media of its own: split
    them off with `split_groups` first. Equal input and seed give equal weights on one
    machine; torch's global random state is left as it was.

    Args:
        examples: at least two classes.
        options: defaults of `TrainingOptions` if None.
        seed: of initial weights and the order of the items.
        feature_spec: JSON stored with the head.

    Returns:
        The head of the best pass; classes are in alphabetical order.

    Raises:
        ShapeError: lengths differ.
        InputError: `one_class` or `not_finite`.
    """
    options = options or TrainingOptions()
    _check(examples)
    classes = tuple(sorted(set(examples.labels)))
    split = split_groups(
        examples.groups,
        examples.labels,
        held_out_share=options.validation_share,
        salt="validation",
    )
    learnt, aside = examples.take(split.train_idx), examples.take(split.held_out_idx)
    mean, scale = _standardisation(learnt.features)
    from mlops_assets.models.lightning_head import BestPass, build_module

    with _quiet_and_seeded(seed):
        module = build_module(mean, scale, classes=len(classes), options=options)
        best = BestPass(patience=options.patience)
        batches = _batches(learnt, classes, options=options, seed=seed)
        everything = replace(options, batch_size=max(1, len(aside.labels)))
        validation = _batches(aside, classes, options=everything, seed=None)
        _fit(module, batches, validation if aside.labels else None, best=best, options=options)
        best.restore(module)
    return TrainedHead(
        head=_read_head(module, classes, feature_spec or {}),
        module=module,
        epochs=len(best.losses),
        best_epoch=best.epoch,
        validation_loss=best.losses[best.epoch] if aside.labels else float("nan"),
        losses=tuple(best.losses),
    )


def _check(examples: Examples) -> None:
    count = len(examples.features)
    lengths = {count, len(examples.labels), len(examples.groups)}
    if examples.weights is not None:
        lengths.add(len(examples.weights))
    if examples.features.ndim != 2 or len(lengths) > 1:
        raise ShapeError(
            f"features have shape {examples.features.shape}, with {len(examples.labels)} labels "
            f"and {len(examples.groups)} groups; expected (N, D) and N of each"
        )
    if len(set(examples.labels)) < 2:
        raise InputError(
            f"examples have the classes {sorted(set(examples.labels))}; expected two or more",
            reason="one_class",
        )
    if not np.isfinite(examples.features).all():
        raise InputError("features are not finite; expected finite numbers", reason="not_finite")


def _standardisation(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (D,) float32; 1 for a column that does not vary."""
    exact = features.astype(np.float64)
    scale = exact.std(axis=0)
    scale[scale < 1e-6] = 1.0
    return exact.mean(axis=0).astype(np.float32), scale.astype(np.float32)


def _batches(
    examples: Examples, classes: tuple[str, ...], *, options: TrainingOptions, seed: int | None
) -> Batches:
    from mlops_assets.models.lightning_head import Batches

    index = {label: place for place, label in enumerate(classes)}
    targets = np.array([index[label] for label in examples.labels], dtype=np.int64)
    weights = np.ones(len(targets)) if examples.weights is None else examples.weights.astype(float)
    if options.balance_classes and len(targets):
        mass = np.bincount(targets, weights=weights, minlength=len(classes))
        weights = weights * (mass.sum() / np.maximum(mass, 1e-12) / len(classes))[targets]
    return Batches(examples.features, targets, weights, size=options.batch_size, seed=seed)


def _fit(
    module: LightningModule,
    batches: Batches,
    validation: Batches | None,
    *,
    best: BestPass,
    options: TrainingOptions,
) -> None:
    from lightning.pytorch import Trainer

    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=options.max_epochs,
        callbacks=[best.callback()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, batches, validation)


@contextmanager
def _quiet_and_seeded(seed: int) -> Iterator[None]:
    """Give torch a random state of our own, and keep Lightning from talking."""
    import lightning.pytorch  # noqa: F401 - creates its loggers
    import torch

    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        torch.manual_seed(seed)
        warnings.filterwarnings("ignore", module="lightning")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _read_head(
    module: LightningModule, classes: tuple[str, ...], feature_spec: Mapping[str, Any]
) -> Head:
    """Copy the weights out; torch keeps them as (outputs, inputs)."""
    state = {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}
    names = sorted({name.rpartition(".")[0] for name in state if name.startswith("layers.")})
    return Head(
        classes=classes,
        mean=state["mean"].copy(),
        scale=state["scale"].copy(),
        layers=tuple(
            (state[f"{name}.weight"].T.copy(), state[f"{name}.bias"].copy()) for name in names
        ),
        feature_spec=feature_spec,
        feature_version=FEATURE_VERSION,
    )
