from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import unicodedata
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mlops_assets.samples import (
    FILES_PER_SOURCE_AND_WAVE,
    SOURCES,
    FileTruth,
    WaveTruth,
    draw_scene,
    read_frame_number,
    render_wave,
)
from mlops_assets.samples.cameras import CAMERAS, LOCAL_TIME, plan_camera
from mlops_assets_tests.samples.reading import decode


def everything(zone: Path) -> dict[str, bytes]:
    files = (path for path in zone.rglob("*") if path.is_file())
    return {path.relative_to(zone).as_posix(): path.read_bytes() for path in files}


def landed(waves) -> list[FileTruth]:
    return [file for wave in waves for file in wave.files]


def clips(waves) -> list[FileTruth]:
    return [file for file in landed(waves) if file.frame_count and file.kind == "video"]


def test_every_source_has_exactly_forty_files_in_each_wave(waves) -> None:
    for wave in waves:
        assert {source: len(wave.of_source(source)) for source in SOURCES} == dict.fromkeys(
            SOURCES, FILES_PER_SOURCE_AND_WAVE
        )


def test_the_truth_names_every_landed_file_once_and_nothing_else_lies_there(zone, waves) -> None:
    named = [f"{file.source}/{file.path}" for file in landed(waves)]
    sidecars = {f"{file.source}/{file.path}.json" for file in landed(waves) if file.has_sidecar}

    assert len(named) == len(set(named)) == 240
    assert set(named) | sidecars == set(everything(zone))


def test_hash_and_size_are_those_of_the_bytes(zone, waves) -> None:
    for file in landed(waves):
        content = (zone / file.source / file.path).read_bytes()
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.size_bytes == len(content)


def test_rendering_again_writes_the_same_bytes_and_the_same_truth(zone, waves, tmp_path) -> None:
    told: list[str] = []

    again = render_wave(tmp_path, wave=1, on_progress=told.append)

    first = everything(zone)
    assert again == waves[0]
    assert told == [f"{file.source}/{file.path}" for file in again.files]
    assert all(first[name] == content for name, content in everything(tmp_path).items())


def test_equal_bytes_occur_only_where_a_duplicate_is_stated(waves) -> None:
    files = landed(waves)
    owners = {file.sha256: file.path for file in files if file.status != "duplicate"}
    copies = [file for file in files if file.status == "duplicate"]

    assert len(owners) + len(copies) == len(files)
    assert len(copies) == 6
    assert all(copy.path > owners[copy.sha256] for copy in copies)


def test_reasons_are_stated_for_what_is_not_accepted_and_only_there(waves) -> None:
    for file in landed(waves):
        assert (file.reason == "") == (file.status == "accepted")
    assert {file.reason for file in landed(waves)} == {
        "",
        "duplicate",
        "empty",
        "impossible_rate",
        "too_many_pixels",
        "unknown_kind",
        "unreadable",
    }


def test_counts_add_up_per_source(waves) -> None:
    for wave in waves:
        for source in SOURCES:
            reasons = sum(wave.counts_by_reason[source].values())
            assert sum(wave.counts_by_status[source].values()) == 40
            assert sum(wave.counts_by_kind[source].values()) == 40
            assert reasons == 40 - wave.counts_by_status[source]["accepted"]


@pytest.mark.parametrize("kind", ["video", "image"])
def test_the_best_possible_accuracy_lies_between_90_and_97_percent(waves, kind) -> None:
    for wave in waves:
        assert 0.90 <= wave.best_possible_accuracy <= 0.97
        for camera in CAMERAS:
            files = [file for file in wave.of_source(camera.source) if file.kind == kind]
            assert 0.90 <= WaveTruth(wave.wave, tuple(files)).best_possible_accuracy <= 0.97


def test_nothing_labelled_gives_no_accuracy() -> None:
    assert np.isnan(WaveTruth(1, ()).best_possible_accuracy)


