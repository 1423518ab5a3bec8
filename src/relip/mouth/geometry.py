"""Where the mouth's region lies, and the head's own axes.

Points are complex numbers where they are turned or scaled: x + iy in pixels, y down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.scene import Face, Region
from relip.mouth.landmarks import CHEEKS, CHIN, EYES, JAW, NOSE, OUTER, RIGID

SIDE, ABOVE, BELOW = 0.10, 0.12, 0.34
"""What the region adds to the jaw's sides, the nose's base and the chin, in IOD: room for the jaw's motion to fade."""
LIP_ROOM, CHIN_ROOM = 0.14, 0.05
"""What of it must be inside the raster."""
GRID = 16
"""Widths and heights are multiples of this, so that jitter of the face does not resize the region each frame."""

Complex = NDArray[np.complex128]


def plane_points(landmarks: NDArray[np.float32]) -> Complex:
    """Landmarks as complex numbers."""
    return np.asarray(landmarks[:, 0] + 1j * landmarks[:, 1].astype(np.float64))


def pairs(points: Complex) -> NDArray[np.float64]:
    """Complex numbers as (n, 2) coordinates."""
    return np.stack((points.real, points.imag), axis=1)


def head_scale(points: Complex, iod: float) -> complex:
    """The factor from head units (IOD, upright) to raster pixels: its size is the IOD, its angle the roll."""
    across = points[EYES[2:]].sum() - points[EYES[:2]].sum()
    return complex(across / abs(across) * iod)


def in_head(points: Complex, iod: float) -> Complex:
    """Points in head units about the middle of the rigid points."""
    return np.asarray((points - points[RIGID].mean()) / head_scale(points, iod))


def region_of(face: Face, width: int, height: int) -> Region | None:
    """The region that the mouth, chin and cheeks of a face need in a raster; None if lips or chin do not fit."""
    points, iod = face.landmarks, face.iod
    jaw, lips, nose = points[np.concatenate((JAW, CHEEKS)), :2], points[OUTER, :2], points[NOSE, :2]
    left, right = jaw[:, 0].min() - SIDE * iod, jaw[:, 0].max() + SIDE * iod
    top, bottom = nose[:, 1].min() - ABOVE * iod, points[CHIN, 1] + BELOW * iod
    must = (lips[:, 0].min() - LIP_ROOM * iod, lips[:, 1].min() - LIP_ROOM * iod)
    must_end = (lips[:, 0].max() + LIP_ROOM * iod, points[CHIN, 1] + CHIN_ROOM * iod)
    if min(must) < 0 or must_end[0] > width or must_end[1] > height:
        return None
    x, wide = _span(left, right, width)
    y, high = _span(top, bottom, height)
    return Region(x, y, wide, high)


def _span(low: float, high: float, limit: int) -> tuple[int, int]:
    """An even start and a length in steps of GRID that cover low..high, cut at the raster."""
    length = -int(-(high - low) // GRID) * GRID
    start = int((low + high - length) / 2) // 2 * 2
    start, end = max(start, 0), min(start + length, limit // 2 * 2)
    return start, end - start
