from __future__ import annotations

import pytest

from mlops_assets_tests.flow.solvers.variational.fused import host_device


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """The kernels, compiled for this machine."""
    missing = host_device.missing_compiler()
    if missing:
        pytest.skip(missing)
    return host_device.compile_kernels(tmp_path_factory.mktemp("kernels"))
