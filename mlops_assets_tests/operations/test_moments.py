from __future__ import annotations

from pathlib import Path

import pytest

from mlops_assets import operations as ops
from mlops_assets.errors import ConfigurationError, InputError
from mlops_assets.media import DecodeReport, decode_video
from mlops_assets_tests.operations.conftest import Filled


def test_the_moments_of_a_clip_are_listed_and_exported(filled: Filled, tmp_path: Path):
    (moment,) = ops.moments_of("camera-01/moving.mp4").rows(named=True)
    assert (moment["index"], moment["start_s"], moment["end_s"]) == (0, 0.0, 2.0)
    (clip,) = ops.export_moments("camera-01/moving.mp4", tmp_path / "out").rows(named=True)
    assert clip["pictures"] == "copied"
    report = next(e for e in decode_video(Path(clip["file"])) if isinstance(e, DecodeReport))
    assert (report.status, report.frames_decoded) == ("decoded", 8)
    assert [file.name for file in (tmp_path / "out").iterdir()] == [Path(clip["file"]).name]


def test_what_has_no_moments_is_said(filled: Filled, tmp_path: Path):
    with pytest.raises(InputError, match="no moments"):
        ops.moments_of("camera-01/gate.png")
    with pytest.raises(InputError, match="no moment 7"):
        ops.export_moments("camera-01/moving.mp4", tmp_path, index=7)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot write"):
        ops.export_moments("camera-01/moving.mp4", tmp_path / "file" / "x")
