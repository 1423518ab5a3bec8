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
    forward = np.cross(down, across)
    return Pose(
        iod=iod,
        yaw=float(np.degrees(np.arctan2(forward[0], -forward[2]))),
        pitch=float(np.degrees(np.arcsin(np.clip(forward[1], -1, 1)))),
        roll=float(np.degrees(np.arctan2(across[1], across[0]))),
    )
