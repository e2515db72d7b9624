"""The linear equations of one update: data terms from the pictures, smoothness from the flow.

Brox et al. 2004 (doi:10.1007/978-3-540-24673-2_3), with the data terms normalised by the picture's
own gradient as in Zimmer et al. 2011 (doi:10.1007/s11263-011-0422-6) and in the variational
refinement of DeepFlow (Weinzaepfel et al. 2013, doi:10.1109/ICCV.2013.175).
"""

from __future__ import annotations

from typing import NamedTuple

from mlops_assets.flow.arrays import Array, array_module
from mlops_assets.flow.solvers.variational.reference.matching import Matches
from mlops_assets.flow.solvers.variational.schedule import Energy, Matching

Flow = tuple[Array, Array]


class Derivatives(NamedTuple):
    """Derivatives of a warped pair, float32 (B, H, W) each, gray values per pixel.

    `x`, `y`, `xx`, `xy`, `yy` of the mean of the two pictures; `t`, `xt`, `yt` of their difference.
    """

    x: Array
    y: Array
    t: Array
    xx: Array
    xy: Array
    yy: Array
    xt: Array
    yt: Array


class Pair(NamedTuple):
    """A pair of pictures, the second warped, with what stays the same until the next warp.

    Float32 (B, H, W) each: `first`; the `slopes` of both; `visibility`, the weight of the data;
    `start`, the flow (u, v) of the warp.
    """

    first: Array
    slopes: Derivatives
    visibility: Array
    start: Flow


class System(NamedTuple):
    """A(u, v) + smoothness = b, float32 (B, H, W) each, for the whole flow (u, v) at each pixel.

    `a11`, `a12`, `a22` and `b1`, `b2` hold the data and the match; `right` and `below` are the
    weights of smoothness between a pixel and its right and lower neighbour, 0 at the border.
    """

    a11: Array
    a12: Array
    a22: Array
    b1: Array
    b2: Array
    right: Array
    below: Array


def derivatives(first: Array, second: Array) -> Derivatives:
    """Derivatives of a pair whose second picture is warped already.

    Args:
        first: float32 (B, H, W).
        second: the same.
    """
    xp = array_module(first)
    mean, difference = xp.float32(0.5) * (first + second), second - first
    x, y = _slope(mean, axis=2), _slope(mean, axis=1)
    return Derivatives(
        x=x,
        y=y,
        t=difference,
        xx=_slope(x, axis=2),
        xy=_slope(x, axis=1),
        yy=_slope(y, axis=1),
        xt=_slope(difference, axis=2),
        yt=_slope(difference, axis=1),
    )


def system(pair: Pair, flow: Flow, energy: Energy) -> System:
    """Equations of the flow, robust weights taken at `flow`.

    Args:
        pair: the two pictures, the second warped.
        flow: (u, v) now.
        energy: weights and widths.
    """
    (u0, v0), slopes = pair.start, pair.slopes
    a11, a12, a22, c1, c2 = _data(slopes, flow[0] - u0, flow[1] - v0, energy)
    seen = pair.visibility
    a11, a12, a22 = a11 * seen, a12 * seen, a22 * seen
    right, below = _links(pair.first, flow, energy)
    return System(
        a11=a11,
        a12=a12,
        a22=a22,
        b1=a11 * u0 + a12 * v0 - c1 * seen,
        b2=a12 * u0 + a22 * v0 - c2 * seen,
        right=right,
        below=below,
    )


def pulled(equations: System, flow: Flow, found: Matches, matching: Matching) -> System:
    """Equations with one more term, which pulls the flow to where a search found each pixel.

    Args:
        equations: of the pictures.
        flow: (u, v) now; the robust weight is taken there.
        found: matches in pixels of this level.
        matching: weight and width.

    Reference: Brox and Malik 2011, equation 4, doi:10.1109/TPAMI.2010.143.
    """
    xp = array_module(flow[0])
    du, dv = flow[0] - found.u, flow[1] - found.v
    distance = xp.sqrt(du * du + dv * dv + xp.float32(matching.width_px**2))
    weight = xp.float32(matching.weight) * found.confidence / distance
    return equations._replace(
        a11=equations.a11 + weight,
        a22=equations.a22 + weight,
        b1=equations.b1 + weight * found.u,
        b2=equations.b2 + weight * found.v,
    )


