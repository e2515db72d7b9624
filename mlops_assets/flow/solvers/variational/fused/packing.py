"""Flow on the device as the bytes that `formats.encoding` compresses: a quarter of what it weighs.

Only these and statistics need to cross to the host.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlops_assets.flow.fields import Array
from mlops_assets.flow.solvers.variational.fused.program import Recorder
from mlops_assets.flow.solvers.variational.fused.sources import PIXEL_BLOCK

ScaleLog2 = Literal[0, 1]


def packed_bytes(height: int, width: int, scale_log2: ScaleLog2) -> int:
    """Bytes of one packed field, before compression."""
    return 4 * ((height + scale_log2) >> scale_log2) * ((width + scale_log2) >> scale_log2)


def pack(
    recorder: Recorder, flow: Array, *, unit: int, step: float, scale_log2: ScaleLog2
) -> Array:
    """Pack flow.

    Args:
        recorder: gets the launch; its memory holds the result.
        flow: float32 (B * unit, 2, H, W), pixels, of which every `unit`-th field is packed.
        unit: 1 or 2.
        step: pixels per unit of the stored integers, as `encode_flow` takes it.
        scale_log2: 0 full, 1 half resolution.

    Returns:
        uint8 (B, bytes): of each pair what `encode_flow` compresses.
    """
    fields, _, height, width = flow.shape
    pairs = fields // unit
    stored_height, stored_width = ((side + scale_log2) >> scale_log2 for side in (height, width))
    packed = recorder.memory.empty((pairs, packed_bytes(height, width, scale_log2)), np.uint8)
    recorder.launch(
        *("pack", (2 * pairs, stored_height, stored_width), PIXEL_BLOCK),
        *(flow, packed, height, width, unit, scale_log2, step),
    )
    return packed
