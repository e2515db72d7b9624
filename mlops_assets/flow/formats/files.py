"""Flow fields in files: what others write is read, and any field is written as others read it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import InputError
from mlops_assets.flow.fields import MAX_PIXELS, float32_field
from mlops_assets.flow.formats.colour import colour_picture
from mlops_assets.flow.formats.kitti import read_kitti, write_kitti
from mlops_assets.flow.formats.middlebury import read_flo, write_flo

FlowForm = Literal["npy", "flo", "kitti", "colour"]

_MOST_BYTES = 8 * MAX_PIXELS + 2**20  # of the largest .flo there may be


def read_flow_file(path: Path) -> NDArray[np.float32]:
    """Read a .flo file or a KITTI PNG, by the ending of its name.

    Args:
        path: ends in `.flo`, or else is a PNG.

    Returns:
        (2, H, W), planar (dx, dy), pixels; NaN where unknown.

    Raises:
        InputError: `unreadable`, `too_large`, `damaged_flo`, `damaged_kitti`.
    """
    data = read_bounded(path)
    return read_flo(data) if path.suffix.lower() == ".flo" else read_kitti(data)


def read_bounded(path: Path) -> bytes:
    """The bytes of a file that is no larger than the largest .flo there may be (538 MB).

    Raises:
        InputError: `unreadable`, `too_large`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as err:
        raise InputError(
            f"{path.name} cannot be read: {err.strerror}", reason="unreadable"
        ) from err
    if len(data) > _MOST_BYTES:
        raise InputError(f"{path.name} has over {_MOST_BYTES} bytes", reason="too_large")
    return data


def flow_file(flow: NDArray[np.floating], form: FlowForm) -> bytes:
    """The bytes of a file that holds a flow field.

    Args:
        flow: (2, H, W), planar (dx, dy), pixels; NaN is unknown.
        form: `npy`: NumPy's own, float32 (2, H, W), NaN kept; `flo`: Middlebury's; `kitti`: 16-bit
            PNG in steps of 1/64 px; `colour`: an sRGB PNG to look at, full saturation at the
            longest vector.

    Returns:
        The whole file.

    Raises:
        ShapeError: another shape or dtype.
    """
    return _WRITERS[form](flow)


def _write_npy(flow: NDArray[np.floating]) -> bytes:
    out = io.BytesIO()
    np.save(out, float32_field(flow), allow_pickle=False)
    return out.getvalue()


def _write_colour(flow: NDArray[np.floating]) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(colour_picture(flow)).save(out, format="PNG")
    return out.getvalue()


_WRITERS: dict[FlowForm, Callable[[NDArray[np.floating]], bytes]] = {
    "npy": _write_npy,
    "flo": write_flo,
    "kitti": write_kitti,
    "colour": _write_colour,
}
