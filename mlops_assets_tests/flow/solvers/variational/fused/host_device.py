"""The host as a device: the kernels' own source, compiled by g++, runs programs."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from mlops_assets.flow.solvers.variational.fused.program import Launch, Program
from mlops_assets.flow.solvers.variational.fused.solve import write_program
from mlops_assets.flow.solvers.variational.fused.sources import (
    DEFINITIONS,
    kernel_names,
    kernel_source,
)

EMULATION = Path(__file__).with_name("cuda_on_host.h")
GUARD = 64  # elements before and behind every array, which no kernel may touch
GUARD_BYTE = 0xFF  # as float32: NaN; as int32: -1

# The device rounds every product: no fused multiply-add (`--fmad=false`), so none here.
GXX = ("g++", "-std=c++20", "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-Wno-unknown-pragmas")


def missing_compiler() -> str | None:
    return None if shutil.which("g++") else "g++ is not installed: kernels cannot run on the host"


def compile_kernels(folder: Path) -> HostDevice:
    """Build our kernels for this machine."""
    return compile_source(kernel_source(), folder)


def compile_source(source: str, folder: Path) -> HostDevice:
    """Build kernels for this machine, as a library in a folder."""
    program, library = folder / "kernels.cpp", folder / "kernels.so"
    names = ", ".join(f"KERNEL({name})" for name in kernel_names(source))
    program.write_text(f'#include "{EMULATION}"\n{source}\nKERNELS({names})\n')
    defined = [f"-D{name}={value}" for name, value in DEFINITIONS.items()]
    subprocess.run([*GXX, *defined, "-o", str(library), str(program)], check=True)
    return HostDevice(ctypes.CDLL(str(library)))


@dataclass
class HostMemory:
    """Arrays full of NaN between guards, so that reading what was never written shows."""

    blocks: list[np.ndarray] = field(default_factory=list)
    constants: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def empty(self, shape, dtype):
        count = int(np.prod(shape))
        block = np.empty(count + 2 * GUARD, dtype)
        block.view(np.uint8)[:] = GUARD_BYTE
        self.blocks.append(block)
        return block[GUARD : GUARD + count].reshape(shape)

    def copy_of(self, values):
        made = self.empty(values.shape, values.dtype)
        made[...] = values
        self.constants.append((made, values))
        return made

    def check(self) -> None:
        """No kernel wrote outside its arrays or into a constant."""
        for block in self.blocks:
            for guard in (block[:GUARD], block[-GUARD:]):
                assert (guard.view(np.uint8) == GUARD_BYTE).all()
        for made, values in self.constants:
            np.testing.assert_array_equal(made, values)

    @property
    def nbytes(self) -> int:
        return sum(block.nbytes - 2 * GUARD * block.itemsize for block in self.blocks)


class HostDevice:
    """Runs launches and programs; a device to a `BatchSolver`.

    Args:
        library: of `compile_source`.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self.memory = HostMemory()
        self.empty, self.copy_of = self.memory.empty, self.memory.copy_of
        self._launch = library.launch
        self._signature = library.signature_of
        self._signature.restype = ctypes.c_char_p

    def launch(self, launch: Launch, *, backwards: bool = False) -> None:
        """Run one launch, threads and blocks in rising or in falling order."""
        expected = re.findall("[pP]?[BHIQifd]", self._signature(launch.kernel.encode()).decode())
        values = [_value(*both) for both in zip(expected, launch.arguments, strict=True)]
        why = ctypes.create_string_buffer(200)
        failed = self._launch(
            launch.kernel.encode(),
            (ctypes.c_uint * 3)(*launch.grid),
            (ctypes.c_uint * 2)(*launch.block),
            (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values)),
            int(backwards),
            why,
            len(why),
        )
        assert not failed, f"{launch.kernel}: {why.value.decode()}"

    def run(self, launches: Iterable[Launch], *, backwards: bool = False) -> None:
        for launch in launches:
            self.launch(launch, backwards=backwards)

    def runner(self, program: Program):
        return partial(self.run, program.launches)

    def free_bytes(self) -> int:
        return 2**34

    def release(self) -> None:
        """Nothing to do: arrays go as soon as nobody holds them."""

    def copy(self, source, target) -> None:
        assert (source.shape, source.dtype) == (target.shape, target.dtype)
        target[...] = source

    def like(self, array, shape):
        return np.empty(shape, np.float32)

    def host_array(self, shape, dtype):
        return np.empty(shape, dtype)

    def solve(self, frames, pairs: Sequence[Sequence[int]], schedule, *, backwards=False):
        """Flow of pairs of frames, as the device would compute it."""
        memory = HostMemory()
        program = write_program(
            memory, frames=len(frames), pairs=len(pairs), size=frames.shape[1:], schedule=schedule
        )
        program.frames[...] = frames
        program.pairs[...] = pairs
        self.run(program.launches, backwards=backwards)
        memory.check()
        return program.outputs["flow"].copy()


def _value(expected: str, argument) -> ctypes._SimpleCData:
    """An argument as the kernel takes it, once its type is seen to be the parameter's."""
    dtype = np.dtype(expected[-1])
    assert argument.dtype == dtype, f"{argument!r} is passed as {expected}"
    if len(expected) == 2:
        assert argument.flags.c_contiguous
        return ctypes.c_void_p(argument.ctypes.data)
    assert isinstance(argument, np.generic)
    return (ctypes.c_int if expected == "i" else ctypes.c_float)(argument.item())
