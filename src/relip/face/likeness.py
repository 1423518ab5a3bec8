"""Whether a face is still, or again, the same person: the proportions of the skull and the look of the upper face.

Neither is a biometric; nothing is kept beyond the shot. They answer two questions: is the face that was lost for a moment the
same, so that what was learned of its mouth is still good; and has one face been dissolved into another, so that it is not. Only
what lies above the nose's base is looked at: the mouth is what we change, and hands come before it. People differ from
themselves by 0.02 to 0.05 in proportions, from others by 0.1 or more; looks agree by 0.9 against 0.4 (docs/quality.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.face.mesh import OUTER_EYES
from relip.face.pose import BROW, NOSE_BASE, RIGID

# fmt: off
UPPER = np.array((
    3, 7, 21, 25, 29, 34, 46, 51, 55, 66, 70, 101, 105, 110, 114, 118, 122, 127, 131, 139, 145,
    155, 159, 163, 188, 195, 209, 222, 226, 230, 234, 245, 249, 254, 258, 263, 275, 279, 283, 293, 298, 323,
    332, 337, 341, 345, 349, 353, 358, 363, 372, 381, 385, 389, 412, 419, 438, 443, 447, 451, 456, 466,
), np.intp)
# fmt: on
"""Points all over the face above the nose's base."""
SAME_SHAPE, SAME_LOOK = 0.09, 0.75
"""What a face that was lost must have in common with itself."""
OTHER_SHAPE, OTHER_LOOK = 0.06, 0.6
"""What averages of a face have in common with somebody else's. Both must say so: light changes looks, hands change shapes."""
FRONTAL = 20.0
"""Degrees of yaw within which the mesh knows a skull's proportions."""
FIRST_FRAMES = 25
"""What a person is like is the mean of so many frames, then follows slowly: light and make-up change."""
SLOW, QUICK = 0.005, 0.15
"""Share of a new frame in what a person is like, and in what is in the picture now."""
OTHER_FRAMES = 8
FLAT = 1e-3

Vector = NDArray[np.float64]


def proportions(landmarks: NDArray[np.float32]) -> Vector:
    """The rigid points of (478, 3) landmarks in the head's own axes, about their mean, in IOD: (3 · points,)."""
    across = (landmarks[OUTER_EYES[1]] - landmarks[OUTER_EYES[0]]).astype(np.float64)
    iod = max(float(np.linalg.norm(across)), 1e-6)
    across /= iod
    down = (landmarks[NOSE_BASE] - landmarks[BROW]).astype(np.float64)
    down -= across * (down @ across)
    down /= max(float(np.linalg.norm(down)), 1e-6)
    rigid = landmarks[RIGID].astype(np.float64)
    axes = np.stack((across, down, np.cross(down, across)), axis=1)
    return np.asarray(((rigid - rigid.mean(axis=0)) @ axes / iod).ravel())


def look(picture: NDArray[np.float32], places: NDArray[np.float64]) -> Vector:
    """Green of (h, w, 3) R'G'B' at (n, 2) places, without its mean and of length one; nought where all is flat."""
    height, width, _ = picture.shape
    x, y = np.clip(np.rint(places), 1, (width - 2, height - 2)).astype(np.intp).T
    green = picture[..., 1]
    seen = (green[y, x] + green[y - 1, x] + green[y + 1, x] + green[y, x - 1] + green[y, x + 1]).astype(np.float64) / 5
    return _of_length_one(seen)


class Likeness:
    """Remembers one person, as the camera sees them from the front: turned heads are measured less well."""

    def __init__(self) -> None:
        self._frames = 0
        self._own: tuple[Vector, Vector] | None = None
        self._now: tuple[Vector, Vector] | None = None
        self._other_frames = 0
        self.certain = False
        """Whether nothing in the last frame speaks against this person."""

    def see(self, shape: Vector, seen: Vector, *, yaw: float) -> float:
        """Take the proportions and the look of a frame; how far the proportions are from the person's own.

        `yaw`: degrees. Nought while too little has been seen from the front to say.
        """
        if self._own is None or self._now is None:
            self._own = self._now = shape, seen
        misfit = float(np.linalg.norm(shape - self._own[0])) if self._frames >= FIRST_FRAMES else 0.0
        self.certain = misfit < OTHER_SHAPE and self._agreement(seen) > SAME_LOOK
        if abs(yaw) > FRONTAL:
            return misfit
        if misfit < OTHER_SHAPE or self._agreement(seen) > SAME_LOOK:
            self._frames += 1
            share = max(1 / self._frames, SLOW) if self._frames <= FIRST_FRAMES else SLOW
            self._own = _towards(self._own, (shape, seen), share)
        self._now = _towards(self._now, (shape, seen), QUICK)
        apart, alike = float(np.linalg.norm(self._now[0] - self._own[0])), self._agreement(_of_length_one(self._now[1]))
        self._other_frames = self._other_frames + 1 if apart > OTHER_SHAPE and alike < OTHER_LOOK else 0
        return misfit

    def _agreement(self, seen: Vector) -> float:
        """Correlation of a look with the person's own."""
        assert self._own is not None, "somebody who was never seen"
        return float(seen @ _of_length_one(self._own[1]))

    @property
    def another(self) -> bool:
        """Whether somebody else has been in the picture for a while."""
        return self._other_frames >= OTHER_FRAMES

    def resembles(self, shape: Vector, seen: Vector) -> bool:
        """Whether a frame may show this person. A look without structure says no."""
        assert self._own is not None, "somebody who was never seen"
        return float(np.linalg.norm(shape - self._own[0])) < SAME_SHAPE and self._agreement(seen) > SAME_LOOK


def _towards(one: tuple[Vector, Vector], other: tuple[Vector, Vector], share: float) -> tuple[Vector, Vector]:
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


def _of_length_one(seen: Vector) -> Vector:
    centred = seen - seen.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > FLAT else np.zeros_like(centred)
