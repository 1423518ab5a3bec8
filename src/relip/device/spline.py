"""A smooth field through scattered displacements: thin-plate splines, evaluated on the nodes of a lattice.

The equations are solved here rather than by LAPACK: a hundred unknowns are too few to share among threads, and a threaded
library does it all the same, which costs fifty times as much when the machine is busy.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from relip.ports import Lattice

FLOOR = 1e-8
"""Squared distances below this count as nought: r² log r² → 0."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def equations(
    at: NDArray[np.float64], moves: NDArray[np.float64], stiffness: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The spline's linear system for points and values (n, 2): (n + 3, n + 3) and (n + 3, 2), the last three rows affine."""
    n = at.shape[0]
    system, right = np.zeros((n + 3, n + 3)), np.zeros((n + 3, 2))
    for i in range(n):
        for j in range(i):
            squared = (at[i, 0] - at[j, 0]) ** 2 + (at[i, 1] - at[j, 1]) ** 2
            system[i, j] = system[j, i] = squared * np.log(max(squared, FLOOR))
        system[i, i] = stiffness
        system[i, n] = system[n, i] = 1.0
        system[i, n + 1] = system[n + 1, i] = at[i, 0]
        system[i, n + 2] = system[n + 2, i] = at[i, 1]
        right[i] = moves[i]
    return system, right


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _substitute(system: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """Solve for a system that is upper triangular, in place: `right` becomes the solution."""
    n = system.shape[0]
    for i in range(n - 1, -1, -1):
        for k in range(right.shape[1]):
            value = right[i, k]
            for j in range(i + 1, n):
                value -= system[i, j] * right[j, k]
            right[i, k] = value / system[i, i]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def solve(system: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """The compiled twin of `numpy.linalg.solve`, in place: `right` (n, m) becomes the solution, `system` is used up.

    Rows are taken as views that begin behind the pivot: counted from 0, their loop becomes vector code.
    """
    n = system.shape[0]
    for i in range(n):
        pivot = i + np.argmax(np.abs(system[i:, i]))
        if pivot != i:
            for k in range(i, n):
                system[i, k], system[pivot, k] = system[pivot, k], system[i, k]
            for k in range(right.shape[1]):
                right[i, k], right[pivot, k] = right[pivot, k], right[i, k]
        top, inverse = system[i, i + 1 :], 1.0 / system[i, i]
        for j in range(i + 1, n):
            factor, row = system[j, i] * inverse, system[j, i + 1 :]
            for k in range(row.shape[0]):
                row[k] -= factor * top[k]
            for k in range(right.shape[1]):
                right[j, k] -= factor * right[i, k]
    _substitute(system, right)


def spread(at: NDArray[np.float64], moves: NDArray[np.float64], *, unit: float, stiffness: float, lattice: Lattice) -> None:
    """Write the spline through `moves` at `at` to each node of the lattice; see `ports.Device.spread`."""
    spots = at / unit
    system, weights = equations(spots, moves, stiffness)
    solve(system, weights)
    rows, columns = lattice.dx.shape
    x, y = (np.arange(n, dtype=np.float32) * np.float32(lattice.step / unit) for n in (columns, rows))
    near = spots.astype(np.float32)
    across, down = (x[:, None] - near[:, 0]) ** 2, (y[:, None] - near[:, 1]) ** 2
    squared = np.maximum(down[:, None, :] + across[None, :, :], np.float32(FLOOR)).reshape(rows * columns, -1)
    factors = weights.astype(np.float32)
    value = ((squared * np.log(squared)) @ factors[:-3]).reshape(rows, columns, 2)
    value += factors[-3] + x[None, :, None] * factors[-2] + y[:, None, None] * factors[-1]
    lattice.dx[:], lattice.dy[:] = value[..., 0], value[..., 1]
