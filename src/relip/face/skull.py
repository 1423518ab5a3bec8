"""Whether what the mesh sees is a head at all like this person's: a hand or a sheet before a face bends the skull it draws.

Bones do not move with words, so they are compared with their own past. Nothing is said of who it is: that is `face.people`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.face.features import bones

FRONTAL = 20.0
"""Degrees of yaw within which the mesh knows a skull's proportions; those of a turned head differ as people do."""
FIRST_FRAMES = 25
"""A skull is the mean of so many frames, before which nothing is said; then it follows slowly, for lenses zoom."""
SLOW = 0.005


class Skull:
    """Remembers one track's."""

    def __init__(self) -> None:
        self._own: NDArray[np.float64] | None = None
        self._frames = 0

    def misfit(self, landmarks: NDArray[np.float32], yaw: float) -> float:
        """RMS distance in IOD of a frame's bones from the skull; 0 while too little was seen from the front. Then learn."""
        seen = bones(landmarks)
        own = seen if self._own is None else self._own
        misfit = float(np.sqrt(((seen - own) ** 2).sum(axis=1).mean())) if self._frames >= FIRST_FRAMES else 0.0
        if abs(yaw) <= FRONTAL:
            self._frames += 1
            self._own = own + (1 / self._frames if self._frames <= FIRST_FRAMES else SLOW) * (seen - own)
        return misfit
