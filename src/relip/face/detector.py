"""Faces in a whole frame, from the short-range detector's 896 anchors (BlazeFace, 128 × 128).

Anchors are cell centres: the net's boxes are offsets from them in pixels, their own size plays no part. Overlapping
boxes are not thrown away but averaged by their score, which is what keeps a box from jumping. No net is run here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relip.essence.errors import ModelError

SIZE = 128
_GRIDS = ((16, 2), (8, 6))
"""Cells a side, boxes a cell: stride 8 has 2 boxes, three layers of stride 16 have 2 each."""
SAME_FACE_IOU = 0.3
LOGIT_LIMIT = 100.0
"""Beyond it a sigmoid is 0 or 1 and the exponential overflows."""


@dataclass(frozen=True, slots=True)
class Box:
    """One face in raster pixels: a rectangle along the raster's axes and the middles of both eyes.

    `eyes`: (2, 2), the viewer's left eye first, x then y.
    """

    x: float
    y: float
    width: float
    height: float
    eyes: NDArray[np.float32]
    score: float

    @property
    def area(self) -> float:
        """Pixels inside."""
        return self.width * self.height


def anchors() -> NDArray[np.float32]:
    """(896, 2) anchor centres x, y in pixels of the net's input, in the order of its outputs."""
    layers = []
    for cells, boxes in _GRIDS:
        centre = (np.arange(cells) + 0.5) * (SIZE / cells)
        grid = np.stack(np.meshgrid(centre, centre), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, boxes, axis=0))
    return np.concatenate(layers).astype(np.float32)


_ANCHORS = anchors()


def letterbox(width: int, height: int) -> NDArray[np.float32]:
    """The (2, 3) affine by which `Device.crop` fits a whole raster into the net's input, black beside it."""
    scale = max(width, height) / SIZE
    return np.array([[scale, 0, (width - SIZE * scale) / 2], [0, scale, (height - SIZE * scale) / 2]], np.float32)


def decode(boxes: NDArray[np.float32], scores: NDArray[np.float32], least_score: float) -> NDArray[np.float32]:
    """Candidates (n, 9) in pixels of the net's input: x0, y0, x1, y1 of the box, x, y of both eyes, score.

    `boxes` (1, 896, 16) and `scores` (1, 896, 1) are the net's outputs.
    Raises ModelError when the net answered with something that is not a number.
    """
    logits = scores.reshape(-1)
    if not (np.isfinite(logits).all() and np.isfinite(boxes).all()):
        raise ModelError("the face detector answered with something that is not a number")
    score = 1 / (1 + np.exp(-np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT, dtype=np.float64)))
    kept = np.flatnonzero(score >= least_score)
    raw, base = boxes.reshape(-1, 16)[kept], _ANCHORS[kept]
    centre, half = raw[:, 0:2] + base, raw[:, 2:4] / 2
    return np.column_stack([centre - half, centre + half, raw[:, 4:6] + base, raw[:, 6:8] + base, score[kept]])


def merge(candidates: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Weighted non-maximum suppression: each face's candidates averaged by score, the best one's score kept."""
    left = candidates[np.argsort(-candidates[:, -1], kind="stable")]
    faces = []
    while len(left):
        same = _iou(left[0], left) > SAME_FACE_IOU
        same[0] = True
        face = np.average(left[same], axis=0, weights=left[same, -1])
        face[-1] = left[0, -1]
        faces.append(face)
        left = left[~same]
    return faces


def boxes_in(
    affine: NDArray[np.float32], boxes: NDArray[np.float32], scores: NDArray[np.float32], least_score: float
) -> list[Box]:
    """The faces the net saw through `affine`, in raster pixels, best score first. Raises ModelError; see `decode`."""
    found = []
    for face in merge(decode(boxes, scores, least_score)):
        points = face[:-1].reshape(4, 2) @ affine[:, :2].T + affine[:, 2]
        (x0, y0), (x1, y1) = points[:2]
        eyes = points[2:].astype(np.float32)
        found.append(Box(float(x0), float(y0), float(x1 - x0), float(y1 - y0), eyes, float(face[-1])))
    return found


def _iou(one: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of a box with each row's."""
    low, high = np.maximum(one[:2], others[:, :2]), np.minimum(one[2:4], others[:, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(others[:, 2:4] - others[:, :2], axis=1)
    union = np.prod(one[2:4] - one[:2]) + areas - shared
    return np.asarray(shared / np.maximum(union, np.float32(1e-6)))
