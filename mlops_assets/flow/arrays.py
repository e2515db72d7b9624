"""NumPy on the host, CuPy on a GPU: the one module of the package that imports CuPy.

Code that serves both asks `array_module(array)` for the library of the array it was given.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlops_assets.errors import TransientError
from mlops_assets.flow.fields import Array

_OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation and CUDA_ERROR_OUT_OF_MEMORY alike
_PROBE = 'extern "C" __global__ void probe(int* seen) { *seen = 4242; }'


class DeviceMemoryExhausted(TransientError):  # noqa: N818 - a state of the world, not a failure
    """The GPU has no room for what was asked of it; half of it may fit."""


def array_module(array: Array) -> ModuleType:
    """The library an array belongs to.

    Args:
        array: a NumPy or a CuPy array.

    Returns:
        The module `cupy` for a CuPy array, `numpy` for anything else. Imports nothing.
    """
    cupy = sys.modules.get("cupy")
    return cupy if cupy is not None and isinstance(array, cupy.ndarray) else np


def device_module() -> ModuleType:
    """CuPy itself, for code that makes arrays on the device or launches kernels there.

    Raises:
        ImportError: CuPy is not installed.
    """
    import cupy

    return cupy


def device_problem() -> str | None:
    """Why no GPU can be used from here, found out once per process; never raises.

    Asks the driver first, then CuPy, then compiles and runs a kernel of one line, since each of
    these has been seen to work where the next one did not. Under a second where all is well, less
    than a millisecond where there is no driver.

    Returns:
        The reason in words; None when kernels run.
    """
    return _driver_problem() or _kernel_problem()


def to_device(array: Array) -> Array:
    """An array on the device; itself if it is there already.

    Args:
        array: NumPy or CuPy.

    Raises:
        DeviceMemoryExhausted: no room.
    """
    with device_memory():
        return device_module().asarray(array)


def to_host(array: Array) -> NDArray:
    """An array in host memory; itself if it is there already. Waits for the device.

    Args:
        array: NumPy or CuPy.
    """
    return array if array_module(array) is np else array.get()


def pinned_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """A NumPy array of any values in page-locked host memory, for fast copies to and fro.

    Args:
        shape: of the array.
        dtype: of its elements.

    Raises:
        DeviceMemoryExhausted: no room.
    """
    import cupyx

    with device_memory():
        return cupyx.empty_pinned(shape, np.dtype(dtype))  # pyright: ignore[reportArgumentType]


@contextmanager
def device_memory() -> Iterator[None]:
    """Turn what CuPy raises when the device is out of memory into the platform's own error.

    Raises:
        DeviceMemoryExhausted: no room for something inside the block.
    """
    cupy = device_module()
    driver_errors = cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError
    try:
        yield
    except cupy.cuda.memory.OutOfMemoryError as err:
        raise DeviceMemoryExhausted(f"the GPU is out of memory: {err}; smaller may fit") from err
    except driver_errors as err:
        if err.status != _OUT_OF_MEMORY:
            raise
        raise DeviceMemoryExhausted(f"the GPU is out of memory: {err}; smaller may fit") from err


@functools.cache
def _driver_problem() -> str | None:
    """Why the NVIDIA driver offers no device."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver is installed (libcuda.so.1 is not found)"
    count = ctypes.c_int(0)
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status:
        return f"the NVIDIA driver does not start (CUDA error {status})"
    return None if count.value else "the NVIDIA driver sees no GPU"


@functools.cache
def _kernel_problem() -> str | None:
    """Why CuPy runs no kernel on a device that the driver has."""
    try:
        cupy = device_module()
    except (ImportError, OSError) as err:
        return f"CuPy does not import: {err}"
    try:
        seen = cupy.empty(1, dtype=np.int32)
        cupy.RawKernel(_PROBE, "probe")((1,), (1,), (seen,))
        found = int(seen.get()[0])
    except (RuntimeError, OSError, MemoryError, cupy.cuda.compiler.CompileException) as err:
        return f"CuPy runs no kernel here: {err}"
    return None if found == 4242 else f"a kernel wrote {found}; expected 4242"
