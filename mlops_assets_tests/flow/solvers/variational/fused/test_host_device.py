"""The emulation itself: it finds what it is there to find."""

from __future__ import annotations

import numpy as np
import pytest

from mlops_assets.flow.solvers.variational.fused.program import Launch
from mlops_assets_tests.flow.solvers.variational.fused import host_device
from mlops_assets_tests.flow.solvers.variational.fused.host_device import HostMemory

FAULTY = """
extern "C" __global__ void reverse(const float* from, float* to, int barrier)
{
    __shared__ float shared[64];
    shared[threadIdx.x] = from[threadIdx.x];
    if (barrier) {
        __syncthreads();
    }
    to[threadIdx.x] = shared[63 - threadIdx.x];
}

extern "C" __global__ void shift(float* values)
{
    values[64 * blockIdx.x + threadIdx.x] = values[64 * blockIdx.x + threadIdx.x + 1];
}

extern "C" __global__ void diverge(float* values)
{
    if (threadIdx.x < 32) {
        __syncthreads();
    }
    values[threadIdx.x] = 0;
}

extern "C" __global__ void overrun(float* values)
{
    values[threadIdx.x + 1] = 0;
}
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    missing = host_device.missing_compiler()
    if missing:
        pytest.skip(missing)
    return host_device.compile_source(FAULTY, tmp_path_factory.mktemp("faulty"))


def launch(kernel, *arguments, blocks=1):
    return Launch(kernel, (blocks, 1, 1), (64, 1), arguments)


@pytest.mark.parametrize("backwards", [False, True])
def test_threads_meet_at_a_barrier(faulty, backwards):
    memory = HostMemory()
    source, target = memory.copy_of(np.arange(64, dtype=np.float32)), memory.empty((64,), "f4")

    faulty.launch(launch("reverse", source, target, np.int32(1)), backwards=backwards)

    np.testing.assert_array_equal(target, np.arange(64)[::-1])


def test_a_missing_barrier_shows(faulty):
    memory = HostMemory()
    source, target = memory.copy_of(np.arange(64, dtype=np.float32)), memory.empty((64,), "f4")

    faulty.launch(launch("reverse", source, target, np.int32(0)))

    assert not np.array_equal(target, np.arange(64)[::-1])


def test_threads_that_disturb_each_other_show_in_one_of_the_orders(faulty):
    values = np.arange(129, dtype=np.float32)
    rising, falling = values.copy(), values.copy()

    faulty.launch(launch("shift", rising, blocks=2))
    faulty.launch(launch("shift", falling, blocks=2), backwards=True)

    assert not np.array_equal(rising, falling)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_barrier_that_not_all_threads_reach_is_refused(faulty, backwards):
    with pytest.raises(AssertionError, match="barrier"):
        faulty.launch(launch("diverge", np.zeros(64, np.float32)), backwards=backwards)


def test_writing_past_an_array_is_found(faulty):
    memory = HostMemory()

    faulty.launch(launch("overrun", memory.empty((64,), np.float32)))

    with pytest.raises(AssertionError):
        memory.check()


def test_writing_a_constant_is_found(faulty):
    memory = HostMemory()

    faulty.launch(launch("shift", memory.copy_of(np.arange(66, dtype=np.float32))))

    with pytest.raises(AssertionError):
        memory.check()


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros(64, np.float64), np.zeros(64, np.float32), np.int32(1)),
        (np.zeros(64, np.float32), np.zeros(64, np.float32), np.float32(1)),
        (np.zeros(64, np.float32), np.zeros(64, np.float32)),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(faulty, arguments):
    with pytest.raises((AssertionError, ValueError)):
        faulty.launch(launch("reverse", *arguments))