def test_labels_stand_where_the_truth_says(zone, waves) -> None:
    for file in landed(waves):
        place = zone / file.source
        if file.label_from == "sidecar":
            fields = json.loads((place / f"{file.path}.json").read_text(encoding="utf-8"))
            assert [label["label"] for label in fields["labels"]] == [file.label]
        elif file.has_sidecar and not file.sidecar_problem:
            assert "labels" not in json.loads((place / f"{file.path}.json").read_text("utf-8"))
    for file in (file for file in landed(waves) if file.kind == "labels"):
        text = (zone / file.source / file.path).read_text(encoding="utf-8")
        rows = csv.DictReader(io.StringIO(text))
        told = {row["path"]: row["label"] for row in rows}
        wave = waves[0] if file in waves[0].files else waves[1]
        stated = [other for other in wave.files if other.label_from == "labels.csv"]
        assert told == {other.path: other.label for other in stated}


def test_sidecars_hold_what_the_truth_says_or_are_no_json(zone, waves) -> None:
    for file in (file for file in landed(waves) if file.has_sidecar):
        text = (zone / file.source / f"{file.path}.json").read_text(encoding="utf-8")
        if file.sidecar_problem == "invalid_json":
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)
        else:
            fields = json.loads(text)
            assert fields["caption"] == file.caption != ""
            assert tuple(fields["tags"]) == file.tags
            assert fields["captured_at"] == file.captured_at


def test_captured_times_come_from_every_origin(zone, waves) -> None:
    from PIL import Image

    for wave in waves:
        origins = {file.captured_at_from for file in wave.files}
        assert origins == {"sidecar", "exif", "container", "name", "file", None}
    for file in (file for file in landed(waves) if file.captured_at_from == "exif"):
        with Image.open(zone / file.source / file.path) as picture:
            stored = picture.getexif().get_ifd(0x8769)[0x9003]
        assert stored.replace(":", "-", 2).replace(" ", "T") == file.captured_at


def test_no_file_is_older_or_newer_than_its_capture(zone, waves) -> None:
    for file in landed(waves):
        if file.captured_at is not None:
            stated = datetime.fromisoformat(file.captured_at)
            aware = stated if stated.tzinfo else stated.replace(tzinfo=LOCAL_TIME)
            assert (zone / file.source / file.path).stat().st_mtime == aware.timestamp()


def test_odd_names_are_there_in_both_waves(waves) -> None:
    for wave in waves:
        names = [file.path for file in wave.files]
        assert all(any(odd in name for name in names) for odd in " ='é日")
        assert any(190 <= len(name.rsplit("/")[-1].encode()) <= 240 for name in names)
        assert any("/" in name for name in names)
        assert all(unicodedata.is_normalized("NFC", name) for name in names)


def test_clips_decode_to_their_numbered_frames_unless_damaged(zone, waves) -> None:
    accepted = [file for file in clips(waves) if file.status == "accepted"]
    sampled = [file for file in accepted if len(file.shot_starts_s) > 1 or file.is_damaged]
    for file in sampled:
        pictures, _, lost = decode(zone / file.source / file.path)
        numbers = [read_frame_number(picture) for picture in pictures]
        assert (lost > 0) == file.is_damaged
        if not file.is_damaged:
            assert numbers == list(range(file.frame_count or 0))
            change = [np.abs(b.astype(int) - a).mean() for a, b in pairwise(pictures)]
            assert file.shot_starts_s[1] == pytest.approx((np.argmax(change) + 1) / 12)
    assert len(sampled) == 8


def test_unreadable_clips_do_not_open(zone, waves) -> None:
    import av
    from av.error import FFmpegError

    broken = [file for file in landed(waves) if file.reason == "unreadable"]
    for file in broken:
        with pytest.raises(FFmpegError):
            av.open(str(zone / file.source / file.path))
    assert len(broken) == 2


def test_clips_of_a_racing_camera_show_their_pictures(zone, waves) -> None:
    """What is quarantined can be looked at, and says how fast it claims to be."""
    import av

    racing = [file for file in landed(waves) if file.reason == "impossible_rate"]
    assert len(racing) == 2
    for file in racing:
        with av.open(str(zone / file.source / file.path)) as container:
            assert container.streams.video[0].average_rate == 12_000
            assert sum(1 for _ in container.decode(video=0)) == 30


