from __future__ import annotations

import numpy as np
import pytest
import zstandard

from mlops_assets.flow.formats.encoding import encode_flow
from mlops_assets.flow.solvers.variational.fused.packing import pack
from mlops_assets.flow.solvers.variational.fused.program import Recorder
from mlops_assets_tests.flow.solvers.variational.fused.host_device import HostMemory


def packed_on(host, flow, **how):
    memory = HostMemory()
    recorder = Recorder(memory)
    packed = pack(recorder, memory.copy_of(flow), **how)
    for launch in recorder.launches:
        host.launch(launch)
    memory.check()
    return packed


@pytest.mark.parametrize("scale_log2", [0, 1])
@pytest.mark.parametrize("step", [1 / 32, 1 / 100, 0.5])
@pytest.mark.parametrize(("height", "width"), [(24, 40), (17, 33), (1, 1)])
def test_packed_flow_is_what_the_encoding_compresses(host, height, width, step, scale_log2):
    rng = np.random.default_rng(4)
    flow = rng.normal(0, 40, (3, 2, height, width)).astype(np.float32)
    flow[1, :, ::3] *= 1000
    flow[2, 0, ::2], flow[2, 1, :, ::2], flow[2, :, 0, 0] = np.nan, 2e9, -np.inf

    every = packed_on(host, flow, unit=1, step=step, scale_log2=scale_log2)
    others = packed_on(host, flow[:2], unit=2, step=step, scale_log2=scale_log2)

    np.testing.assert_array_equal(others, every[:1])
    for field, found in zip(flow, every, strict=True):
        blob = encode_flow(field, step=step, scale_log2=scale_log2).blob
        assert found.tobytes() == zstandard.ZstdDecompressor().decompress(blob)
