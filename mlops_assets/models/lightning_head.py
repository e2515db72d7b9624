"""The torch side of a head: the Lightning module, its batches, and keeping the best pass.

Torch and Lightning are imported, and their subclasses made, when a function here is first called.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch
    from lightning.pytorch import Callback, LightningModule

VALIDATION_LOSS = "validation_loss"
TRAINING_LOSS = "training_loss"


class HeadOptions(Protocol):
    """What of the training options the module needs."""

    @property
    def hidden(self) -> int:
        """Width of the hidden layer, 0 for none."""
        ...

    @property
    def learning_rate(self) -> float:
        """Of AdamW."""
        ...

    @property
    def weight_decay(self) -> float:
        """Of AdamW."""
        ...


class Batches:
    """Batches of features, class numbers and weights, all in memory.

    Iterating gives (features (B, D) float32, targets (B,) int64, weights (B,) float32) tensors; the
    last batch may be smaller. With a seed each pass has a new order, the same in every training.
    """

    def __init__(
        self,
        features: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        *,
        size: int,
        seed: int | None,
    ) -> None:
        import torch

        arrays = (features.astype(np.float32), targets, weights.astype(np.float32))
        self._tensors = tuple(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays)
        self._size = size
        self._rng = None if seed is None else np.random.default_rng(seed)

    def __len__(self) -> int:
        return -(-len(self._tensors[0]) // self._size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        import torch

        order = np.arange(len(self._tensors[0]))
        if self._rng is not None:
            self._rng.shuffle(order)
        for start in range(0, len(order), self._size):
            rows = torch.from_numpy(order[start : start + self._size])
            yield tuple(tensor[rows] for tensor in self._tensors)


def build_module(
    mean: np.ndarray, scale: np.ndarray, *, classes: int, options: HeadOptions
) -> LightningModule:
    """Make an untrained head.

    Args:
        mean: (D,) float32, subtracted inside the module.
        scale: (D,) float32, then divided by.
        classes: number C of classes.
        options: hidden width and optimiser.

    Returns:
        A module from features (N, D) float32 to logits (N, C) float32; initial weights come from
        torch's global random state.
    """
    import torch
    from lightning.pytorch import LightningModule
    from torch import nn
    from torch.nn.functional import cross_entropy

    class HeadModule(LightningModule):
        """Standardise, one or two linear layers, weighted cross-entropy."""

        mean: torch.Tensor
        scale: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.from_numpy(mean.copy()))
            self.register_buffer("scale", torch.from_numpy(scale.copy()))
            widths = [len(mean), *([options.hidden] if options.hidden else []), classes]
            layers: list[nn.Module] = []
            for inputs, outputs in pairwise(widths):
                layers += [nn.ReLU()] if layers else []
                layers += [nn.Linear(inputs, outputs)]
            self.layers = nn.Sequential(*layers)

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return self.layers((features - self.mean) / self.scale)

        def _loss(self, batch: tuple[torch.Tensor, ...], name: str) -> torch.Tensor:
            features, targets, weights = batch
            losses = cross_entropy(self(features), targets, reduction="none")
            loss = (losses * weights).sum() / weights.sum().clamp_min(1e-12)
            self.log(name, loss, on_step=False, on_epoch=True, batch_size=len(targets))
            return loss

        def training_step(self, batch: tuple[torch.Tensor, ...], _: int) -> torch.Tensor:
            return self._loss(batch, TRAINING_LOSS)

        def validation_step(self, batch: tuple[torch.Tensor, ...], _: int) -> torch.Tensor:
            return self._loss(batch, VALIDATION_LOSS)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(
                self.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
            )

    return HeadModule()


class BestPass:
    """Remembers the weights of the pass with the lowest loss, and when to stop looking.

    Args:
        patience: passes without an improvement of more than 0.001 before it says stop.
    """

    def __init__(self, *, patience: int) -> None:
        self.losses: list[float] = []
        self.epoch = 0
        self._patience = patience
        self._state: dict[str, Any] = {}

    def record(self, module: LightningModule, loss: float) -> bool:
        """Note the loss of a pass; whether training should stop."""
        self.losses.append(loss)
        if not self._state or loss < self.losses[self.epoch] - 1e-3:
            self.epoch = len(self.losses) - 1
            self._state = {key: value.clone() for key, value in module.state_dict().items()}
        return len(self.losses) - 1 - self.epoch >= self._patience

    def restore(self, module: LightningModule) -> None:
        """Put the best weights back and leave the module in evaluation mode."""
        if self._state:
            module.load_state_dict(self._state)
        module.eval()

    def callback(self) -> Callback:
        """This object as Lightning wants it."""
        from lightning.pytorch import Callback, Trainer

        record = self.record

        class KeepBestPass(Callback):
            """Early stopping without a checkpoint on disk."""

            def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
                metrics = trainer.callback_metrics
                name = VALIDATION_LOSS if VALIDATION_LOSS in metrics else TRAINING_LOSS
                trainer.should_stop = record(pl_module, float(metrics[name]))

        return KeepBestPass()
