"""Picture pairs whose motion is known exactly: textured layers that move over one another.

Nothing is warped: a layer is a function of the plane, so a picture of any moment is drawn anew and
the flow between two of them is a formula. Coordinates are (x, y) px, x right and y down, the centre
of the first pixel at (0, 0); flow is (2, H, W), (dx, dy), as everywhere.
"""

from __future__ import annotations

from mlops_assets.samples.motion.drawing import (
    MotionPair,
    exact_motion,
    render_motion,
    scene_levels,
)
from mlops_assets.samples.motion.kinds import MOTION_SCENES, MotionKind, SceneKind, motion_scene
from mlops_assets.samples.motion.layers import Layer, Light, Motion, MotionScene, Texture

__all__ = [
    "MOTION_SCENES",
    "Layer",
    "Light",
    "Motion",
    "MotionKind",
    "MotionPair",
    "MotionScene",
    "SceneKind",
    "Texture",
    "exact_motion",
    "motion_scene",
    "render_motion",
    "scene_levels",
]
