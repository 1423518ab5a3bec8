"""Planes resampled through a lattice of displacements: cubic, in place of the raster, samples clamped at the edge.

Luma and chroma are each sampled in their own raster (chroma sample i sits on luma sample 2·i). Where the lattice
does not move a sample it is copied, not resampled, so that a still part stays bit-identical.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.essence.grains import Planes
from relip.ports import Lattice

LEGAL_MIN, LEGAL_MAX = 4, 1019
"""Codes 0–3 and 1020–1023 belong to the timing references (BT.709-6 §3)."""
BEFORE, AFTER = 2, 3
"""Samples that padding repeats: a position is held to -1..size, and its taps reach one before it and two behind."""
STILL = 1 / 256
"""Displacements below this many pixels count as none."""


def cubic_weights(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the four neighbours −1, 0, 1, 2 for a fraction t, Keys' kernel with a = −0.5: (..., 4)."""
    outer, inner = -0.5 * t * (1 - t) ** 2, 1 + t * t * (1.5 * t - 2.5)
    return np.stack((outer, inner, t * (0.5 + t * (2 - 1.5 * t)), 0.5 * t * t * (t - 1)), axis=-1)


def sample_reference(plane: NDArray[np.uint16], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The plane at fractional positions of any shape, unrounded and unclipped."""
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    across, down = cubic_weights(x - column), cubic_weights(y - row)
    value = np.zeros(np.shape(x))
    for i in range(4):
        at_row = np.clip(row + i - 1, 0, plane.shape[0] - 1)
        for j in range(4):
            at_column = np.clip(column + j - 1, 0, plane.shape[1] - 1)
            value += down[..., i] * across[..., j] * plane[at_row, at_column]
    return value


def expand_reference(
    lattice: Lattice, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lattice's displacements (dx, dy) at positions, bilinear between its nodes."""
    rows, columns = lattice.dx.shape
    column, row = np.clip(x / lattice.step, 0, columns - 1), np.clip(y / lattice.step, 0, rows - 1)
    left, top = np.minimum(column.astype(int), columns - 2), np.minimum(row.astype(int), rows - 2)
    across, down = column - left, row - top

    def at(nodes: NDArray[np.float32]) -> NDArray[np.float64]:
        upper = nodes[top, left] * (1 - across) + nodes[top, left + 1] * across
        lower = nodes[top + 1, left] * (1 - across) + nodes[top + 1, left + 1] * across
        return np.asarray(upper * (1 - down) + lower * down, np.float64)

    return at(lattice.dx), at(lattice.dy)


def warp_reference(source: Planes, lattice: Lattice, out: Planes) -> None:
    """Write `source` seen through the lattice into `out`, numpy alone."""
    for plane, into, pitch in ((source.y, out.y, 1), (source.cb, out.cb, 2), (source.cr, out.cr, 2)):
        rows, columns = np.mgrid[0 : into.shape[0], 0 : into.shape[1]].astype(np.float64)
        dx, dy = expand_reference(lattice, columns * pitch, rows)
        moved = sample_reference(plane, columns + dx / pitch, rows + dy)
        still = (np.abs(dx) < STILL) & (np.abs(dy) < STILL)
        moved = np.clip(np.floor(moved + 0.5), LEGAL_MIN, LEGAL_MAX)
        into[:] = np.where(still, plane[: into.shape[0], : into.shape[1]], moved)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def weights(t: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """The compiled twin of `cubic_weights`, float32 throughout."""
    one, half = np.float32(1.0), np.float32(0.5)
    s = one - t
    before, after = -half * t * s * s, -half * t * t * s
    here = one + t * t * (np.float32(1.5) * t - np.float32(2.5))
    return before, here, one - before - here - after, after


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def across(flat: NDArray[np.uint16], i: np.uintp, w: tuple[np.float32, np.float32, np.float32, np.float32]) -> np.float32:
    """Four neighbours of one row, weighted."""
    first, second = np.float32(flat[i]), np.float32(flat[i + np.uintp(1)])
    third, fourth = np.float32(flat[i + np.uintp(2)]), np.float32(flat[i + np.uintp(3)])
    return first * w[0] + second * w[1] + third * w[2] + fourth * w[3]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sample(plane: NDArray[np.uint16], flat: NDArray[np.uint16], x: np.float32, y: np.float32) -> np.float32:
    """The compiled twin of `sample_reference` for one position; `flat`: the same plane as one row."""
    height, width = plane.shape
    whole_x, whole_y = np.floor(x), np.floor(y)
    left, top = np.int32(whole_x), np.int32(whole_y)
    along = weights(x - whole_x)
    b0, b1, b2, b3 = weights(y - whole_y)
    if 0 < left < width - 2 and 0 < top < height - 2:
        # One unsigned index into the flat plane: signed ones would each be tested for Python's wrap of negatives.
        row, i = np.uintp(width), np.uintp((top - 1) * width + left - 1)
        value = b0 * across(flat, i, along)
        value += b1 * across(flat, i + row, along)
        value += b2 * across(flat, i + row + row, along)
        return np.float32(value + b3 * across(flat, i + row + row + row, along))
    c0, c1 = min(max(left - 1, 0), width - 1), min(max(left, 0), width - 1)
    c2, c3 = min(max(left + 1, 0), width - 1), min(max(left + 2, 0), width - 1)
    value = np.float32(0.0)
    for tap in range(4):
        b = b0 if tap == 0 else b1 if tap == 1 else b2 if tap == 2 else b3
        r = min(max(top - 1 + tap, 0), height - 1)
        value += b * (plane[r, c0] * along[0] + plane[r, c1] * along[1] + plane[r, c2] * along[2] + plane[r, c3] * along[3])
    return np.float32(value)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def row_of_nodes(nodes: NDArray[np.float32], row: np.float32, step: int, out: NDArray[np.float32]) -> None:
    """The displacements at one luma row, for each column of nodes."""
    rows = nodes.shape[0]
    at = min(max(row / np.float32(step), np.float32(0.0)), np.float32(rows - 1))
    top = min(np.int32(at), np.int32(rows - 2))
    down = at - np.float32(top)
    for node in range(nodes.shape[1]):
        out[node] = nodes[top, node] + (nodes[top + 1, node] - nodes[top, node]) * down


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def padded(plane: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The plane as float32 with its edge repeated, BEFORE samples before and AFTER behind: no tap can then miss it."""
    height, width = plane.shape
    out = np.empty((height + BEFORE + AFTER, width + BEFORE + AFTER), np.float32)
    for row in range(out.shape[0]):
        line = plane[min(max(row - BEFORE, 0), height - 1)]
        for column in range(width):
            out[row, column + BEFORE] = np.float32(line[column])
        out[row, :BEFORE] = np.float32(line[0])
        out[row, width + BEFORE :] = np.float32(line[width - 1])
    return out


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _taps(
    size: tuple[int, int], x: NDArray[np.float32], y: NDArray[np.float32], first: NDArray[np.uint32], by: NDArray[np.float32]
) -> None:
    """For a row of positions in a `padded` plane of a size (height, width): the first of their taps and the weights.

    `by`: (8, n), four weights across and four down. Apart from `_gather`, since only so both become vector code.
    """
    height, width = np.float32(size[0]), np.float32(size[1])
    pitch = np.int32(size[1] + BEFORE + AFTER)
    for i in range(x.shape[0]):
        at_x = min(max(x[i], np.float32(-1.0)), width)
        at_y = min(max(y[i], np.float32(-1.0)), height)
        left, top = np.floor(at_x), np.floor(at_y)
        first[i] = np.uint32((np.int32(top) + np.int32(1)) * pitch + np.int32(left) + np.int32(1))
        by[0, i], by[1, i], by[2, i], by[3, i] = weights(at_x - left)
        by[4, i], by[5, i], by[6, i], by[7, i] = weights(at_y - top)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _gather(
    flat: NDArray[np.float32], pitch: np.uint32, first: NDArray[np.uint32], by: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Cubic samples of a `padded` plane as one flat array of rows of `pitch`, where `_taps` says.

    Without a branch, and with unsigned indices, which need no test for counting from the end: this is where the time goes.
    """
    one, two, three = np.uint32(1), np.uint32(2), np.uint32(3)
    for i in range(out.shape[0]):
        a0, a1, a2, a3 = by[0, i], by[1, i], by[2, i], by[3, i]
        r0 = first[i]
        r1 = r0 + pitch
        r2 = r1 + pitch
        r3 = r2 + pitch
        value = by[4, i] * (flat[r0] * a0 + flat[r0 + one] * a1 + flat[r0 + two] * a2 + flat[r0 + three] * a3)
        value += by[5, i] * (flat[r1] * a0 + flat[r1 + one] * a1 + flat[r1 + two] * a2 + flat[r1 + three] * a3)
        value += by[6, i] * (flat[r2] * a0 + flat[r2 + one] * a1 + flat[r2 + two] * a2 + flat[r2 + three] * a3)
        out[i] = value + by[7, i] * (flat[r3] * a0 + flat[r3 + one] * a1 + flat[r3 + two] * a2 + flat[r3 + three] * a3)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _between(width: int, columns: int, per_node: np.float32) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each sample of a row the node before it, and how far it is from there to the next."""
    left, part = np.empty(width, np.int32), np.empty(width, np.float32)
    for column in range(width):
        at = min(np.float32(column) * per_node, np.float32(columns - 1))
        left[column] = min(np.int32(at), np.int32(columns - 2))
        part[column] = at - np.float32(left[column])
    return left, part


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _positions(  # noqa: PLR0917 - a kernel takes arrays
    row: int,
    shrink: np.float32,
    nodes: tuple[NDArray[np.float32], NDArray[np.float32]],
    left: NDArray[np.int32],
    part: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    holds: NDArray[np.bool_],
) -> None:
    """Where each sample of a row comes from, and which of them stay."""
    still, (nodes_x, nodes_y) = np.float32(STILL), nodes
    for column in range(x.shape[0]):
        node, share = np.uint32(left[column]), part[column]
        after = node + np.uint32(1)
        move_x = nodes_x[node] + (nodes_x[after] - nodes_x[node]) * share
        move_y = nodes_y[node] + (nodes_y[after] - nodes_y[node]) * share
        x[column], y[column] = np.float32(column) + move_x * shrink, np.float32(row) + move_y
        holds[column] = (abs(move_x) < still) & (abs(move_y) < still)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def warp_planes(  # noqa: PLR0917 - a kernel takes arrays
    planes: tuple[NDArray[np.uint16], ...],
    dx: NDArray[np.float32],
    dy: NDArray[np.float32],
    step: int,
    pitch: int,
    outs: tuple[NDArray[np.uint16], ...],
) -> None:
    """The compiled twin of `warp_reference` for planes of one raster; `pitch`: luma samples from one sample to the next."""
    half, low, high = np.float32(0.5), np.float32(LEGAL_MIN), np.float32(LEGAL_MAX)
    columns, (height, width) = dx.shape[1], outs[0].shape
    nodes_x, nodes_y = np.empty(columns, np.float32), np.empty(columns, np.float32)
    x, y, moved = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    holds, (left, part) = np.empty(width, np.bool_), _between(width, columns, np.float32(pitch) / np.float32(step))
    taps, by = np.empty(width, np.uint32), np.empty((8, width), np.float32)
    sources = [padded(plane).ravel() for plane in planes]
    for row in range(height):
        row_of_nodes(dx, np.float32(row), step, nodes_x)
        row_of_nodes(dy, np.float32(row), step, nodes_y)
        _positions(row, np.float32(1.0) / np.float32(pitch), (nodes_x, nodes_y), left, part, x, y, holds)
        first, past = 0, width
        while first < past and holds[first]:
            first += 1
        while first < past and holds[past - 1]:
            past -= 1
        _taps(planes[0].shape, x[first:past], y[first:past], taps[first:past], by[:, first:past])
        for plane, flat, out in zip(planes, sources, outs):  # noqa: B905 - the compiler knows no `strict`
            out[row] = plane[row, :width]
            _gather(flat, np.uint32(plane.shape[1] + BEFORE + AFTER), taps[first:past], by[:, first:past], moved[first:past])
            for column in range(first, past):
                value = np.uint16(min(max(np.floor(moved[column] + half), low), high))
                out[row, column] = plane[row, column] if holds[column] else value


def warp(source: Planes, lattice: Lattice, out: Planes) -> None:
    """Write `source` seen through the lattice into `out`; see `ports.Device.warp`."""
    warp_planes((source.y,), lattice.dx, lattice.dy, lattice.step, 1, (out.y,))
    warp_planes((source.cb, source.cr), lattice.dx, lattice.dy, lattice.step, 2, (out.cb, out.cr))
