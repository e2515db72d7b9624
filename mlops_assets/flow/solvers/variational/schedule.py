"""Every number of the variational method, and the sizes that follow from them.

Both programs of the method (`reference`, `fused`) read this file and nothing else, so a change here
changes both alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mlops_assets.flow.fields import Preset

METHOD = "variational"
VERSION = "1"


@dataclass(frozen=True)
class Energy:
    """What is minimised, for gray values 0..255 and flow in pixels.

    Attributes:
        smoothness: weight of the flow's own variation (alpha).
        gradient: weight of gradient constancy (gamma).
        brightness: weight of brightness constancy (delta).
        data_width: normalised residuals below it cost as their square, above as their size
            (epsilon).
        flow_width_px: the same for the flow's variation, pixels per pixel.
        gradient_floor: gray values per pixel; gradients below it carry no data (zeta).
        edge_contrast: gray values; between two pixels this far apart the flow breaks twice as
            easily.
        outlier_contrast: gray values per pixel; where the gradients of the two pictures differ by
            this much (an occlusion), data count half.
    """

    smoothness: float = 20.0
    gradient: float = 10.0
    brightness: float = 2.5
    data_width: float = 0.1
    flow_width_px: float = 0.035
    gradient_floor: float = 0.3
    edge_contrast: float = 8.0
    outlier_contrast: float = 16.0


@dataclass(frozen=True)
class Matching:
    """The search that finds motion too large for the pyramid, and how much it is believed.

    Attributes:
        cells_across: the longer side is divided into at most so many cells, ...
        smallest_cell_px: ... each at least this long.
        radius_cells: how far to look, each way; at most 31.
        window_cells: half width of the square over which costs are added.
        threshold: gray values; cells closer than this count as equal.
        uniqueness: a match is fully believed when the next best costs this share more.
        weight: of the match in the energy (beta).
        width_px: pixels of the level; nearer than this, a match pulls by distance squared.
        coarseness: levels take part whose pixel spans at least so many cells.
    """

    cells_across: int = 256
    smallest_cell_px: int = 4
    radius_cells: int = 16
    window_cells: int = 3
    threshold: float = 2.0
    uniqueness: float = 0.15
    weight: float = 30.0
    width_px: float = 1.0
    coarseness: float = 2.0

    def cell_px(self, height: int, width: int) -> int:
        """Side of a cell for pictures of a size, in pixels."""
        return max(self.smallest_cell_px, math.ceil(max(height, width) / self.cells_across))


@dataclass(frozen=True)
class Effort:
    """Work on one pyramid level.

    Attributes:
        warps: how often the second picture is warped anew.
        updates: how often per warp the robust weights are computed anew.
        sweeps: red-black relaxation sweeps per update.
    """

    warps: int
    updates: int
    sweeps: int


@dataclass(frozen=True)
class Schedule:
    """One preset.

    Attributes:
        efforts: work per level, the finest that is solved first; the last serves all coarser ones.
        energy: what is minimised.
        matching: the search for large motion.
        finest_level: 0 solves at full size; 1 leaves the last enlargement to interpolation.
        ratio: size of a level over that of the next finer one.
        smallest_side_px: no level but level 0 has a shorter side under this.
        presmooth_px: standard deviation of the Gaussian over a full-size picture.
        relaxation: over-relaxation factor of a sweep (omega).
    """

    efforts: tuple[Effort, ...]
    energy: Energy = Energy()
    matching: Matching = Matching()
    finest_level: int = 0
    ratio: float = 0.5
    smallest_side_px: int = 12
    presmooth_px: float = 0.6
    relaxation: float = 1.9

    def effort(self, level: int) -> Effort:
        """Work on a level, 0 being full size."""
        return self.efforts[min(max(level - self.finest_level, 0), len(self.efforts) - 1)]

    def is_matched(self, level: int, full: tuple[int, int]) -> bool:
        """Whether matches pull the flow on a level (0 is full size) of (height, width) pictures."""
        cell_px = self.matching.cell_px(*full)
        return self.ratio**-level >= self.matching.coarseness * cell_px


PRESETS: dict[Preset, Schedule] = {
    "fast": Schedule(
        (Effort(2, 2, 5), Effort(4, 2, 5)),
        finest_level=1,
        matching=Matching(cells_across=128, radius_cells=16, window_cells=2),
    ),
    "balanced": Schedule(
        (Effort(2, 1, 5), Effort(2, 2, 5), Effort(6, 2, 5)),
        matching=Matching(cells_across=192, radius_cells=14),
    ),
    "quality": Schedule(
        (Effort(2, 2, 5), Effort(2, 2, 5), Effort(4, 2, 5), Effort(6, 2, 5)),
        ratio=0.7,
        matching=Matching(cells_across=256, radius_cells=16, coarseness=1.4),
    ),
}


def level_sizes(height: int, width: int, schedule: Schedule) -> list[tuple[int, int]]:
    """Sizes of the pyramid, full size first.

    Args:
        height: pixels.
        width: pixels.
        schedule: gives the ratio and the smallest side.

    Returns:
        (height, width) per level, at least one; level k is `ratio**k` of full size, halves up.
    """
    sizes = [(height, width)]
    while True:
        scale = schedule.ratio ** len(sizes)
        size = math.floor(height * scale + 0.5), math.floor(width * scale + 0.5)
        if min(size) < schedule.smallest_side_px:
            return sizes
        sizes.append(size)


def gaussian_taps(sigma_px: float) -> list[float]:
    """Weights of a sampled Gaussian, centre first: the kernel is symmetric.

    Args:
        sigma_px: standard deviation, pixels, > 0.

    Returns:
        Weights at 0, 1, ... up to 3 standard deviations (rounded up); the whole kernel sums to 1.
    """
    radius = math.ceil(3 * sigma_px)
    taps = [math.exp(-0.5 * (offset / sigma_px) ** 2) for offset in range(radius + 1)]
    total = taps[0] + 2 * sum(taps[1:])
    return [tap / total for tap in taps]


def reduction_sigma_px(ratio: float) -> float:
    """Blur before a picture shrinks by `ratio`, as if its pixels were Gaussians of 0.6 px.

    Args:
        ratio: new size over old, in (0, 1).

    Returns:
        Standard deviation in pixels of the larger picture.
    """
    return 0.6 * math.sqrt(1 / ratio**2 - 1)
