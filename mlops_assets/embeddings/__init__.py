"""Encoders: a batch of texts or pictures in, a float32 matrix of unit rows out.

The defaults need no network: MiniLM from a package, a visual descriptor built in.
Importing the room imports no torch, transformers or cv2; `encoder_version` never does.
"""

from __future__ import annotations

from mlops_assets.embeddings.encoders import Encoder, image_encoder, text_encoder
from mlops_assets.embeddings.versions import (
    DEFAULT_IMAGE_ENCODER,
    DEFAULT_TEXT_ENCODER,
    Kind,
    encoder_version,
)

__all__ = [
    "DEFAULT_IMAGE_ENCODER",
    "DEFAULT_TEXT_ENCODER",
    "Encoder",
    "Kind",
    "encoder_version",
    "image_encoder",
    "text_encoder",
]
