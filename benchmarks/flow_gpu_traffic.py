"""How many bytes the kernels must move, and how long that would take at a rate: an estimate.

Each launch is charged with every value it reads or writes once, at its full size: what caches save
beyond that is not counted, nor what tiles read twice. A launch takes at least `LAUNCH_S`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlops_assets.flow.solvers.variational.fused.program import Launch, Program
from mlops_assets.flow.solvers.variational.fused.solve import workspace_bytes, write_program
from mlops_assets.flow.solvers.variational.schedule import PRESETS

LAUNCH_S = 3e-6
"""A kernel of next to no work, back to back with others in a graph; recalled, not measured."""

RATES = {"H100": 3.35e12, "H200": 4.8e12}
"""Bytes a second of device memory, as published."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Traffic:
    """What one kernel of a program moves.

    Args:
        launches: how many.
        bytes: of all of them.
    """

    launches: int
    bytes: int


def traffic(launches: Iterable[Launch]) -> dict[str, Traffic]:
    """By kernel."""
    found: dict[str, Traffic] = {}
    for launch in launches:
        before = found.get(launch.kernel, Traffic(0, 0))
        found[launch.kernel] = Traffic(before.launches + 1, before.bytes + launch_bytes(launch))
    return found


def launch_bytes(launch: Launch) -> int:
    """Bytes one launch reads and writes; 0 for a kernel of next to no work."""
    numbers = [int(value) for value in launch.arguments if isinstance(value, np.int32)]
    model = _MODELS.get(launch.kernel)
    return launch.grid[2] * model(numbers) if model else 0


def estimated_s(launches: Iterable[Launch], bytes_per_s: float) -> float:
    """Seconds of a program on a device that only memory and launches hold up."""
    return sum(max(LAUNCH_S, launch_bytes(launch) / bytes_per_s) for launch in launches)


def weighed_program(size: Size, preset: str, pairs: int) -> Program:
    """The program of a clip's successive pairs, in memory that is none."""
    write = partial(
        write_program,
        frames=pairs + 1,
        pairs=pairs,
        size=size,
        schedule=PRESETS[preset],  # pyright: ignore[reportArgumentType]
    )
    kept: list[Program] = []
    workspace_bytes(lambda memory: kept.append(write(memory)) or kept[0])
    return kept[0]


def _a_pixel(bytes_of_one: int, first: int = 0) -> Callable[[list[int]], int]:
    """So many bytes for each pixel; `first`: which of the whole numbers is the height."""
    return lambda numbers: bytes_of_one * numbers[first] * numbers[first + 1]


def _resized(numbers: list[int]) -> int:
    old_height, old_width, height, width = numbers[:4]
    return 4 * (old_height * old_width + height * width)


def _searched(times: int) -> Callable[[list[int]], int]:
    """All costs of two bytes, so many times."""

    def model(numbers: list[int]) -> int:
        rows, columns, radius = numbers[-3:]
        return 2 * times * (2 * radius + 1) ** 2 * rows * columns

    return model


def _costed(numbers: list[int]) -> int:
    return _searched(1)(
        numbers[:-1]
    )  # the last is the window; the tiles' grid has one plane a pair


_MODELS: dict[str, Callable[[list[int]], int]] = {
    "clear": _a_pixel(4),
    "blur_down_bytes": _a_pixel(5, first=1),
    "blur_down": _a_pixel(8, first=1),
    "blur_across": _a_pixel(8, first=1),
    "resize": _resized,
    "warp": _a_pixel(4 + 8 + 4),
    "system_equations": _a_pixel(4 + 4 + 8 + 8 + 28),
    "relax": _a_pixel(28 + 8 + 8),
    "median": _a_pixel(8),
    "sum_cells": _a_pixel(1),
    "match_costs": _costed,
    "match_keys": _searched(2),
    "match_confidence": _searched(1),
    "pull": _a_pixel(8 + 2 * 16),
    "measure_flow": _a_pixel(8 + 2),
    "count_digits": _a_pixel(8),
    "pack": _a_pixel(4 + 2),
}
