"""The plan of one camera and wave: what is recorded when, under which name, with which label."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Literal

import numpy as np

from mlops_assets.samples.scenes import LABELS, Scene, SceneLabel, object_size, seed_of
from mlops_assets.samples.truth import LabelOrigin, TimeOrigin

Wave = Literal[1, 2]
Fault = Literal["", "damaged", "truncated", "racing"]
"""Pictures are lost, the end is missing, the clock of the camera ran a thousand times too fast."""

LOCAL_TIME = timezone(timedelta(hours=1))
WAVE_STARTS: dict[Wave, datetime] = {
    1: datetime(2026, 11, 5, 7, 0, tzinfo=LOCAL_TIME),
    2: datetime(2026, 11, 12, 7, 0, tzinfo=LOCAL_TIME),
}
CLIPS, STILLS, FRAMES_PER_CLIP = 16, 20, 30
_DAMAGED_CLIP, _STOPPED_CLIP, _CUT_CLIP = 14, 15, 2
_CUT_FRAME = 18
_CSV_LABEL_EVERY = 4
_OFF_CENTRE_PX = 24
_BROKEN_SIDECAR_STILL = 12
_CLIP_TIMES: dict[int, TimeOrigin] = {3: "name", 7: "container"}
_STILL_TIMES: dict[int, TimeOrigin] = {4: "exif", 9: "file", _BROKEN_SIDECAR_STILL: "name"}


@dataclass(frozen=True)
class Camera:
    """One camera, and the ways in which its recordings arrive.

    Attributes:
        source: first folder in the landing zone.
        places: backdrops; the second one appears after a cut.
        device: as the sidecars call it.
        labels_in_csv: every fourth recording is labelled in `labels.csv`, not in its sidecar.
        odd_names: names of some stills by index; `{wave}` keeps the waves apart.
        faults: what is wrong with some clips, by index.
    """

    source: str
    places: tuple[str, str]
    device: str
    labels_in_csv: bool
    odd_names: dict[int, str]
    faults: dict[int, Fault]


CAMERAS = (
    Camera(
        source="camera-01",
        places=("north-gate", "loading-dock"),
        device="axis-p1455",
        labels_in_csv=False,
        odd_names={1: "gate view {wave}.png", 6: "speed=30, lane={wave}.jpg"},
        faults={_DAMAGED_CLIP: "damaged", _STOPPED_CLIP: "truncated"},
    ),
    Camera(
        source="camera-02",
        places=("car-park", "side-street"),
        device="bosch-3000i",
        labels_in_csv=True,
        odd_names={
            1: "entrée de l'été {wave}.png",
            6: "駐車場-日本-{wave}.jpg",
            11: "overview-of-the-" + "very-" * 32 + "long-name-of-wave-{wave}.png",
        },
        faults={_DAMAGED_CLIP: "damaged", _STOPPED_CLIP: "racing"},
    ),
)


@dataclass(frozen=True)
class Look:
    """How a wave looks and moves. Motion is (x, y) in px per frame; the sign is drawn per clip."""

    brightness: float
    colours: dict[SceneLabel, tuple[int, int, int]]
    colour_names: dict[SceneLabel, str]
    speeds_px: dict[SceneLabel, tuple[tuple[float, float], ...]]


_RED, _BLUE = (205, 60, 45), (45, 85, 210)
LOOKS: dict[Wave, Look] = {
    1: Look(
        brightness=1.0,
        colours={"vehicle": _RED, "pedestrian": _BLUE},
        colour_names={"vehicle": "red", "pedestrian": "blue"},
        speeds_px={"vehicle": ((3, 0), (4, 0)), "pedestrian": ((1, 0),)},
    ),
    2: Look(
        brightness=0.45,
        colours={"vehicle": _BLUE, "pedestrian": _RED},
        colour_names={"vehicle": "blue", "pedestrian": "red"},
        speeds_px={"vehicle": ((0, 5),), "pedestrian": ((0, 2),)},
    ),
}
DRIFTED_FEATURES = ("brightness", "colour", "motion")


@dataclass(frozen=True)
class Take:
    """One planned recording.

    Attributes:
        kind: a clip or a still.
        path: POSIX path below the source's folder.
        scene: what it shows; its label is the true one.
        captured_at: aware.
        time_from: the best place that time can be read from; only `sidecar` has a good sidecar.
        label: what the annotator says; None for nothing.
        label_from: where that is said; empty with label None.
        cuts: frame numbers at which a shot begins.
        fault: what is wrong with the file.
        has_broken_sidecar: the sidecar is there and is no JSON.
    """

    kind: Literal["video", "image"]
    path: str
    scene: Scene
    captured_at: datetime
    time_from: TimeOrigin
    label: SceneLabel | None
    label_from: LabelOrigin
    cuts: tuple[int, ...] = ()
    fault: Fault = ""
    has_broken_sidecar: bool = False


def plan_camera(camera: Camera, wave: Wave) -> tuple[Take, ...]:
    """Everything a camera records in a wave: 16 clips and 20 stills.

    In each kind exactly one label is wrong.

    Args:
        camera: which camera.
        wave: 1 or 2; chooses the day and the look.

    Returns:
        The clips, then the stills, in the order of their times.
    """
    clips = [_clip(camera, wave, index) for index in range(CLIPS)]
    stills = [_still(camera, wave, index) for index in range(STILLS)]
    words = (camera.source, wave)
    return (*_with_one_wrong_label(clips, *words), *_with_one_wrong_label(stills, *words))


def _clip(camera: Camera, wave: Wave, index: int) -> Take:
    at = WAVE_STARTS[wave] + timedelta(minutes=11 * index, seconds=index)
    name = f"clip_{at:%Y-%m-%dT%H-%M-%S}.mp4"
    if _CLIP_TIMES.get(index) == "container":
        name = f"DSC{wave}{index:03}.mp4"
    folder = f"archive/{at:%Y-%m-%d}/" if 10 <= index < _DAMAGED_CLIP else ""
    fault = camera.faults.get(index, "")
    is_stopped = fault in ("truncated", "racing")
    time_from = "name" if is_stopped else _CLIP_TIMES.get(index, "sidecar")
    label_from = "" if is_stopped else _label_origin(camera, index, time_from)
    scene = _scene(camera, wave, "clip", index)
    return Take(
        kind="video",
        path=folder + name,
        scene=scene,
        captured_at=at,
        time_from=time_from,
        label=scene.label if label_from else None,
        label_from=label_from,
        cuts=(_CUT_FRAME,) if index == _CUT_CLIP else (),
        fault=fault,
    )


def _still(camera: Camera, wave: Wave, index: int) -> Take:
    at = WAVE_STARTS[wave] + timedelta(hours=4, minutes=9 * index, seconds=2 * index)
    time_from = _STILL_TIMES.get(index, "sidecar")
    is_broken = index == _BROKEN_SIDECAR_STILL
    label_from = "" if is_broken else _label_origin(camera, index, time_from)
    scene = replace(_scene(camera, wave, "still", index), motion=(0.0, 0.0))
    return Take(
        kind="image",
        path=_still_path(camera, wave, index, at),
        scene=scene,
        captured_at=at,
        time_from=time_from,
        label=scene.label if label_from else None,
        label_from=label_from,
        has_broken_sidecar=is_broken,
    )


def _still_path(camera: Camera, wave: Wave, index: int, at: datetime) -> str:
    if index in camera.odd_names:
        return camera.odd_names[index].format(wave=wave)
    if _STILL_TIMES.get(index) == "exif":
        return f"DSC{wave}{index:03}.jpg"
    if _STILL_TIMES.get(index) == "file":
        return f"snapshot-{wave}-{index}.png"
    folder = "hand held/evening/" if index >= 16 else ""
    return f"{folder}IMG_{at:%Y%m%d_%H%M%S}.{'png' if index % 2 else 'jpg'}"


def _label_origin(camera: Camera, index: int, time_from: TimeOrigin) -> LabelOrigin:
    if camera.labels_in_csv and index % _CSV_LABEL_EVERY == 1:
        return "labels.csv"
    return "sidecar" if time_from == "sidecar" else ""


def _scene(camera: Camera, wave: Wave, kind: str, index: int) -> Scene:
    seed = seed_of(camera.source, wave, kind, index)
    rng = np.random.default_rng(seed)
    look, label = LOOKS[wave], LABELS[index % len(LABELS)]
    speeds = look.speeds_px.get(label, ((0.0, 0.0),))
    step = speeds[rng.integers(len(speeds))]
    sign = float(rng.choice((-1, 1)))
    scene = Scene(
        label=label,
        backdrop=camera.places[0],
        motion=(sign * step[0] + 0.0, sign * step[1] + 0.0),
        colour=look.colours.get(label, (0, 0, 0)),
        brightness=look.brightness * float(rng.uniform(0.94, 1.06)),
        seed=seed,
    )
    return replace(scene, centre=_start(scene, rng))


def _start(scene: Scene, rng: np.random.Generator) -> tuple[float, float]:
    """A first position from which the object crosses the middle and never leaves the picture."""
    start = []
    for axis in (0, 1):
        travel = scene.motion[axis] * (FRAMES_PER_CLIP - 1)
        room = (scene.size[axis] - object_size(scene)[axis] - abs(travel)) / 2
        offset = rng.uniform(-1, 1) * max(0.0, min(room, _OFF_CENTRE_PX))
        start.append(float(round((scene.size[axis] - travel) / 2 + offset)))
    return start[0], start[1]


def _with_one_wrong_label(takes: list[Take], *words: object) -> list[Take]:
    labelled = [at for at, take in enumerate(takes) if take.label is not None and not take.fault]
    rng = np.random.default_rng(seed_of(*words, takes[0].kind, "wrong label"))
    wrong = int(rng.choice(labelled))
    others = [label for label in LABELS if label != takes[wrong].label]
    changed = replace(takes[wrong], label=others[rng.integers(len(others))])
    return [*takes[:wrong], changed, *takes[wrong + 1 :]]
