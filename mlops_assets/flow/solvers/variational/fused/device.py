"""The GPU: memory, the compiled kernels, and programs run launch by launch or as a CUDA graph."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlops_assets.flow.arrays import (
    array_module,
    device_memory,
    device_module,
    pinned_array,
)
from mlops_assets.flow.fields import Array
from mlops_assets.flow.solvers.variational.fused.program import Launch, Program
from mlops_assets.flow.solvers.variational.fused.sources import (
    COMPILE_OPTIONS,
    kernel_names,
    kernel_source,
)


class CupyDevice:
    """CuPy's current device.

    Args:
        as_graph: run a program as one CUDA graph from the second time on. The host then spends
            microseconds on it instead of some hundred launches' milliseconds.
    """

    def __init__(self, *, as_graph: bool = True) -> None:
        self._cupy = device_module()
        self._as_graph = as_graph
        self._module = self._cupy.RawModule(code=kernel_source(), options=COMPILE_OPTIONS)
        self._kernels: dict[str, Any] = {}

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """An array of any values.

        Raises:
            DeviceMemoryExhausted: no room.
        """
        with device_memory():
            return self._cupy.empty(shape, dtype=dtype)

    def copy_of(self, values: NDArray) -> Array:
        """These values on the device.

        Raises:
            DeviceMemoryExhausted: no room.
        """
        with device_memory():
            return self._cupy.asarray(values)

    def free_bytes(self) -> int:
        """Device memory that an allocation could get: the driver's and what CuPy keeps unused."""
        free, _ = self._cupy.cuda.runtime.memGetInfo()
        return free + self._cupy.get_default_memory_pool().free_bytes()

    def release(self) -> None:
        """Give memory that CuPy keeps unused back to the driver."""
        gc.collect()  # an error's traceback may still hold arrays in a cycle
        self._cupy.get_default_memory_pool().free_all_blocks()

    def copy(self, source: Array, target: Array) -> None:
        """Copy between contiguous arrays of one shape and dtype, at least one on the device.

        In the order of the current stream. Host memory may be used again when this returns, but for
        a page-locked source.
        """
        if array_module(target) is np:
            source.get(out=target)
        elif array_module(source) is np:
            target.set(source)
        else:
            target.data.copy_from_device_async(source.data, source.nbytes)

    def like(self, array: Array, shape: tuple[int, ...]) -> Array:
        """A float32 array for results, on the host for a NumPy array, else on the device."""
        return np.empty(shape, np.float32) if array_module(array) is np else self.empty(shape, "f4")

    def host_array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        """An array on the host that results are quickly copied to.

        Raises:
            DeviceMemoryExhausted: no room.
        """
        return pinned_array(shape, dtype)

    def runner(self, program: Program) -> Callable[[], None]:
        """What enqueues the program on the current stream, as often as it is called."""
        return _Runner(self, program) if self._as_graph else partial(self.launch, program)

    def launch(self, program: Program) -> None:
        """Enqueue every launch on the current stream."""
        for launch in program.launches:
            self.launch_one(launch)

    def launch_one(self, launch: Launch) -> None:
        """Enqueue one launch on the current stream."""
        self._kernel(launch.kernel)(launch.grid, launch.block, launch.arguments)

    def capture(self, program: Program) -> Any:
        """The program as a graph. It must have been launched before, so that kernels are loaded."""
        stream = self._cupy.cuda.Stream(non_blocking=True)
        with stream:
            stream.begin_capture()
            try:
                self.launch(program)
            finally:
                graph = stream.end_capture()
        return graph

    def kernels(self) -> dict[str, Any]:
        """Every kernel, compiled for the device, by name: CuPy's `RawKernel`."""
        return {name: self._kernel(name) for name in kernel_names()}

    def _kernel(self, name: str) -> Any:
        if name not in self._kernels:
            self._kernels[name] = self._module.get_function(name)
        return self._kernels[name]


class _Runner:
    """Runs a program: launched the first time, recorded the second time, then replayed."""

    def __init__(self, device: CupyDevice, program: Program) -> None:
        self._device = device
        self._program = program
        self._has_run = False
        self._graph: Any = None

    def __call__(self) -> None:
        with device_memory():
            if not self._has_run:
                self._device.launch(self._program)
                self._has_run = True
                return
            if self._graph is None:
                self._graph = self._device.capture(self._program)
            self._graph.launch()
