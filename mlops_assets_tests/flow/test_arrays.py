from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mlops_assets.errors import TransientError
from mlops_assets.flow import arrays
from mlops_assets.flow.arrays import DeviceMemoryExhausted, device_problem

needs_device = pytest.mark.skipif(device_problem() is not None, reason=str(device_problem()))


def test_numpy_arrays_and_plain_values_belong_to_numpy():
    assert arrays.array_module(np.zeros(3)) is np
    assert arrays.array_module([1, 2]) is np


def test_the_flow_room_and_the_search_for_a_device_load_no_cupy_where_there_is_no_driver():
    program = (
        "import sys, ctypes\n"
        "from mlops_assets import flow\n"
        "from mlops_assets.flow import arrays\n"
        "assert 'cupy' not in sys.modules, 'by import'\n"
        "ctypes.CDLL = lambda name: (_ for _ in ()).throw(OSError(name))\n"
        "assert 'driver' in arrays.device_problem()\n"
        "assert 'cupy' not in sys.modules, 'by the search'\n"
        "assert 'cupy' in flow.BACKENDS\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_driver_that_does_not_start_or_has_no_device_is_a_reason(monkeypatch):
    class Driver:
        def __init__(self, status, count):
            self.status, self.count = status, count

        def cuInit(self, flags):  # noqa: N802 - the driver's name
            return self.status

        def cuDeviceGetCount(self, count):  # noqa: N802
            count._obj.value = self.count
            return 0

    for status, count, reason in ((999, 1, "CUDA error 999"), (0, 0, "sees no GPU")):
        arrays._driver_problem.cache_clear()
        monkeypatch.setattr(arrays.ctypes, "CDLL", lambda name, s=status, c=count: Driver(s, c))
        assert reason in (device_problem() or "")
    arrays._driver_problem.cache_clear()


def test_what_cupy_raises_without_a_device_becomes_a_reason():
    pytest.importorskip("cupy_backends")
    if device_problem() is None:
        pytest.skip("there is a device here")
    arrays._kernel_problem.cache_clear()

    assert "CuPy" in (arrays._kernel_problem() or "")


def test_running_out_of_device_memory_is_one_error_whoever_reports_it():
    cupy = pytest.importorskip("cupy")
    reports = [
        cupy.cuda.memory.OutOfMemoryError(1, 2, 3),
        cupy.cuda.runtime.CUDARuntimeError(2),
    ]
    for report in reports:
        expected = pytest.raises(DeviceMemoryExhausted, match="out of memory")
        with expected as raised, arrays.device_memory():
            raise report
        assert raised.value.__cause__ is report
        assert isinstance(raised.value, TransientError)


def test_other_errors_of_the_device_stay_what_they_are():
    cupy = pytest.importorskip("cupy")
    illegal_address = cupy.cuda.runtime.CUDARuntimeError(700)
    with pytest.raises(type(illegal_address)) as raised, arrays.device_memory():
        raise illegal_address
    assert raised.value is illegal_address


def test_host_arrays_stay_where_they_are():
    array = np.arange(3)

    assert arrays.to_host(array) is array


@pytest.mark.gpu
@needs_device
def test_arrays_travel_to_the_device_and_back():
    array = np.arange(12, dtype=np.float32).reshape(3, 4)

    there = arrays.to_device(array)

    assert arrays.array_module(there).__name__ == "cupy"
    assert arrays.to_device(there) is there
    np.testing.assert_array_equal(arrays.to_host(there), array)


@pytest.mark.gpu
@needs_device
def test_asking_for_more_than_the_device_has_is_the_platforms_own_error():
    with pytest.raises(DeviceMemoryExhausted), arrays.device_memory():
        arrays.device_module().empty(2**50, dtype=np.uint8)