def test_pictures_named_so_may_be_text_and_are_documents(zone, waves) -> None:
    disguised = [
        file for file in landed(waves) if file.kind == "document" and file.path.endswith(".jpg")
    ]
    assert len(disguised) == 3
    assert all(file.status == "accepted" for file in disguised)
    assert all("report" in (zone / f.source / f.path).read_text("utf-8") for f in disguised)


def test_the_drift_is_stated_and_visible(waves) -> None:
    ordinary, drifted = waves
    assert (ordinary.drifted_sources, ordinary.drifted_features) == ((), ())
    assert drifted.drifted_sources == ("camera-01", "camera-02")
    assert drifted.drifted_features == ("brightness", "colour", "motion")

    motions = [np.array([f.motion_px_per_frame for f in clips([wave])]) for wave in waves]
    light = [
        np.mean(
            [draw_scene(take.scene, 0)[4:].mean() for c in CAMERAS for take in plan_camera(c, n)]
        )
        for n in (1, 2)
    ]
    assert (motions[0][:, 1] == 0).all()
    assert (motions[1][:, 0] == 0).all()
    assert np.abs(motions[1]).mean() > 1.2 * np.abs(motions[0]).mean()
    assert light[1] / light[0] == pytest.approx(0.45, abs=0.03)


def test_no_object_leaves_the_picture_in_a_planned_clip() -> None:
    from mlops_assets.samples.scenes import object_size

    for camera in CAMERAS:
        for wave in (1, 2):
            for take in plan_camera(camera, wave):
                last = 29 if take.kind == "video" else 0
                for axis in (0, 1):
                    ends = [
                        take.scene.centre[axis] + take.scene.motion[axis] * t for t in (0, last)
                    ]
                    half = object_size(take.scene)[axis] / 2
                    assert half - 1 <= min(ends)
                    assert max(ends) <= take.scene.size[axis] - half + 1


def descriptor(picture: np.ndarray) -> np.ndarray:
    """Colour layout of 8 x 6 cells and the strength of the gradients in each."""
    cells = picture.reshape(6, 40, 8, 40, 3).astype(float) / 255
    gray = picture.mean(axis=2)
    edges = np.hypot(*np.gradient(gray)).reshape(6, 40, 8, 40).mean(axis=(1, 3))
    return np.concatenate([cells.mean(axis=(1, 3)).ravel(), edges.ravel() / edges.max(), [1.0]])


def seen(wave, labels=("vehicle", "pedestrian", "empty")) -> tuple[np.ndarray, np.ndarray]:
    takes = [t for camera in CAMERAS for t in plan_camera(camera, wave) if t.label is not None]
    inputs = np.array([descriptor(draw_scene(take.scene, 12)) for take in takes])
    return inputs, np.array([labels.index(take.label) for take in takes])


def accuracy(train, test) -> float:
    """Of a ridge regression on one-hot labels, the simplest model that learns."""
    inputs, labels = train
    square = inputs.T @ inputs + 0.5 * np.eye(inputs.shape[1])
    weights = np.linalg.solve(square, inputs.T @ np.eye(3)[labels])
    return float(((test[0] @ weights).argmax(axis=1) == test[1]).mean())


def test_a_model_that_saw_both_waves_beats_one_of_wave_1_on_wave_2() -> None:
    (first, first_labels), (second, second_labels) = seen(1), seen(2)
    held = np.arange(len(second)) % 2 == 0
    test = second[held], second_labels[held]
    both = np.vstack([first, second[~held]]), np.append(first_labels, second_labels[~held])

    before, after = accuracy((first, first_labels), test), accuracy(both, test)

    assert before < 0.7
    assert after > before + 0.2
    assert after > 0.8


def test_the_truth_is_json(waves) -> None:
    for wave in waves:
        told = json.loads(json.dumps(wave.to_json()))
        assert told == wave.to_json()
        assert len(told["files"]) == 120
        assert told["best_possible_accuracy"] == wave.best_possible_accuracy


def test_importing_the_room_imports_nothing_heavy() -> None:
    code = (
        "import sys, mlops_assets.samples\n"
        "print(sorted({'av', 'PIL', 'cv2', 'torch', 'dagster'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert shown.stdout.strip() == "[]"
