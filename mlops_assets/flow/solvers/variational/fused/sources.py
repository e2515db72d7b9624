"""The CUDA source of the kernels, and the constants that launches and kernels share."""

from __future__ import annotations

import re
from pathlib import Path

KERNEL_FILES = (
    "planes.cu",
    "pyramid.cu",
    "warp.cu",
    "system.cu",
    "relaxation.cu",
    "median.cu",
    "matching.cu",
    "packing.cu",
    "statistics.cu",
)

PIXEL_BLOCK = (32, 8)
"""Threads (x, y) of a kernel with one thread a pixel."""

SYSTEM_TILE = 32
SYSTEM_BLOCK = (SYSTEM_TILE, 8)
"""Pixels on a side, and threads, of a block that makes equations."""

RELAX_TILE = 64
RELAX_ROWS = 4
RELAX_BLOCK = (RELAX_TILE // 2, RELAX_TILE // RELAX_ROWS)
"""Pixels on a side of a block that relaxes, rows of a thread, and threads."""

MATCH_BLOCK = (32, 8)
"""Threads of a block that searches: cells in a row, and rows of cells or shares of the search."""

MOST_WINDOW_CELLS = 4
RANK_BITS = 12
"""Bounds of the search: half its window, and displacements as a power of two."""

MEASURE_TILE = 32
MEASURE_BLOCK = (MEASURE_TILE, 4)
"""Pixels on a side, and threads, of a block that adds up statistics."""

DIGIT_BLOCK = (256, 1)
DIGIT_PIXELS = 8192
"""Threads of a block that counts digits, and pixels it counts."""

DEFINITIONS = {
    "PIXEL_BLOCK_X": PIXEL_BLOCK[0],
    "PIXEL_BLOCK_Y": PIXEL_BLOCK[1],
    "SYSTEM_TILE": SYSTEM_TILE,
    "SYSTEM_BLOCK_Y": SYSTEM_BLOCK[1],
    "RELAX_TILE": RELAX_TILE,
    "RELAX_ROWS": RELAX_ROWS,
    "MATCH_BLOCK_X": MATCH_BLOCK[0],
    "MATCH_BLOCK_Y": MATCH_BLOCK[1],
    "MOST_WINDOW_CELLS": MOST_WINDOW_CELLS,
    "RANK_BITS": RANK_BITS,
    "MEASURE_TILE": MEASURE_TILE,
    "MEASURE_BLOCK_Y": MEASURE_BLOCK[1],
    "DIGIT_THREADS": DIGIT_BLOCK[0],
    "DIGIT_PIXELS": DIGIT_PIXELS,
}

COMPILE_OPTIONS = (
    "--std=c++17",
    "--fmad=false",  # (a*b - c*d) of equal products must be 0, and g++ must get the same bits
    *(f"-D{name}={value}" for name, value in DEFINITIONS.items()),
)
"""For nvrtc, beside the architecture."""


def kernel_source() -> str:
    """All kernels as one translation unit; `#line` keeps the file names in messages."""
    folder = Path(__file__).with_name("kernels")
    return "".join(
        f'#line 1 "{name}"\n{(folder / name).read_text(encoding="utf-8")}' for name in KERNEL_FILES
    )


def kernel_names(source: str | None = None) -> list[str]:
    """Every kernel of a source, in its order; of ours, when none is given."""
    bounds = r"(?:__launch_bounds__\([^)]*\)\s+)?"
    return re.findall(rf'extern "C" __global__ void {bounds}(\w+)\(', source or kernel_source())
