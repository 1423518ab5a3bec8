"""How a head is turned, from the landmarks of one frame.

The mesh gives depth, so no camera model is fitted: two lines of the skull that no expression moves span the head's
frame. Angles are for gates and for choosing among frames, to a few degrees; no rendering hangs on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.face.mesh import OUTER_EYES

RIGID = np.array([33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 98, 327, 10, 151, 9, 8], np.intp)
"""Eye corners, the bridge and base of the nose and the forehead: what speech does not move."""
BROW, NOSE_BASE = 10, 2
"""Top of the forehead and base of the nose: the head's vertical. The chin would nod with every vowel."""
NOSE_TIP, SIDES = 1, (234, 454)
NOSE_DEPTH = 1.25
"""How far before the face's sides the tip of the nose is, as a share of half the distance between them."""


@dataclass(frozen=True, slots=True)
class Pose:
    """`iod`: outer-eye distance in pixels, in depth too, so that it does not shrink as the head turns.

    `yaw`: degrees, positive when the head turns to the viewer's right; `pitch`: positive down; `roll`: clockwise.
    """

    iod: float
    yaw: float
    pitch: float
    roll: float


def pose(landmarks: NDArray[np.float32]) -> Pose:
    """Pose of (478, 3) landmarks, x right, y down, z to the back."""
    across = (landmarks[OUTER_EYES[1]] - landmarks[OUTER_EYES[0]]).astype(np.float64)
    down = (landmarks[NOSE_BASE] - landmarks[BROW]).astype(np.float64)
    iod = float(np.linalg.norm(across))
    across /= max(iod, 1e-6)
    down -= across * (down @ across)
    down /= max(float(np.linalg.norm(down)), 1e-6)
    forward = cross(down, across)
    return Pose(
        iod=iod,
        yaw=float(np.degrees(np.arctan2(forward[0], -forward[2]))),
        pitch=float(np.degrees(np.arcsin(np.clip(forward[1], -1, 1)))),
        roll=float(np.degrees(np.arctan2(across[1], across[0]))),
    )


def cross(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vector product of two vectors of three; `np.cross` takes six times as long to find out that they are such."""
    (a, b, c), (x, y, z) = one.tolist(), other.tolist()
    return np.array((b * z - c * y, c * x - a * z, a * y - b * x))


def outline_yaw(landmarks: NDArray[np.float32]) -> float:
    """Degrees of yaw by where the nose stands between the sides of the face, in the plane of the picture.

    Of strong turns the mesh's depth tells too little: `Pose.yaw` hardly grows beyond 38°, and this still does.
    """
    planar = landmarks[:, :2].astype(np.float64)
    line = planar[OUTER_EYES[1]] - planar[OUTER_EYES[0]]
    unit = line / max(float(np.linalg.norm(line)), 1e-6)
    left, right = ((planar[NOSE_TIP] - planar[SIDES[0]]) @ unit, (planar[SIDES[1]] - planar[NOSE_TIP]) @ unit)
    return float(np.degrees(np.arctan2((left - right) / NOSE_DEPTH, max(left + right, 1e-6))))