def _data(d: Derivatives, du: Array, dv: Array, energy: Energy) -> tuple[Array, ...]:
    """A11, A12, A22 and c1, c2 of the data terms, whose minimum is A (du, dv) + c = 0."""
    xp = array_module(du)
    floor, width = xp.float32(energy.gradient_floor**2), xp.float32(energy.data_width**2)
    per_t = 1 / (d.x * d.x + d.y * d.y + floor)
    per_x = 1 / (d.xx * d.xx + d.xy * d.xy + floor)
    per_y = 1 / (d.xy * d.xy + d.yy * d.yy + floor)
    off_t = d.t + d.x * du + d.y * dv
    off_x = d.xt + d.xx * du + d.xy * dv
    off_y = d.yt + d.xy * du + d.yy * dv
    outlier = 1 + (off_x * off_x + off_y * off_y) * xp.float32(1 / energy.outlier_contrast**2)
    w_t = xp.float32(energy.brightness) * per_t / (xp.sqrt(off_t * off_t * per_t + width) * outlier)
    off = off_x * off_x * per_x + off_y * off_y * per_y
    w = xp.float32(energy.gradient) / (xp.sqrt(off + width) * outlier)
    w_x, w_y = w * per_x, w * per_y
    return (
        w_t * d.x * d.x + w_x * d.xx * d.xx + w_y * d.xy * d.xy,
        w_t * d.x * d.y + w_x * d.xx * d.xy + w_y * d.xy * d.yy,
        w_t * d.y * d.y + w_x * d.xy * d.xy + w_y * d.yy * d.yy,
        w_t * d.t * d.x + w_x * d.xt * d.xx + w_y * d.yt * d.xy,
        w_t * d.t * d.y + w_x * d.xt * d.xy + w_y * d.yt * d.yy,
    )


def _links(first: Array, flow: Flow, energy: Energy) -> tuple[Array, Array]:
    """Smoothness between neighbours: weak where the flow breaks, weaker across a picture's edge."""
    xp = array_module(first)
    width = xp.float32(energy.flow_width_px**2)
    weight = xp.float32(0.5 * energy.smoothness)
    per_contrast = xp.float32(1 / energy.edge_contrast**2)
    robust = weight / xp.sqrt(_variation(flow[0]) + _variation(flow[1]) + width)

    def between(one: tuple[slice, ...], other: tuple[slice, ...]) -> Array:
        edge = 1 + xp.square(first[one] - first[other]) * per_contrast
        return (robust[one] + robust[other]) / edge

    everything, head, tail = slice(None), slice(None, -1), slice(1, None)
    right = between((everything, everything, tail), (everything, everything, head))
    below = between((everything, tail), (everything, head))
    return xp.pad(right, ((0, 0), (0, 0), (0, 1))), xp.pad(below, ((0, 0), (0, 1), (0, 0)))


def _variation(flow: Array) -> Array:
    """Squared gradient, from the differences to all four neighbours (0 across the border)."""
    xp = array_module(flow)
    across = xp.pad(xp.square(flow[:, :, 1:] - flow[:, :, :-1]), ((0, 0), (0, 0), (1, 1)))
    down = xp.pad(xp.square(flow[:, 1:] - flow[:, :-1]), ((0, 0), (1, 1), (0, 0)))
    total = (across[:, :, 1:] + across[:, :, :-1]) + (down[:, 1:] + down[:, :-1])
    return xp.float32(0.5) * total


def _slope(picture: Array, *, axis: int) -> Array:
    """First derivative, (1, -8, 0, 8, -1) / 12; beyond a border its pixel repeats."""
    xp = array_module(picture)
    index = xp.arange(picture.shape[axis])

    def at(offset: int) -> Array:
        return xp.take(picture, xp.clip(index + offset, 0, len(index) - 1), axis=axis)

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) * xp.float32(1 / 12)
