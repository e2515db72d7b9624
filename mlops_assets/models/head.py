"""A trained head without torch: a few matrices, what they mean, and the numbers they give.

Stored as one safetensors file, so that reading it runs no code; the meaning is JSON in its header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.models.features import FEATURE_VERSION

_FORMAT = "mlops-head/1"
_METADATA_KEY = "head"
_MAX_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Head:
    """A softmax classifier over features, linear or with one hidden layer.

    Args:
        classes: names of the C classes, in the order of the probabilities.
        mean: (D,) float32, subtracted from the features.
        scale: (D,) float32, > 0, then divided by.
        layers: pairs of weight (inputs, outputs) and bias (outputs,), float32; a rectifier stands
            between two layers.
        feature_spec: what the features are, as JSON: names, encoder, whatever the trainer wants to
            find again.
        feature_version: version of the preprocessing.
    """

    classes: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    feature_spec: Mapping[str, Any]
    feature_version: str = FEATURE_VERSION

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.mean)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Probability of each class.

        Args:
            features: (N, D) float32, finite.

        Returns:
            (N, C) float32, rows sum to 1. No rows for no items.

        Raises:
            ShapeError: the features have another width.
            InputError: `not_finite`, a feature is NaN or infinite.
        """
        if features.ndim != 2 or features.shape[1] != self.width:
            raise ShapeError(f"features have shape {features.shape}; expected (N, {self.width})")
        if not np.isfinite(features).all():
            raise InputError(
                "features are not finite; expected finite numbers", reason="not_finite"
            )
        signal = (features.astype(np.float64) - self.mean) / self.scale
        for index, (weight, bias) in enumerate(self.layers):
            signal = np.maximum(signal, 0) if index else signal
            signal = signal @ weight + bias
        powers = np.exp(signal - signal.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)

    def to_bytes(self) -> bytes:
        """Serialise; equal heads give equal bytes."""
        from safetensors.numpy import save

        tensors = {"mean": self.mean, "scale": self.scale}
        for index, (weight, bias) in enumerate(self.layers):
            tensors |= {f"weight_{index}": weight, f"bias_{index}": bias}
        meaning = {
            "format": _FORMAT,
            "classes": list(self.classes),
            "feature_spec": dict(self.feature_spec),
            "feature_version": self.feature_version,
        }
        ordered = {name: np.ascontiguousarray(tensor, "<f4") for name, tensor in tensors.items()}
        return save(ordered, {_METADATA_KEY: json.dumps(meaning, sort_keys=True)})

    @classmethod
    def from_bytes(cls, payload: bytes) -> Head:
        """Read what `to_bytes` wrote.

        Raises:
            InputError: `damaged_head`, the bytes are cut, changed, too many or something else.
        """
        from safetensors import SafetensorError

        if len(payload) > _MAX_BYTES:
            raise InputError(
                f"head has {len(payload)} bytes; expected at most {_MAX_BYTES}",
                reason="damaged_head",
            )
        try:
            return cls._parse(payload)
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise InputError(
                f"head of {len(payload)} bytes is damaged: {err!r}", reason="damaged_head"
            ) from err

    @classmethod
    def _parse(cls, payload: bytes) -> Head:
        from safetensors.numpy import load

        tensors = load(payload)
        header_size = int.from_bytes(payload[:8], "little")
        meaning = json.loads(
            json.loads(payload[8 : 8 + header_size])["__metadata__"][_METADATA_KEY]
        )
        depth = sum(name.startswith("weight_") for name in tensors)
        head = cls(
            classes=tuple(meaning["classes"]),
            mean=tensors["mean"],
            scale=tensors["scale"],
            layers=tuple((tensors[f"weight_{i}"], tensors[f"bias_{i}"]) for i in range(depth)),
            feature_spec=dict(meaning["feature_spec"]),
            feature_version=str(meaning["feature_version"]),
        )
        head._check(meaning["format"])
        return head

    def _check(self, form: str) -> None:
        """Refuse what the reader got through but could not be used."""
        if form != _FORMAT:
            raise ValueError(f"format is {form!r}; expected {_FORMAT!r}")
        sizes = [self.width, *(weight.shape[1] for weight, _ in self.layers)]
        shapes = [(weight.shape, bias.shape) for weight, bias in self.layers]
        expected = [((sizes[i], size), (size,)) for i, size in enumerate(sizes[1:])]
        if not self.layers or shapes != expected or sizes[-1] != len(self.classes):
            raise ValueError(f"layers {shapes} do not join {self.width} features to the classes")
        numbers = [self.mean, self.scale, *(part for layer in self.layers for part in layer)]
        finite = all(np.isfinite(part).all() for part in numbers)
        if self.mean.shape != self.scale.shape or not finite or not (self.scale > 0).all():
            raise ValueError("weights are not finite, or a scale is not positive")
