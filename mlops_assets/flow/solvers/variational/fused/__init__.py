"""The variational method as fused CUDA kernels: backend `cupy`.

The arithmetic is that of `reference`, step by step; the kernels are `kernels/*.cu`. `solve` and
`reports` write the work of a batch down as a list of launches (`program`), `batches` cuts any
number of pairs into such lists, `device` runs them.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow.arrays import device_module, device_problem
from mlops_assets.flow.fields import Array, Backend, Preset
from mlops_assets.flow.solvers.variational.fused.batches import BatchSolver
from mlops_assets.flow.solvers.variational.fused.device import CupyDevice
from mlops_assets.flow.solvers.variational.fused.reports import Reporting, Reports, report
from mlops_assets.flow.solvers.variational.schedule import METHOD, PRESETS, VERSION

__all__ = [
    "CUPY",
    "BatchSolver",
    "CupyDevice",
    "Reporting",
    "Reports",
    "current_solver",
    "report",
]


def current_solver() -> BatchSolver:
    """The solver of the current device and stream, whose workspaces every call shares.

    Raises:
        ImportError: CuPy is not installed.
    """
    cuda = device_module().cuda
    return _solver(cuda.Device().id, cuda.get_current_stream().ptr)


@functools.lru_cache(maxsize=4)
def _solver(device: int, stream: int) -> BatchSolver:
    """One a device and stream: its workspaces must be used in the order of one stream."""
    del device, stream  # they only tell solvers apart
    return BatchSolver(CupyDevice())


def _solve(frames: Array, pairs: NDArray[np.intp], preset: Preset) -> Array:
    return current_solver().solve(frames, pairs, PRESETS[preset])


CUPY = Backend(
    name="cupy",
    method=METHOD,
    version=VERSION,
    solve=_solve,
    unavailable=device_problem,
    takes_device=True,
)
