"""Red-black successive over-relaxation of the equations, both components of a pixel at once.

A pixel's four neighbours have the other colour, so all pixels of a colour change together and the
result depends on no order, tile or batch. Reference: Young 1971, chapter 4; point coupling: Bruhn
2006, section 4.2.
"""

from __future__ import annotations

from mlops_assets.flow.arrays import Array, array_module
from mlops_assets.flow.solvers.variational.reference.system import System

_COLOURS = (((0, 0), (1, 1)), ((0, 1), (1, 0)))  # (row, column) parities: red, then black


def relax(
    equations: System, flow: tuple[Array, Array], *, sweeps: int, relaxation: float
) -> tuple[Array, Array]:
    """Sweep over the pixels, red then black.

    Args:
        equations: float32 (B, H, W) each.
        flow: (u, v) to start from.
        sweeps: how often.
        relaxation: over-relaxation factor, in (0, 2).

    Returns:
        (u, v) after the last sweep.
    """
    xp = array_module(flow[0])
    omega = xp.float32(relaxation)
    links = _links(equations)
    i11, i12, i22 = _inverse(equations, links)
    u, v = (xp.pad(component, ((0, 0), (1, 1), (1, 1))) for component in flow)
    for _ in range(sweeps):
        for colour in _COLOURS:
            for row, column in colour:
                own = (slice(None), slice(row, None, 2), slice(column, None, 2))
                near = [link[own] for link in links]
                around_u = equations.b1[own] + _gather(u, near, row, column)
                around_v = equations.b2[own] + _gather(v, near, row, column)
                middle = (slice(None), slice(row + 1, -1, 2), slice(column + 1, -1, 2))
                u[middle] += omega * (i11[own] * around_u + i12[own] * around_v - u[middle])
                v[middle] += omega * (i12[own] * around_u + i22[own] * around_v - v[middle])
    return u[:, 1:-1, 1:-1].copy(), v[:, 1:-1, 1:-1].copy()


def _links(equations: System) -> list[Array]:
    """Weights to the left, right, upper and lower neighbour; 0 across the border."""
    xp = array_module(equations.right)
    left = xp.pad(equations.right[:, :, :-1], ((0, 0), (0, 0), (1, 0)))
    above = xp.pad(equations.below[:, :-1], ((0, 0), (1, 0), (0, 0)))
    return [left, equations.right, above, equations.below]


def _inverse(equations: System, links: list[Array]) -> tuple[Array, Array, Array]:
    """Inverse of each pixel's 2 x 2 matrix."""
    total = (links[0] + links[1]) + (links[2] + links[3])
    a11, a22 = equations.a11 + total, equations.a22 + total
    per_determinant = 1 / (a11 * a22 - equations.a12 * equations.a12)
    return a22 * per_determinant, -equations.a12 * per_determinant, a11 * per_determinant


def _gather(padded: Array, near: list[Array], row: int, column: int) -> Array:
    """Sum of the four neighbours' values, weighted, for pixels of one parity."""
    height, width = near[0].shape[1:]
    rows = slice(row + 1, row + 1 + 2 * height, 2)
    columns = slice(column + 1, column + 1 + 2 * width, 2)

    def shifted(part: slice, offset: int) -> slice:
        return slice(part.start + offset, part.stop + offset, 2)

    left, right, upper, lower = near
    across = (
        left * padded[:, rows, shifted(columns, -1)] + right * padded[:, rows, shifted(columns, 1)]
    )
    down = (
        upper * padded[:, shifted(rows, -1), columns] + lower * padded[:, shifted(rows, 1), columns]
    )
    return across + down
