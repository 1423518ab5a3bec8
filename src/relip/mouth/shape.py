"""Where the lower face goes when the mouth takes another shape: a generic prior, bent towards the speaker.

The model speaks of changes only: what a face has of its own, and what the mesh measured of it, stays in the points. The lips
then get exactly the opening and the width that were asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.scene import Face, MouthShape
from relip.mouth.geometry import Complex, head_scale, in_head, plane_points
from relip.mouth.landmarks import (
    BASIS,
    CORNERS,
    INNER_LOWER,
    INNER_UPPER,
    OUTER_LOWER,
    OUTER_UPPER,
    PRIOR,
)

UNITS = np.array((0.04, 0.02, 0.004, 5.0, 5.0))
"""One step of each regressor: opening, width, opening², yaw and pitch in degrees. The last two only explain variance away."""
FAITH = np.array((6.0, 20.0, 40.0, 1.0, 1.0))
"""How many entries, one step off the mean, the prior weighs for each: width moves little and is often mismeasured."""
GAP = np.array((0.0, 0.33, 0.59, 0.82, 0.967, 1.0, 0.967, 0.82, 0.59, 0.33, 0.0))
"""Height of an opening along the inner contour, of its height in the middle (the regression behind `landmarks`)."""
FULLEST_GAP = 1.15
UPPER_SHARE = 0.24
"""Of a lip opening, what the upper lip does; the jaw does the rest."""
PUCKER, TUCK = 0.015, 0.02
"""IOD by which full rounding thickens the lips and a full f/v hides the lower one."""

_LIPS = np.isin(BASIS, np.concatenate((OUTER_UPPER, INNER_UPPER, INNER_LOWER, OUTER_LOWER)))


def _regressors(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Opening, width and opening² of (…, 2) shapes, in UNITS."""
    return np.asarray(np.stack((shape[..., 0], shape[..., 1], shape[..., 0] ** 2), axis=-1) / UNITS[:3])


class LowerFace:
    """Remembers how this speaker's lower face follows the mouth."""

    def __init__(self) -> None:
        self.forget()

    @staticmethod
    def _prior() -> Complex:
        """The generic effects for one step of each regressor: (3, points)."""
        return np.concatenate((PRIOR * UNITS[:2, None], np.zeros((1, len(BASIS)))))

    def forget(self) -> None:
        """Go back to the generic face."""
        self._effects = self._prior()
        self._usual: tuple[NDArray[np.float64], Complex, Complex] | None = None

    def fit(self, shapes: NDArray[np.float64], poses: NDArray[np.float64], heads: Complex) -> None:
        """Fit to (k, 2) openings and widths, (k, 2) yaw and pitch, (k, points) BASIS points in head units."""
        seen = np.concatenate((_regressors(shapes), poses / UNITS[3:]), axis=1)
        prior = np.concatenate((self._prior(), np.zeros((2, len(BASIS)))))
        middle, usual = seen.mean(axis=0), heads.mean(axis=0)
        seen = seen - middle
        rest = heads - usual - seen @ prior
        update = np.linalg.solve(seen.T @ seen + np.diag(FAITH), seen.T @ rest)
        self._effects = np.asarray((prior + update)[:3], np.complex128)
        self._usual = middle, usual, np.asarray(prior + update, np.complex128)

    def residual(self, shape: NDArray[np.float64], pose: NDArray[np.float64], head: Complex) -> float:
        """RMS distance in IOD of (points,) head points from where this face has them in such a pose; 0 before a fit."""
        if self._usual is None:
            return 0.0
        middle, usual, effects = self._usual
        seen = np.concatenate((_regressors(shape), pose / UNITS[3:])) - middle
        return float(np.sqrt((np.abs(head - usual - seen @ effects) ** 2).mean()))

    def aim(self, face: Face, target: MouthShape, jaw: float = 1.0) -> Complex:
        """All landmarks of the face with the mouth in the target shape, raster pixels; others stay.

        `jaw`: how much of the motion around the lips is used, 0..1.
        """
        points, measured = plane_points(face.landmarks), face.shape
        scale = head_scale(points, face.iod)
        before, after = (_regressors(np.array((s.open, s.width))) for s in (measured, target))
        share = np.where(_LIPS, 1.0, jaw)
        points[BASIS] += scale * ((after - before) @ self._effects) * share
        change = target.open - measured.open
        _set_width(points, target.width * face.iod)
        _set_gap(points, plane_points(face.landmarks), change * face.iod, target.open * face.iod)
        unit = scale * 1j
        points[OUTER_UPPER[1:-1]] -= unit * PUCKER * target.round
        points[OUTER_LOWER[1:-1]] += unit * (PUCKER * target.round - TUCK * target.labiodental)
        return points


def _set_width(points: Complex, width: float) -> None:
    """Scale the lips along the mouth line about its middle so that the corners are `width` pixels apart."""
    right, left = points[list(CORNERS)]
    axis = (left - right) / abs(left - right)
    middle = (left + right) / 2
    excess = width / abs(left - right) - 1
    for contour in (OUTER_UPPER, INNER_UPPER, INNER_LOWER[1:-1], OUTER_LOWER[1:-1]):
        points[contour] += ((points[contour] - middle) / axis).real * excess * axis


def _set_gap(points: Complex, before: Complex, change: float, opening: float) -> None:
    """Move lips apart or together so that the inner gap is `opening` pixels in the middle and a lens towards the corners."""
    axis = points[CORNERS[1]] - points[CORNERS[0]]
    down = 1j * axis / abs(axis)
    had = ((before[INNER_LOWER] - before[INNER_UPPER]) / down).real
    wanted = np.clip(had + change * GAP, 0, FULLEST_GAP * opening)
    wanted[len(GAP) // 2] = opening
    has = ((points[INNER_LOWER] - points[INNER_UPPER]) / down).real
    move = (wanted - has)[1:-1] * down
    for contour in (INNER_UPPER, OUTER_UPPER):
        points[contour[1:-1]] -= move * UPPER_SHARE
    for contour in (INNER_LOWER, OUTER_LOWER):
        points[contour[1:-1]] += move * (1 - UPPER_SHARE)


def basis_in_head(face: Face) -> Complex:
    """The BASIS points of a face in head units, as `LowerFace.fit` takes them."""
    return np.asarray(in_head(plane_points(face.landmarks), face.iod)[BASIS])
