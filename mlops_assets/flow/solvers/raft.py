"""The `raft` backend: torchvision's RAFT, where an operator gives its weights as a file.

RAFT was learnt from rendered scenes and errs less than the variational methods where motion is
long. Its weights come under terms of their own, so none are shipped and none are fetched.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ConfigurationError, ShapeError
from mlops_assets.flow.fields import Backend, Preset, is_still
from mlops_assets.settings import settings

if TYPE_CHECKING:
    import torch

_UPDATES: dict[Preset, int] = {"fast": 6, "balanced": 12, "quality": 24}
_CELL_PX = 8
_SMALLEST_SIDE_PX = 128  # features of every level of its correlation pyramid then have 2 x 2 cells
_MOST_CELLS = 2**15  # each is compared with each: 4 GB here
_LARGEST_FILE_BYTES = 2**28


def solve_raft(
    frames: NDArray[np.uint8], pairs: NDArray[np.intp], preset: Preset
) -> NDArray[np.float32]:
    """Flow by RAFT, on a GPU where torch has one.

    The presets are 6, 12 and 24 updates of the field. Whether the model is the large or the small
    one is seen from the weights. Pictures grow by repeating their border to sides of whole cells
    of 8 px and at least 128. Pairs go one by one, so a pair's numbers do not depend on its batch.

    Args:
        frames: (N, H, W) gray or (N, H, W, 3) sRGB, sides >= 8.
        pairs: (B, 2) indices into the frames.
        preset: effort.

    Returns:
        (B, 2, H, W) planar (dx, dy), pixels per pair. Two identical pictures and two without any
        texture do not move; the network itself is not asked.

    Raises:
        ShapeError: a picture over 2 megapixels.
        ConfigurationError: the weights cannot be used.

    Reference: Teed, Deng 2020, doi:10.1007/978-3-030-58536-5_24.
    """
    height, width = frames.shape[1:3]
    edges = [_margins(side) for side in (width, height)]
    cells = [
        (side + sum(edge)) // _CELL_PX for side, edge in zip((width, height), edges, strict=True)
    ]
    if cells[0] * cells[1] > _MOST_CELLS:
        raise ShapeError(
            f"picture is {height} x {width}; RAFT takes at most {_MOST_CELLS * _CELL_PX**2} pixels",
            reason="too_large",
        )
    weights = Path(_weights_path())
    network, device = _network(weights, weights.stat().st_mtime_ns)
    flow = np.zeros((len(pairs), 2, height, width), dtype=np.float32)
    for index, pair in enumerate(pairs):
        first, second = (frames[one] for one in pair)
        if is_still(first, second):
            continue
        found = _updated(network, [_tensor(one, edges, device) for one in (first, second)], preset)
        (left, _), (top, _) = edges
        flow[index] = found[:, top : top + height, left : left + width]
    return flow


def _margins(side_px: int) -> tuple[int, int]:
    """Pixels to repeat before and after a side."""
    wanted = max(_SMALLEST_SIDE_PX, -(-side_px // _CELL_PX) * _CELL_PX)
    return (wanted - side_px) // 2, (wanted - side_px + 1) // 2


def _tensor(
    frame: NDArray[np.uint8], edges: list[tuple[int, int]], device: torch.device
) -> torch.Tensor:
    """(1, 3, H, W) in -1 to 1, with margins."""
    import torch

    colour = frame if frame.ndim == 3 else np.repeat(frame[:, :, np.newaxis], 3, axis=2)
    levels = torch.from_numpy(np.ascontiguousarray(colour.transpose(2, 0, 1))).to(device)
    grown = torch.nn.functional.pad(levels[None].float(), (*edges[0], *edges[1]), mode="replicate")
    return grown / 127.5 - 1


def _updated(
    network: torch.nn.Module, pictures: list[torch.Tensor], preset: Preset
) -> NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        return network(*pictures, num_flow_updates=_UPDATES[preset])[-1][0].cpu().numpy()


@functools.lru_cache(maxsize=1)
def _network(path: Path, changed_ns: int) -> tuple[torch.nn.Module, torch.device]:
    """The network with the weights of a file as it was at a time, and where it computes."""
    import torch
    from torchvision.models.optical_flow import raft_large, raft_small

    weights = _read_weights(path)
    is_large = any(name.startswith("mask_predictor.") for name in weights)
    network = (raft_large if is_large else raft_small)(weights=None, progress=False).eval()
    try:
        network.load_state_dict(weights)
    except RuntimeError as err:
        raise ConfigurationError(f"{path} holds no weights of RAFT: {err}") from err
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return network.to(device), device


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name; no code in the file is run."""
    from pickle import UnpicklingError

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file() or path.stat().st_size > _LARGEST_FILE_BYTES:
        raise ConfigurationError(
            f"{path} is no file of up to {_LARGEST_FILE_BYTES} bytes; expected RAFT's weights"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, ValueError, RuntimeError, UnpicklingError, SafetensorError) as err:
        raise ConfigurationError(f"{path} does not read as weights: {err}") from err
    if not isinstance(weights, dict):
        raise ConfigurationError(f"{path} holds a {type(weights).__name__}; expected a state dict")
    return weights


def _weights_path() -> str:
    return str(settings().raft_weights)


def _unavailable() -> str | None:
    path = _weights_path()
    if not path:
        return "no weights are given: MLOPS_RAFT_WEIGHTS names a .pth or .safetensors file"
    if not Path(path).is_file():
        return f"MLOPS_RAFT_WEIGHTS is {path!r}; expected a file"
    return _torchvision_problem()


@functools.cache
def _torchvision_problem() -> str | None:
    if importlib.util.find_spec("torchvision") is None:
        return "torchvision is not installed"
    try:
        import torchvision.models.optical_flow  # noqa: F401 - whether it can be is the question
    except (ImportError, RuntimeError, OSError) as err:
        return f"torchvision does not import beside this torch: {err}"
    return None


def _weights_digest() -> str:
    weights = Path(_weights_path())
    return _digest(weights, weights.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _digest(path: Path, changed_ns: int) -> str:
    """What tells these weights from others."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


RAFT = Backend(
    name="raft",
    method="raft",
    version="1",
    solve=solve_raft,
    unavailable=_unavailable,
    variant=_weights_digest,
    takes_colour=True,
)
