"""Smooth curves through a few points, read at even steps: cubic Hermite with harmonic slopes (Fritsch and Carlson 1980).

Such a curve never goes beyond its points, so that two contours that meet do not cross between them.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_Floats = NDArray[np.float64]


def trace_reference(x: _Floats, y: _Floats, out: _Floats) -> None:
    """Write the curves through (x, y) to `out`, numpy alone; see `ports.Device.trace`."""
    step, rise = np.diff(x), np.diff(y)
    slope = rise / step
    product = slope[:, 1:] * slope[:, :-1]
    inner = np.where(product > 0, 2 * product / np.where(product > 0, slope[:, 1:] + slope[:, :-1], 1), 0)
    tangent = np.concatenate((slope[:, :1], inner, slope[:, -1:]), axis=1)
    at = np.linspace(0, 1, out.shape[1])
    i = np.clip((at[None, :, None] >= x[:, None, 1:-1]).sum(axis=2), 0, x.shape[1] - 2)
    here, width, climb, bend = (np.take_along_axis(values, i, axis=1) for values in (x, step, rise, slope))
    start, end = np.take_along_axis(tangent, i, axis=1), np.take_along_axis(tangent, i + 1, axis=1)
    t = np.clip((at - here) / width, 0, 1)
    level = np.take_along_axis(y, i, axis=1) + t * climb
    out[:] = level + t * (1 - t) * width * ((1 - t) * (start - bend) - t * (end - bend))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def trace(x: _Floats, y: _Floats, out: _Floats) -> None:
    """The compiled twin of `trace_reference`."""
    last = x.shape[1] - 1
    slope, tangent = np.empty(last), np.empty(last + 1)
    for row in range(x.shape[0]):
        for k in range(last):
            slope[k] = (y[row, k + 1] - y[row, k]) / (x[row, k + 1] - x[row, k])
        tangent[0], tangent[last] = slope[0], slope[last - 1]
        for k in range(1, last):
            product = slope[k] * slope[k - 1]
            tangent[k] = 2 * product / (slope[k] + slope[k - 1]) if product > 0 else 0.0
        k = 0
        for n in range(out.shape[1]):
            at = n / (out.shape[1] - 1)
            while k < last - 1 and at >= x[row, k + 1]:
                k += 1
            width = x[row, k + 1] - x[row, k]
            t = min(max((at - x[row, k]) / width, 0.0), 1.0)
            bow = (1 - t) * (tangent[k] - slope[k]) - t * (tangent[k + 1] - slope[k])
            out[row, n] = y[row, k] + t * (y[row, k + 1] - y[row, k]) + t * (1 - t) * width * bow
