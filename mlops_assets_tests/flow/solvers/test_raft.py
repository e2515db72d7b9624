"""RAFT behind our interface, with random weights: shapes, batches, files; not its accuracy."""

import numpy as np
import pytest

from mlops_assets.errors import ConfigurationError, ShapeError
from mlops_assets.flow import BACKENDS, dense_flow
from mlops_assets.flow.solvers import raft

needs_torchvision = pytest.mark.skipif(
    raft._torchvision_problem() is not None, reason=str(raft._torchvision_problem())
)


@pytest.fixture(scope="module", params=["raft_small", "raft_large"])
def weights(request, tmp_path_factory):
    import torch
    from torchvision.models import optical_flow

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.pth"
    torch.save(getattr(optical_flow, request.param)(weights=None).state_dict(), path)
    return path


@pytest.fixture
def given(monkeypatch):
    def give(path):
        monkeypatch.setattr(raft, "_weights_path", lambda: str(path))

    return give


def frames(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@needs_torchvision
def test_any_size_gray_or_colour_gives_finite_fields(weights, given):
    given(weights)

    for shape in ((2, 8, 8), (2, 131, 9), (2, 40, 57, 3)):
        flow = dense_flow(frames(*shape), preset="fast", backend="raft").flow
        assert flow.shape == (1, 2, *shape[1:3])
        assert flow.dtype == np.float32
        assert np.isfinite(flow).all()


@needs_torchvision
def test_a_pair_does_not_depend_on_its_batch(weights, given):
    given(weights)
    clip = frames(3, 40, 57, 3)

    together = dense_flow(clip, preset="fast", backend="raft").flow
    alone = dense_flow(clip[1:], preset="fast", backend="raft").flow

    np.testing.assert_array_equal(together[1:], alone)


@needs_torchvision
def test_gray_in_colour_equals_gray_and_what_stands_still_is_not_asked(weights, given):
    given(weights)
    gray = frames(2, 24, 33)
    colour = np.repeat(gray[..., np.newaxis], 3, axis=-1)

    from_gray = dense_flow(gray, preset="fast", backend="raft").flow
    np.testing.assert_array_equal(dense_flow(colour, preset="fast", backend="raft").flow, from_gray)
    assert from_gray.any()
    assert not dense_flow(gray[[0, 0]], backend="raft").flow.any()
    flat = np.stack([np.zeros((24, 33), np.uint8), np.full((24, 33), 9, np.uint8)])
    assert not dense_flow(flat, backend="raft").flow.any()


@needs_torchvision
def test_the_version_tells_weights_apart(weights, given, tmp_path):
    given(weights)
    of_these = dense_flow(frames(1, 24, 33), backend="raft").version
    other = tmp_path / "other.pth"
    other.write_bytes(weights.read_bytes() + b" ")
    given(other)

    assert of_these.startswith("1-")
    assert dense_flow(frames(1, 24, 33), backend="raft").version != of_these


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 junk", b"\x80\x02}q\x00.", bytes(300)])
def test_a_file_that_holds_no_weights_is_a_matter_for_the_operator(tmp_path, suffix, data):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(data)

    with pytest.raises(ConfigurationError, match="weights"):
        raft._read_weights(path)


def test_weights_that_would_run_code_are_not_read(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps({"conv": Evil()}, protocol=2))

    with pytest.raises(ConfigurationError, match="does not read as weights"):
        raft._read_weights(path)


def test_without_weights_it_says_what_to_do(given, tmp_path):
    given("")
    with pytest.raises(ConfigurationError, match="MLOPS_RAFT_WEIGHTS names a"):
        dense_flow(frames(2, 16, 16), backend="raft")
    given(tmp_path / "none.pth")
    assert "expected a file" in str(BACKENDS["raft"].unavailable())


def test_a_picture_whose_comparison_would_not_fit_is_refused():
    with pytest.raises(ShapeError, match="at most"):
        raft.solve_raft(frames(2, 2200, 1000), np.array([[0, 1]]), "fast")
