"""Methods of optical flow to compare, ours and others', and the pairs they are compared on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from mlops_assets.flow import BACKENDS, Preset, dense_flow
from mlops_assets.flow.evaluation import TruePair, find_pairs, read_pair
from mlops_assets.samples.motion import (
    Motion,
    MotionKind,
    MotionScene,
    motion_scene,
    render_motion,
)

REAL_PAIRS = Path(__file__).parents[2] / "shared" / "media" / "flow"
"""Where pairs with measured truth lie beside the project; they may not be given on with it."""

KINDS: tuple[MotionKind, ...] = get_args(MotionKind)
_FIRST_SEED = 7_100
"""Scenes drawn for this benchmark alone; nothing was tuned on them."""

Solve = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Method:
    """One way to solve for flow, one thread.

    Args:
        name: as the tables call it.
        solve: gray uint8 (2, H, W) in, float32 (2, H, W) out.
        backend: of ours; empty for others.
        preset: likewise.
    """

    name: str
    solve: Solve
    backend: str = ""
    preset: str = ""


@dataclass(frozen=True, eq=False)
class NamedPair:
    """One pair and where it comes from.

    Args:
        group: `real`, or the kind of a rendered scene.
        name: within the group.
        pair: pictures and truth, gray.
        twice: the same with the motion of two steps, where there is one.
    """

    group: str
    name: str
    pair: TruePair
    twice: TruePair | None = None


DIS_MEDIUM = "OpenCV DIS medium"
ALONE = ", solver alone"
"""Ends the name of a solver of ours that is called without our function around it."""


def methods() -> list[Method]:
    """Every backend of ours that runs here, in every preset, then what others offer."""
    return [*_ours(), *_opencv(), *_scikit_image(), *_alone("opencv-vr", "balanced")]


def _ours() -> Iterator[Method]:
    for name, backend in BACKENDS.items():
        if backend.unavailable() is None:
            for preset in get_args(Preset):
                yield Method(f"{name} {preset}", _our_solve(name, preset), name, preset)


def _alone(name: str, preset: Preset) -> Iterator[Method]:
    """A backend's solver: what our function adds to it is what it costs less."""
    backend, pairs = BACKENDS.get(name), np.array([[0, 1]])
    if backend is not None:
        solve = backend.solve
        yield Method(f"{name} {preset}{ALONE}", lambda frames: solve(frames, pairs, preset)[0])


def _our_solve(backend: str, preset: Preset) -> Solve:
    def solve(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        return dense_flow(frames, preset=preset, backend=backend).flow[0]  # pyright: ignore[reportArgumentType]

    return solve


def _opencv() -> Iterator[Method]:
    import cv2

    def dis(frames: NDArray[np.uint8], finest_scale: int) -> NDArray[np.float32]:
        solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        solver.setFinestScale(finest_scale)
        found = solver.calc(*frames, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return np.moveaxis(np.asarray(found), -1, 0)

    def farneback(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = cv2.calcOpticalFlowFarneback(*frames, None, 0.5, 3, 15, 3, 5, 1.2, 0)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return np.moveaxis(np.asarray(found), -1, 0)

    yield Method(DIS_MEDIUM, lambda frames: dis(frames, 1))
    yield Method("OpenCV DIS medium, finest scale 0", lambda frames: dis(frames, 0))
    yield Method("OpenCV Farneback", farneback)


def _scikit_image() -> Iterator[Method]:
    """None where scikit-image is not installed: it is needed for nothing else."""
    if scikit_image_version() is None:
        return
    from skimage.registration import optical_flow_ilk, optical_flow_tvl1

    for name, solve in (("TV-L1", optical_flow_tvl1), ("ILK", optical_flow_ilk)):
        yield Method(f"scikit-image {name}", _in_our_order(solve))


def scikit_image_version() -> str | None:
    """The version others were measured with; None where it is not installed."""
    try:
        return metadata.version("scikit-image")
    except metadata.PackageNotFoundError:
        return None


def _in_our_order(solve: Callable[..., NDArray[np.float32]]) -> Solve:
    """scikit-image gives (row, column)."""
    return lambda frames: np.ascontiguousarray(solve(*frames, dtype=np.float32)[::-1])


def real_pairs(folder: Path | None) -> list[NamedPair]:
    """The pairs of a folder as gray pictures; none where there is no folder."""
    if folder is None or not folder.is_dir():
        return []
    return [
        NamedPair("real", files.name, _in_gray(read_pair(files)))
        for files in find_pairs(folder).pairs
    ]


def rendered_pairs(kind: MotionKind, count: int, size: tuple[int, int] | None) -> list[NamedPair]:
    """Scenes of a kind, and the same with twice the motion.

    Args:
        kind: of scene.
        count: how many.
        size: (width, height); that of the kind for None.
    """
    found = []
    for seed in range(_FIRST_SEED, _FIRST_SEED + count):
        scene = motion_scene(kind, seed=seed, size=size)
        found.append(NamedPair(kind, f"{kind} {seed}", _rendered(scene), _rendered(_twice(scene))))
    return found


def _rendered(scene: MotionScene) -> TruePair:
    made = render_motion(scene)
    return TruePair(np.stack([made.first, made.second]), made.flow, made.occluded)


def _twice(scene: MotionScene) -> MotionScene:
    """The second picture a step later, exactly: every part of each motion goes on as it did."""
    return replace(
        scene, layers=tuple(replace(one, motion=_on(one.motion)) for one in scene.layers)
    )


def _on(motion: Motion) -> Motion:
    (dx, dy), (tilt_x, tilt_y) = motion.shift_px, motion.perspective
    return Motion(
        shift_px=(2 * dx, 2 * dy),
        rotation_deg=2 * motion.rotation_deg,
        zoom=motion.zoom**2,
        shear=2 * motion.shear,
        perspective=(2 * tilt_x, 2 * tilt_y),
    )


def _in_gray(pair: TruePair) -> TruePair:
    import cv2

    if pair.frames.ndim == 3:
        return pair
    gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in pair.frames]
    return replace(pair, frames=np.stack(gray).astype(np.uint8))
