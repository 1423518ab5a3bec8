"""What a face looks like apart from what it does, as numbers that tell whether two sightings show one person.

Two measures, and both must agree: the face's light and dark at a coarse scale, without the light that falls on it, and where
the bony points lie in the head's own axes. Colour is left out: it differs more between two shots of one person than between
people. Made to be sure rather than clever: people who are not told apart here have each other's lips put on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.face.mesh import OUTER_EYES
from relip.face.pose import BROW, NOSE_BASE, RIGID, cross
from relip.ports import Device

CELL = 0.125
"""Side of a cell of the coarse picture, in IOD: coarser than an eyelid or a lip that moves, finer than a feature."""
COLUMNS, ROWS = 12, 14
ABOVE = 0.675
"""IOD from the eyes' middle up to the first row: from the forehead to the chin, the face's width across."""
FINER = 2
"""The crop is taken so many times finer, and averaged: the device's own taps do not reach over a cell."""
SHADOW = 0.05
"""Added to luma before its logarithm is taken: deep shadow is noise."""
BONES = np.array((*RIGID, 2, 127, 356, 234, 454, 93, 323, 70, 300, 105, 334, 107, 336, 116, 345, 50, 280, 54, 284, 109, 338))
"""Eyes, nose, forehead, temples, brows and cheekbones: what neither speech nor a smile moves far."""
SAME_TEXTURE, SAME_BONES = 0.70, 0.028
"""Correlation from which, and RMS distance in IOD up to which, two means of a few frames are one person (docs/quality.md)."""
TURNED = 10.0
"""Degrees beyond which two heads are not compared: a face from the side has another texture."""
TEXTURE = ROWS * COLUMNS
LENGTH = TEXTURE + 3 * len(BONES) + 2
_LUMA = np.array((0.2126, 0.7152, 0.0722), np.float32)


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How alike two likenesses are: `texture` −1..1; `bones` in IOD; `turned`: degrees, the larger of yaw and pitch between."""

    texture: float
    bones: float
    turned: float

    @property
    def same(self) -> bool:
        """Whether they show one person, beyond reasonable doubt."""
        return self.texture >= SAME_TEXTURE and self.bones <= SAME_BONES and self.turned <= TURNED


class Likener:
    """Takes likenesses from packed frames; its arrays are its own."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._crop = np.zeros((ROWS * FINER, COLUMNS * FINER, 3), np.float32)
        y, x = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
        slopes = np.stack((np.ones(TEXTURE), y.ravel(), x.ravel()), axis=1)
        self._light = np.linalg.qr(slopes)[0]

    def of(self, packed: NDArray[np.uint8], landmarks: NDArray[np.float32], *, yaw: float, pitch: float) -> NDArray[np.float32]:
        """The likeness (LENGTH,) float32 of a face: texture of length 1, bones in IOD, yaw and pitch in degrees."""
        self._device.crop(packed, _affine(landmarks), self._crop)
        cells = (self._crop @ _LUMA).reshape(ROWS, FINER, COLUMNS, FINER).mean(axis=(1, 3))
        texture = np.log(cells.ravel() + SHADOW)
        texture -= self._light @ (self._light.T @ texture)
        texture /= max(float(np.linalg.norm(texture)), 1e-3)
        return np.concatenate((texture, bones(landmarks).ravel(), (yaw, pitch))).astype(np.float32)


def compare(one: NDArray[np.float32], other: NDArray[np.float32]) -> Resemblance:
    """How alike two likenesses are, or two means of them."""
    first, second = one[:TEXTURE], other[:TEXTURE]
    norms = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    apart = (one[TEXTURE:-2] - other[TEXTURE:-2]).reshape(-1, 3)
    return Resemblance(
        texture=float(first @ second) / max(norms, 1e-6),
        bones=float(np.sqrt((apart**2).sum(axis=1).mean())),
        turned=float(np.abs(one[-2:] - other[-2:]).max()),
    )


def _affine(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """From the crop's pixels to the raster: level with the eyes, one cell CELL of their distance."""
    right, left = landmarks[list(OUTER_EYES)].astype(np.float64)
    iod = float(np.linalg.norm(left - right))
    axis = (left - right)[:2] / max(float(np.linalg.norm((left - right)[:2])), 1e-6)
    linear = CELL / FINER * iod * np.array(((axis[0], -axis[1]), (axis[1], axis[0])))
    eyes = np.array((COLUMNS * FINER / 2, ABOVE / CELL * FINER)) - 0.5
    return np.column_stack((linear, (left + right)[:2] / 2 - linear @ eyes)).astype(np.float32)


def bones(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 3) bony points about their middle in the head's own axes, in IOD."""
    across = (landmarks[OUTER_EYES[1]] - landmarks[OUTER_EYES[0]]).astype(np.float64)
    down = (landmarks[NOSE_BASE] - landmarks[BROW]).astype(np.float64)
    iod = max(float(np.linalg.norm(across)), 1e-6)
    across /= iod
    down -= across * (down @ across)
    down /= max(float(np.linalg.norm(down)), 1e-6)
    points = landmarks[BONES].astype(np.float64)
    axes = np.stack((across, down, cross(down, across)), axis=1)
    return np.asarray((points - points.mean(axis=0)) @ axes / iod)
