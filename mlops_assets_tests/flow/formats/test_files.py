from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mlops_assets.errors import InputError, ShapeError
from mlops_assets.flow import colour_picture
from mlops_assets.flow.formats import files
from mlops_assets.flow.formats.files import flow_file, read_bounded, read_flow_file


def field():
    flow = np.linspace(-3, 3, 2 * 5 * 7, dtype=np.float32).reshape(2, 5, 7)
    flow[:, 2, 3] = np.nan
    return flow


@pytest.mark.parametrize(("form", "name"), [("flo", "a.FLO"), ("kitti", "a.png")])
def test_what_is_written_is_read_by_the_ending(form, name, tmp_path):
    (tmp_path / name).write_bytes(flow_file(field(), form))
    np.testing.assert_allclose(read_flow_file(tmp_path / name), field(), atol=1 / 128)


def test_npy_keeps_every_bit_and_asks_for_no_pickle():
    read = np.load(io.BytesIO(flow_file(field().astype(np.float64), "npy")), allow_pickle=False)
    np.testing.assert_array_equal(read, field())
    assert read.dtype == np.float32


def test_colour_is_a_picture():
    with Image.open(io.BytesIO(flow_file(field(), "colour"))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), colour_picture(field()))


@pytest.mark.parametrize("form", ["npy", "flo", "kitti", "colour"])
def test_another_shape_is_refused_in_every_form(form):
    with pytest.raises(ShapeError):
        flow_file(np.zeros((3, 4, 5), np.float32), form)


def test_files_that_are_missing_or_too_large_are_bad_items(tmp_path, monkeypatch):
    with pytest.raises(InputError) as missing:
        read_flow_file(tmp_path / "none.flo")
    assert missing.value.reason == "unreadable"
    monkeypatch.setattr(files, "_MOST_BYTES", 10)
    (tmp_path / "large.flo").write_bytes(b"\0" * 11)
    with pytest.raises(InputError) as large:
        read_bounded(tmp_path / "large.flo")
    assert large.value.reason == "too_large"
