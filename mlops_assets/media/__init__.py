"""Media files in, plain values out: what a file is, and what the one decode pass finds in it.

Samples with their successors, quality, shots and losses come from one pass over the pixels.
Everything here works on one file at a time and opens nothing else.
"""

from __future__ import annotations

from mlops_assets.media.events import (
    DecodeReport,
    Looks,
    PictureQuality,
    Sample,
    SamplingOptions,
    Shot,
)
from mlops_assets.media.images import decode_image
from mlops_assets.media.pictures import (
    contact_sheet,
    decode_jpeg,
    encode_jpeg,
    reduce_picture,
    reduced_size,
)
from mlops_assets.media.probing.probe import probe_media, sniff_file
from mlops_assets.media.probing.probed import Probe, ProbeLimits
from mlops_assets.media.probing.sniff import Sniffed, sniff_kind
from mlops_assets.media.videos import decode_video

__all__ = [
    "DecodeReport",
    "Looks",
    "PictureQuality",
    "Probe",
    "ProbeLimits",
    "Sample",
    "SamplingOptions",
    "Shot",
    "Sniffed",
    "contact_sheet",
    "decode_image",
    "decode_jpeg",
    "decode_video",
    "encode_jpeg",
    "probe_media",
    "reduce_picture",
    "reduced_size",
    "sniff_file",
    "sniff_kind",
]
