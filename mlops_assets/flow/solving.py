"""Solve batches of pairs as an unattended run must: within the memory there is, within one method.

Running out of memory halves the batch; a single pair that does not fit goes to the next backend of
the same method. Which backend it was, and why, comes back with every pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mlops_assets.errors import ConfigurationError
from mlops_assets.flow.arrays import DeviceMemoryExhausted, to_host
from mlops_assets.flow.backends import backends_of, best_backend
from mlops_assets.flow.dense import BackendName, dense_flow
from mlops_assets.flow.fields import Backend, Preset


@dataclass(frozen=True)
class Solver:
    """What is solved, how thoroughly, and by which program.

    Attributes:
        method: the algorithm, one of `flow.METHODS`.
        preset: its effort.
        backend: the program to begin with; `auto` for the preferred one that runs here.
    """

    method: str = "vr"
    preset: Preset = "balanced"
    backend: str = "auto"

    def backends(self) -> tuple[Backend, ...]:
        """The programs that may solve a pair, in the order in which they are tried.

        Raises:
            ConfigurationError: no such method; the backend solves another one or cannot run here;
                or no backend of the method runs here.
        """
        known = backends_of(self.method)
        if self.backend == "auto":
            best_backend(self.method)  # says why none runs, when none does
            return tuple(one for one in known if one.unavailable() is None)
        named = [one for one in known if one.name == self.backend]
        if not named:
            raise ConfigurationError(
                f"backend {self.backend!r} does not solve method {self.method!r}; expected auto "
                f"or one of {[one.name for one in known]}"
            )
        missing = named[0].unavailable()
        if missing is not None:
            raise ConfigurationError(f"backend {self.backend!r} cannot run here: {missing}")
        others = (one for one in known if one is not named[0] and one.unavailable() is None)
        return (*named, *others)

    def fallback_reason(self) -> str | None:
        """Why `auto` does not begin with the preferred backend; None when it does."""
        preferred = backends_of(self.method)[0]
        missing = preferred.unavailable() if self.backend == "auto" else None
        return missing and f"{preferred.name}: {missing}"


@dataclass(frozen=True, eq=False)
class Solved:
    """One pair's flow and which program gave it.

    Attributes:
        flow: float32 (2, H, W), on the host.
        backend: the program that ran.
        fallback_reason: why it was not the preferred one; None when it was.
    """

    flow: NDArray[np.float32]
    backend: str
    fallback_reason: str | None


def solve_pairs(
    frames: NDArray[np.uint8], between: NDArray[np.intp], solver: Solver
) -> list[Solved]:
    """Flow of pairs of frames; a pair's numbers do not depend on what happened to the others.

    Args:
        frames: uint8 (N, H, W) gray or (N, H, W, 3) sRGB.
        between: (B, 2) indices into the frames: from, to. B may be 0.
        solver: what to solve, and how.

    Returns:
        One a pair, in order.

    Raises:
        ConfigurationError: as `Solver.backends`.
        MemoryError: a single pair fits no backend.
        ShapeError: as `dense_flow`.
    """
    backends = solver.backends()
    if not len(between):
        return []
    return list(_solve(frames, between, backends, solver.preset, solver.fallback_reason()))


def _solve(
    frames: NDArray[np.uint8],
    between: NDArray[np.intp],
    backends: Sequence[Backend],
    preset: Preset,
    reason: str | None,
) -> Iterator[Solved]:
    chosen, *others = backends
    name = cast(BackendName, chosen.name)
    used, places = np.unique(between, return_inverse=True)
    mine = frames if len(used) == len(frames) else frames[used]
    try:
        batch = dense_flow(mine, between=places.reshape(-1, 2), preset=preset, backend=name)
        fields = to_host(batch.flow)
    except (MemoryError, DeviceMemoryExhausted) as err:
        told = str(err) or "out of memory"
    else:
        yield from (Solved(field, batch.backend, reason) for field in fields)
        return
    if len(between) > 1:
        half = len(between) // 2
        yield from _solve(frames, between[:half], backends, preset, reason)
        yield from _solve(frames, between[half:], backends, preset, reason)
    elif others:
        yield from _solve(frames, between, others, preset, f"{chosen.name}: {told}")
    else:
        raise MemoryError(f"one pair of {frames.shape[1:3]} pixels does not fit: {told}")
