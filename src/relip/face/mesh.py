"""Where the mesh net looks and where its points lie: the crop that fits a face, and the way back to the raster.

The crop is a square, level with the eyes, 1.5 times the larger side of the face, which is what the net was trained on
and what keeps a moving head inside until the next frame. No net is run here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ModelError
from relip.face.detector import Box

SIZE = 192
POINTS = 478
MARGIN = 1.5
OUTER_EYES = (33, 263)
"""Outer corners of the eyes, the viewer's left first."""


def crop_of_box(box: Box) -> NDArray[np.float32]:
    """The (2, 3) affine from the net's pixels to the raster for a face the detector found."""
    middle = np.array([box.x + box.width / 2, box.y + box.height / 2])
    return _square(middle, max(box.width, box.height), box.eyes[1] - box.eyes[0])


def crop_of_landmarks(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same for a face whose landmarks (478, 3) are known from the frame before."""
    planar = landmarks[:, :2]
    line = planar[OUTER_EYES[1]] - planar[OUTER_EYES[0]]
    unit = line / max(float(np.linalg.norm(line)), 1e-6)
    level = np.array([[unit[0], -unit[1]], [unit[1], unit[0]]])
    turned = planar @ level
    low, high = turned.min(axis=0), turned.max(axis=0)
    return _square(level @ ((low + high) / 2), float((high - low).max()), line)


def to_raster(landmarks: NDArray[np.float32], affine: NDArray[np.float32]) -> NDArray[np.float32]:
    """The net's landmarks (1, 478, 3) in raster pixels (478, 3); z is scaled like x.

    Raises ModelError when the net answered with something that is not a number.
    """
    if not np.isfinite(landmarks).all():
        raise ModelError("the face mesh answered with something that is not a number")
    points = landmarks.reshape(POINTS, 3)
    scale = np.hypot(affine[0, 0], affine[1, 0])
    return np.column_stack([points[:, :2] @ affine[:, :2].T + affine[:, 2], points[:, 2] * scale]).astype(np.float32)


def _square(middle: NDArray[np.floating], side: float, line: NDArray[np.floating]) -> NDArray[np.float32]:
    """A square of MARGIN × `side` round `middle`, its rows along `line`."""
    scale = MARGIN * side / SIZE
    unit = line / max(float(np.linalg.norm(line)), 1e-6)
    linear = scale * np.array([[unit[0], -unit[1]], [unit[1], unit[0]]])
    return np.column_stack([linear, middle - linear @ np.full(2, SIZE / 2)]).astype(np.float32)
