"""Any number of pairs through programs that fit the device's memory."""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlops_assets.flow.arrays import DeviceMemoryExhausted
from mlops_assets.flow.fields import Array
from mlops_assets.flow.solvers.variational.fused.program import Memory, Program
from mlops_assets.flow.solvers.variational.fused.solve import workspace_bytes, write_program
from mlops_assets.flow.solvers.variational.schedule import Schedule

MOST_PAIRS = 32
"""Pairs of a program: enough to keep every multiprocessor busy on the small levels."""

_SHARE_OF_FREE_MEMORY = 0.5
_KEPT_PROGRAMS = 2  # a full batch and the rest of a clip


class Device(Memory, Protocol):
    """Where programs run."""

    def free_bytes(self) -> int:
        """Memory that an allocation could get."""
        ...

    def release(self) -> None:
        """Give unused memory back."""
        ...

    def copy(self, source: Array, target: Array) -> None:
        """Copy between arrays of one shape and dtype, in order with the programs."""
        ...

    def like(self, array: Array, shape: tuple[int, ...]) -> Array:
        """A float32 array on the side where this one is."""
        ...

    def host_array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        """An array on the host that results are quickly copied to."""
        ...

    def runner(self, program: Program) -> Callable[[], None]:
        """What runs the program."""
        ...


@dataclass(frozen=True, eq=False)
class Work:
    """Items of one or more pairs each, to be done in any parts.

    Attributes:
        write: called with a memory and the numbers of frames and of pairs, writes the program.
        key: two works with the same key have the same program for the same numbers.
        frames: uint8 (N, H, W), contiguous, on the host or on the device.
        pairs: (items, pairs of an item, 2), indices into the frames, on the host.
        inputs: what else the program needs, an entry an item; by its name in the program.
        outputs: what the program's outputs of that name are copied to, an entry an item.
    """

    write: Callable[..., Program]
    key: object
    frames: Array
    pairs: NDArray[np.intp]
    inputs: Mapping[str, Array] = field(default_factory=dict)
    outputs: Mapping[str, Array] = field(default_factory=dict)


class BatchSolver:
    """Works on one device and one stream, and keeps its last workspaces for the next call.

    Calls from several threads take turns. What it keeps is at most two programs' memory, each
    within half of what was free when its size first came up.

    Args:
        device: where.
        most_pairs: of a program, >= 1.

    Attributes:
        device: as given.
    """

    def __init__(self, device: Device, *, most_pairs: int = MOST_PAIRS) -> None:
        self.device = device
        self._most_pairs = most_pairs
        self._lock = threading.Lock()
        self._programs: OrderedDict[object, tuple[Program, Callable[[], None]]] = OrderedDict()
        self._items_at_once: dict[object, int] = {}

    def solve(self, frames: Array, pairs: NDArray[np.intp], schedule: Schedule) -> Array:
        """Flow of each pair.

        Args:
            frames: uint8 (N, H, W), contiguous, on the host or on the device.
            pairs: (B, 2) indices into the frames, on the host, B >= 1.
            schedule: the preset.

        Returns:
            float32 (B, 2, H, W), on the same side as the frames.

        Raises:
            DeviceMemoryExhausted: not even one pair fits, or the result does not.
        """
        size = frames.shape[1:]
        flow = self.device.like(frames, (len(pairs), 2, *size))
        write = partial(write_program, size=size, schedule=schedule)
        key = "flow", size, schedule
        self.do(Work(write, key, frames, pairs.reshape(-1, 1, 2), outputs={"flow": flow}))
        return flow

    def do(self, work: Work) -> None:
        """Do work, in parts as large as the memory allows.

        Raises:
            DeviceMemoryExhausted: not even one item fits.
        """
        with self._lock:
            self._do(work)

    def forget(self) -> None:
        """Let go of all kept workspaces."""
        with self._lock:
            self._forget()

    def _do(self, work: Work) -> None:
        done, is_alone = 0, False
        while done < len(work.pairs):
            share = self._share(len(work.pairs) - done, work)
            try:
                self._do_part(work, slice(done, done + share))
                done, is_alone = done + share, False
                continue
            except DeviceMemoryExhausted:
                if share == 1 and is_alone:
                    raise
            self._forget()  # not before the error, which holds what was allocated, is gone
            if is_alone:
                self._items_at_once[work.key] = max(1, share // 2)
            is_alone = True

    def _do_part(self, work: Work, part: slice) -> None:
        pairs = work.pairs[part].reshape(-1, 2)
        used, indices = np.unique(pairs, return_inverse=True)
        program, run = self._program(work, len(used), len(pairs))
        for start, first, last in _runs(used):
            stop = start + last + 1 - first
            self.device.copy(work.frames[first : last + 1], program.frames[start:stop])
        self.device.copy(indices.reshape(pairs.shape).astype(np.int32), program.pairs)
        for name, values in work.inputs.items():
            self.device.copy(values[part], program.inputs[name])
        run()
        for name, target in work.outputs.items():
            self.device.copy(program.outputs[name], target[part])

    def _share(self, left: int, work: Work) -> int:
        """How many of the items left to do next: all shares alike, give or take one."""
        if work.key not in self._items_at_once:
            self._forget()
            self._items_at_once[work.key] = self._fitting(work)
        return math.ceil(left / math.ceil(left / self._items_at_once[work.key]))

    def _fitting(self, work: Work) -> int:
        """Items whose workspace is within the share of free memory, with frames of their own."""
        allowed = self.device.free_bytes() * _SHARE_OF_FREE_MEMORY
        of_item = work.pairs.shape[1]
        items = max(1, self._most_pairs // of_item)
        while items > 1 and allowed < workspace_bytes(
            partial(work.write, frames=2 * items, pairs=items * of_item)
        ):
            items //= 2
        return items

    def _program(self, work: Work, frames: int, pairs: int) -> tuple[Program, Callable[[], None]]:
        key = frames, pairs, work.key
        if key not in self._programs:
            while len(self._programs) >= _KEPT_PROGRAMS:
                self._programs.popitem(last=False)
            program = work.write(self.device, frames=frames, pairs=pairs)
            self._programs[key] = program, self.device.runner(program)
        self._programs.move_to_end(key)
        return self._programs[key]

    def _forget(self) -> None:
        self._programs.clear()
        self.device.release()


def _runs(indices: NDArray[np.intp]) -> Iterator[tuple[int, int, int]]:
    """Stretches of successive numbers: (where it starts, its first number, its last)."""
    starts = [0, *(np.flatnonzero(np.diff(indices) != 1) + 1).tolist(), len(indices)]
    for start, stop in itertools.pairwise(starts):
        yield start, int(indices[start]), int(indices[stop - 1])
