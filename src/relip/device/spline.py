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


def equations(
    at: NDArray[np.float64], moves: NDArray[np.float64], stiffness: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The spline's linear system for points and values (n, 2): (n + 3, n + 3) and (n + 3, 2), the last three rows affine."""
    n = len(at)
    squared = ((at[:, None] - at[None, :]) ** 2).sum(axis=2)
    system, right = np.zeros((n + 3, n + 3)), np.zeros((n + 3, 2))
    system[:n, :n] = squared * np.log(np.maximum(squared, FLOOR))
    system[:n, :n].flat[:: n + 1] = stiffness
    system[:n, n], system[:n, n + 1 :] = 1, at
    system[n:, :n] = system[:n, n:].T
    right[:n] = moves
    return system, right


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def solve(system: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """The compiled twin of `numpy.linalg.solve`, in place: `right` (n, m) becomes the solution, `system` is used up."""
    n = system.shape[0]
    for i in range(n):
        pivot = i + np.argmax(np.abs(system[i:, i]))
        if pivot != i:
            for k in range(i, n):
                system[i, k], system[pivot, k] = system[pivot, k], system[i, k]
            for k in range(right.shape[1]):
                right[i, k], right[pivot, k] = right[pivot, k], right[i, k]
        for j in range(i + 1, n):
            factor = system[j, i] / system[i, i]
            for k in range(i + 1, n):
                system[j, k] -= factor * system[i, k]
            right[j] -= factor * right[i]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            right[i] -= system[i, j] * right[j]
        right[i] /= system[i, i]


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
