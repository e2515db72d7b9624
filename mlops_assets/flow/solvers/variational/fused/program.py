"""A batch's work as data: fixed arrays, and the list of kernel launches that turns them into flow.

Whoever runs a program needs to know nothing of the method: the device replays the list, one launch
after the other or as one CUDA graph; the tests run the same list on the host.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlops_assets.flow.fields import Array

Argument = Array | np.int32 | np.float32


@dataclass(frozen=True, eq=False)
class Launch:
    """One kernel over one grid of thread blocks.

    Attributes:
        kernel: its name in the source.
        grid: blocks (x, y, z); z counts planes or pairs.
        block: threads (x, y).
        arguments: arrays, `np.int32` and `np.float32`, in the kernel's order.
    """

    kernel: str
    grid: tuple[int, int, int]
    block: tuple[int, int]
    arguments: tuple[Argument, ...]


class Memory(Protocol):
    """Where the arrays of a program lie."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """An array whose values nobody relies on."""
        ...

    def copy_of(self, values: NDArray) -> Array:
        """An array of these values."""
        ...


@dataclass(eq=False)
class Recorder:
    """Collects arrays and launches while a program is written.

    Attributes:
        memory: where arrays lie.
        launches: what was recorded so far.
    """

    memory: Memory
    launches: list[Launch] = field(default_factory=list)

    def floats(self, *shape: int) -> Array:
        """A new float32 array."""
        return self.memory.empty(shape, np.float32)

    def launch(
        self,
        kernel: str,
        covered: tuple[int, int, int],
        block: tuple[int, int],
        *arguments: Array | int | float,
        tile: tuple[int, int] | None = None,
    ) -> None:
        """Record one launch.

        Args:
            kernel: its name.
            covered: (planes, height, width) the grid covers.
            block: threads (x, y).
            arguments: arrays; whole numbers become int32, others float32.
            tile: pixels (x, y) of a block, where it is not one a thread.
        """
        planes, height, width = covered
        tile_x, tile_y = tile or block
        grid = (math.ceil(width / tile_x), math.ceil(height / tile_y), planes)
        self.launches.append(Launch(kernel, grid, block, tuple(map(_typed, arguments))))


@dataclass(frozen=True, eq=False)
class Program:
    """What one batch of one size and preset takes.

    Attributes:
        frames: uint8 (N, H, W), to be filled before the launches.
        pairs: int32 (B, 2), indices into the frames, to be filled too.
        inputs: what else is to be filled.
        outputs: what is there after the launches.
        launches: in order.
    """

    frames: Array
    pairs: Array
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    launches: Sequence[Launch]


def _typed(argument: Array | int | float) -> Argument:
    if isinstance(argument, int):
        return np.int32(argument)
    return np.float32(argument) if isinstance(argument, float) else argument
