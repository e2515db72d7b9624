"""Sidecars: what a person, a device or a service says of a file, beside it.

Three dialects are read (our own JSON, Google Takeout's, XMP); `pair_sidecars` tells by the names of
a folder whose sidecar each is.
"""

from __future__ import annotations

from mlops_assets.gates.sidecars.naming import Pairs, pair_sidecars
from mlops_assets.gates.sidecars.reading import MAX_SIDECAR_BYTES, read_sidecar
from mlops_assets.gates.sidecars.said import Sidecar, SidecarLabel

__all__ = [
    "MAX_SIDECAR_BYTES",
    "Pairs",
    "Sidecar",
    "SidecarLabel",
    "pair_sidecars",
    "read_sidecar",
]
