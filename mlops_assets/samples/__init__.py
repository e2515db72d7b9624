"""Renders small sample media whose truth is known: what moves, what is damaged, what drifts.

Tests make their inputs here, and the demonstration fills a landing zone with it, wave by wave.
Truth is data: whatever a file shows, and what must become of it, is returned beside it.
"""

from __future__ import annotations

from mlops_assets.samples.clips import ClipTruth, encode_clip, render_clip
from mlops_assets.samples.documents import render_pdf
from mlops_assets.samples.faults import (
    damage_middle,
    truncate,
    write_junk,
    write_pixel_bomb,
)
from mlops_assets.samples.motion import (
    MOTION_SCENES,
    Layer,
    Light,
    Motion,
    MotionKind,
    MotionPair,
    MotionScene,
    SceneKind,
    exact_motion,
    motion_scene,
    render_motion,
    scene_levels,
)
from mlops_assets.samples.scenes import (
    LABELS,
    Scene,
    SceneLabel,
    draw_scene,
    read_frame_number,
    stamp_frame_number,
)
from mlops_assets.samples.stills import render_still, save_still
from mlops_assets.samples.truth import FILES_PER_SOURCE_AND_WAVE, SOURCES, FileTruth, WaveTruth
from mlops_assets.samples.waves import render_wave

__all__ = [
    "FILES_PER_SOURCE_AND_WAVE",
    "LABELS",
    "MOTION_SCENES",
    "SOURCES",
    "ClipTruth",
    "FileTruth",
    "Layer",
    "Light",
    "Motion",
    "MotionKind",
    "MotionPair",
    "MotionScene",
    "Scene",
    "SceneKind",
    "SceneLabel",
    "WaveTruth",
    "damage_middle",
    "draw_scene",
    "encode_clip",
    "exact_motion",
    "motion_scene",
    "read_frame_number",
    "render_clip",
    "render_motion",
    "render_pdf",
    "render_still",
    "render_wave",
    "save_still",
    "scene_levels",
    "stamp_frame_number",
    "truncate",
    "write_junk",
    "write_pixel_bomb",
]
