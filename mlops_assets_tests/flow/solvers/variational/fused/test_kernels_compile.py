from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from mlops_assets.flow.solvers.variational.fused.reports import Reporting, write_report_program
from mlops_assets.flow.solvers.variational.fused.sources import (
    COMPILE_OPTIONS,
    kernel_names,
    kernel_source,
)
from mlops_assets.flow.solvers.variational.schedule import PRESETS
from mlops_assets_tests.flow.solvers.variational.fused.host_device import HostMemory

ARCHITECTURES = ("sm_80", "sm_90")
CUPYS_OWN_OPTIONS = ("-ftz=true", "--device-as-default-execution-space")
REGISTERS_PER_MULTIPROCESSOR = 65_536
STATIC_SHARED_BYTES = 48 * 1024


@cache
def compiled(architecture):
    """The cubin of all kernels, as CuPy would make it, and what the compiler said of each."""
    from cupy_backends.cuda.libs import nvrtc

    program = nvrtc.createProgram(kernel_source(), "kernels.cu", (), ())
    options = (
        *COMPILE_OPTIONS,
        *CUPYS_OWN_OPTIONS,
        f"-arch={architecture}",
        "--ptxas-options=-v",
    )
    try:
        nvrtc.compileProgram(program, options)
        return nvrtc.getCUBIN(program), nvrtc.getProgramLog(program)
    except nvrtc.NVRTCError as err:
        raise AssertionError(nvrtc.getProgramLog(program)) from err
    finally:
        nvrtc.destroyProgram(program)


def resources(architecture):
    """Of each kernel: registers of a thread, bytes of shared memory, of stack and of spills."""
    told = {
        "registers": r"Used (\d+) registers",
        "shared_bytes": r"(\d+) bytes smem",
        "stack_bytes": r"(\d+) bytes stack frame",
        "spilled_bytes": r"(\d+) bytes spill",
    }
    _, log = compiled(architecture)
    return {
        part.partition("'")[0]: {
            name: sum(map(int, re.findall(pattern, part))) for name, pattern in told.items()
        }
        for part in log.split("Compiling entry function '")[1:]
    }


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles_for_the_device_without_a_warning(architecture):
    cubin, log = compiled(architecture)

    assert cubin.startswith(b"\x7fELF")
    assert "warning" not in log.lower()
    assert set(resources(architecture)) == set(kernel_names())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_kernel_spills_registers_or_needs_more_shared_memory_than_every_gpu_has(architecture):
    for kernel, used in resources(architecture).items():
        assert used["registers"] > 0, kernel
        assert used["stack_bytes"] == 0, kernel
        assert used["spilled_bytes"] == 0, kernel
        assert used["shared_bytes"] <= STATIC_SHARED_BYTES, kernel


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_block_fits_the_registers_of_a_multiprocessor(architecture):
    used = resources(architecture)
    program = write_report_program(
        HostMemory(),
        frames=2,
        pairs=1,
        size=(140, 190),
        schedule=PRESETS["fast"],
        reporting=Reporting(),
    )

    for launch in program.launches:
        registers = -(-used[launch.kernel]["registers"] // 8) * 8  # handed out by eights
        assert registers * np.prod(launch.block) <= REGISTERS_PER_MULTIPROCESSOR, launch.kernel
        assert np.prod(launch.block) <= 1024


def test_every_kernel_is_used():
    launched = set()
    for schedule in PRESETS.values():
        program = write_report_program(
            HostMemory(),
            frames=2,
            pairs=2,
            size=(140, 190),
            schedule=schedule,
            reporting=Reporting(is_checked=True),
        )
        launched |= {launch.kernel for launch in program.launches}

    assert launched == set(kernel_names())
