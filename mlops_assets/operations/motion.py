"""Motion that is stored: the flow field of a frame, decoded."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlops_assets.errors import InputError
from mlops_assets.flow import decode_flow
from mlops_assets.lake import Lake, current_lake
from mlops_assets.operations.naming import not_found
from mlops_assets.rows.keys import find
from mlops_assets.tables.optical_flows import Flow, decode_field, optical_flows


def stored_flow(
    frame: str, *, partition: str | None = None, lake: Lake | None = None
) -> NDArray[np.float32]:
    """The stored motion from a frame to its successor.

    Args:
        frame: a `frame_id`, or enough of its beginning: 8 digits, and what follows the `#`.
        partition: look in this one only.
        lake: which; the current one for None.

    Returns:
        float32 (2, H, W), planar (dx, dy), pixels at the working size; NaN where unknown. A frame
        in several partitions has the same pictures, and so the same motion, in all.

    Raises:
        InputError: no row has that key (`not_found`), several have (`ambiguous`), it was stored
            without its field (`no_field`), or the field is damaged (`damaged_flow`).
    """
    lake = lake or current_lake()
    at = None if partition is None else optical_flows.producer.scheme.parse(partition)
    found = find(optical_flows, lake, frame, at)
    if not found:
        raise not_found(
            f"optical_flows has no row {frame!r}; ask `mlops explain optical_flows {frame}` why"
        )
    names = sorted({name for one in found for name in one.keys["frame_id"]})
    if len(names) > 1:
        raise InputError(
            f"{frame!r} begins {len(names)} keys, such as {names[0]}; give more", reason="ambiguous"
        )
    rows = optical_flows.rows(lake, found[0].partition).filter(pl.col("frame_id") == names[0])
    return decode_flow(decode_field(Flow.of(rows.collect().row(0, named=True))))
